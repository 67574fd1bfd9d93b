"""Diffusion on the grid: one explicit step of dq/dt = kappa * Laplacian(q).

Cells are units of length. Boundaries are walls, through which nothing passes, or
periodic; either way each channel keeps its sum.
"""

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from adr_jax.operators.flux import inflow_along

_BOUNDARIES = ("clamp", "open", "reflect", "periodic")


def explicit_diffusion(
    q: Float[Array, "batch *space channels"],
    amount: Float[Array, "#channels"] | float,
    *,
    boundary: str = "clamp",
) -> Float[Array, "batch *space channels"]:
    """`q + amount * (sum of the 2d neighbours - 2d q)`, d the number of spatial axes.

    Args:
      q: the field.
      amount: time step times diffusivity, in cells squared, for each channel or for
        all; from 0 to 1 / (2d), where the step is stable and obeys the maximum
        principle: no new extremes.
      boundary: "periodic", or walls for every other rule of push.

    Returns:
      The field after the step, of first order in time; each channel keeps its sum.

    Raises:
      ValueError: a concrete amount out of range, or an unknown boundary.
    """
    if boundary not in _BOUNDARIES:
        raise ValueError(
            f"explicit_diffusion got boundary={boundary!r}; expected one of "
            f"{', '.join(_BOUNDARIES)}"
        )
    axes = range(1, q.ndim - 1)
    limit = 1 / (2 * len(axes))
    if not isinstance(amount, Tracer):
        values = np.asarray(amount)
        # A rounding error above the limit is no instability.
        if not np.all((values >= 0) & (values <= limit * (1 + 1e-6))):
            raise ValueError(
                f"explicit_diffusion got an amount of {values}; expected 0 to "
                f"{limit:g} (time step * diffusivity <= 1 / 2d): take smaller steps"
            )
    # As fluxes, down each gradient: XLA compiles the gradient of this to one pass, and
    # that of a padded Laplacian to many (nine times slower on a CPU).
    gains = (inflow_along(q - jnp.roll(q, -1, axis), axis, boundary) for axis in axes)
    return q + amount * sum(gains)
