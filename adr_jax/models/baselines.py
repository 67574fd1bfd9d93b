"""Forecasts that need no training: what heads add to, and what models must beat.

Both map (batch, time, *space, channels) to the next `steps` frames,
(batch, steps, *space, channels), in the units of the input.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def persistence(
    history: Float[Array, "batch time *space channels"], steps: int
) -> Float[Array, "batch steps *space channels"]:
    """Repeat the last frame."""
    return jnp.repeat(history[:, -1:], steps, axis=1)


def extrapolation(
    history: Float[Array, "batch time *space channels"], steps: int
) -> Float[Array, "batch steps *space channels"]:
    """Continue the straight line through the last two frames of each cell."""
    last, change = history[:, -1:], history[:, -1:] - history[:, -2:-1]
    ahead = jnp.arange(1, steps + 1, dtype=history.dtype)
    return last + change * ahead.reshape(-1, *[1] * (history.ndim - 2))


BASELINES = {"persistence": persistence, "extrapolation": extrapolation}
