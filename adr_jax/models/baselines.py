"""Forecasts that need no training: what any model must beat, and what heads build on.

Both map (batch, time, *space, channels) to the next `steps` frames,
(batch, steps, *space, channels), in whatever units come in.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def persistence(
    history: Float[Array, "batch time *space channels"], steps: int
) -> Float[Array, "batch steps *space channels"]:
    """The last frame, again and again."""
    return jnp.repeat(history[:, -1:], steps, axis=1)


def extrapolation(
    history: Float[Array, "batch time *space channels"], steps: int
) -> Float[Array, "batch steps *space channels"]:
    """The straight line through the last two frames of each cell."""
    last, change = history[:, -1:], history[:, -1:] - history[:, -2:-1]
    ahead = jnp.arange(1, steps + 1, dtype=history.dtype)
    return last + change * ahead.reshape(-1, *[1] * (history.ndim - 2))


BASELINES = {"persistence": persistence, "extrapolation": extrapolation}
