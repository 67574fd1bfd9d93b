"""The probability that a field exceeds thresholds, beside the field itself.

Forecasts of a field by square errors fade, since a mean of what may come is never as
high as what comes. Probabilities say how likely it is instead.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from adr_jax.models.layers import PointwiseMLP

# Within so many usual deviations of a threshold untrained forecasts are in doubt.
DOUBT = 0.5
# The least probability of a bin before training: a logarithm of zero could not be
# corrected.
LEAST = 1e-2


class Exceedance(nn.Module):
    """Forecast the bin between two thresholds in which a variable lies.

    Untrained, it is that of the carried frame, in doubt near thresholds.
    """

    # Ascending, at unit scale.
    thresholds: tuple[float, ...]
    width: int
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self,
        z: Float[Array, "*cells features"],
        carried: Float[Array, " *cells"],
    ) -> Float[Array, "*cells bins"]:
        """Return the logarithm of the probability of each bin, the lowest first."""
        above = nn.sigmoid((carried[..., None] - jnp.asarray(self.thresholds)) / DOUBT)
        ends = [(0, 0)] * carried.ndim
        lower = jnp.pad(above, [*ends, (1, 0)], constant_values=1.0)
        upper = jnp.pad(above, [*ends, (0, 1)])
        correct = PointwiseMLP(
            self.width,
            len(self.thresholds) + 1,
            self.dtype,
            starts_at_zero=True,
            name="bins",
        )
        return nn.log_softmax(jnp.log(jnp.clip(lower - upper, LEAST)) + correct(z))


def surprise(
    bins: Float[Array, "*cells bins"],
    target: Float[Array, " *cells"],
    thresholds: tuple[float, ...],
) -> Float[Array, ""]:
    """Return the sum over cells of minus the logarithm of the bin that came, in nats.

    A cell that is missing in the target, NaN, does not count.
    """
    known = ~jnp.isnan(target)
    edges = jnp.asarray(thresholds)
    which = jnp.sum(jnp.where(known, target, 0.0)[..., None] >= edges, axis=-1)
    came = jnp.take_along_axis(bins, which[..., None], axis=-1)[..., 0]
    return -jnp.sum(jnp.where(known, came, 0.0))


def probabilities(
    bins: Float[Array, "*cells bins"],
) -> Float[Array, "*cells thresholds"]:
    """Return the probability of each threshold's being reached, of the bins above."""
    above = jnp.cumsum(jax.nn.softmax(bins)[..., ::-1], axis=-1)[..., ::-1]
    return jnp.clip(above[..., 1:], 0.0, 1.0)
