"""What training makes small, as a sum and what it is to be divided by.

Both are added up over micro-batches and devices before one is divided by the other, so
that a mean is that of the global batch, however many of its cells are missing.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from adr_jax.data.statistics import Statistics

LOSSES = ("increment", "mse", "relative")

# Least mean square of a target that a relative error is divided by, as a share of the
# data's variance: a sample of zeros must not outweigh all others.
LEAST_POWER = 1e-2

Loss = Callable[[Array, Array], tuple[Array, Array]]


def make_loss(
    name: str, statistics: Statistics, output_scale: tuple[float, ...] | float
) -> Loss:
    """A loss of forecast and target, (rows, frames, *space, channels), normalised.

    Args:
      name: "increment", the square error in units of what the head has to add to its
        base, about 1 for an untrained network; "mse", in units of the data's standard
        deviation; "relative", in physical units over the target's square, both summed
        over the frames and cells of a sample and channel.
      statistics: what normalised means.
      output_scale: that of the head, per channel or one for all.

    Returns:
      A function to the loss's sum and count. Cells that are missing in the target, NaN,
      do not count.
    """
    mean, std = jnp.asarray(statistics.mean), jnp.asarray(statistics.std)
    scale = jnp.broadcast_to(jnp.asarray(output_scale), mean.shape)

    def mse(forecast, target):
        error, known = _known_error(forecast, target)
        return jnp.sum(jnp.square(error)), jnp.sum(known, dtype=error.dtype)

    def increment(forecast, target):
        unit = scale[: target.shape[-1]]  # a network may forecast the first channels
        return mse(forecast / unit, target / unit)

    def relative(forecast, target):
        error, known = _known_error(forecast, target)
        axes = tuple(range(1, target.ndim - 1))
        channels = target.shape[-1]
        middle, unit = mean[:channels], std[:channels]
        physical = jnp.where(known, target * unit + middle, 0.0)
        power = jnp.sum(jnp.square(physical), axes)
        least = LEAST_POWER * jnp.square(unit) * jnp.sum(known, axes)
        counted = jnp.any(known, axes)
        size = jnp.where(counted, jnp.maximum(power, least), 1.0)
        errors = jnp.sum(jnp.square(error * unit), axes)
        return jnp.sum(errors / size), jnp.sum(counted, dtype=error.dtype)

    return {"increment": increment, "mse": mse, "relative": relative}[name]


def _known_error(
    forecast: Float[Array, "rows frames *space channels"],
    target: Float[Array, "rows frames *space channels"],
) -> tuple[Array, Array]:
    """The error, zero where the target is missing, and where it is not."""
    known = ~jnp.isnan(target)
    return jnp.where(known, forecast - jnp.where(known, target, 0), 0), known
