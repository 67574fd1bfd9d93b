"""Advected persistence: the last frame, carried on as the frames before it moved."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from adr_jax.models.baselines import BASELINES
from adr_jax.operators.motion import estimate_motion
from adr_jax.operators.trajectory import extrapolate

# Frames that show the motion, where there are so many. More see weather as it was.
FRAMES = 4


@functools.partial(jax.jit, static_argnames="steps")
def advected(
    history: Float[np.ndarray, "batch time *space channels"], steps: int
) -> Float[Array, "batch steps *space channels"]:
    """The last frame moved along the motion of the frames before it.

    The motion is measured anew for each sample, in its last four frames, and does not
    change in time. What comes in from outside is what the nearest cell at the edge has.
    A history of one frame shows no motion: its forecast is persistence.
    """
    history = jnp.asarray(history)
    shown, last = history[:, -FRAMES:], history[:, -1]
    axes = history.ndim - 3
    if history.shape[1] < 2:
        u = jnp.zeros((*last.shape[:-1], axes), jnp.float32)
    else:
        u = estimate_motion(shown, axes=axes)
    return extrapolate(last, u, steps, boundary="clamp")


# Forecasts that need no training, which every table has beside the model.
FORECASTERS = {**BASELINES, "advected": advected}
