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


def advected(
    history: Float[np.ndarray, "batch time *space channels"], steps: int
) -> Float[Array, "batch steps *space channels"]:
    """The last frame moved along the motion of the frames before it.

    The motion is measured anew for each sample, in its last four frames, and does not
    change in time. What comes in from outside is what the nearest cell at the edge has.
    A history of one frame shows no motion: its forecast is persistence.
    """
    # One after the other: a sample's forecast is the same, to the bit, in any batch.
    return jnp.stack([_advected(film[-FRAMES:], steps) for film in history])


@functools.partial(jax.jit, static_argnames="steps")
def _advected(frames, steps):
    axes = frames.ndim - 2
    if len(frames) < 2:
        u = jnp.zeros((*frames.shape[1:-1], axes), jnp.float32)
    else:
        u = estimate_motion(frames, axes=axes)
    return extrapolate(frames[-1], u, steps, boundary="clamp")


# Forecasts that need no training, which every table has beside the model.
FORECASTERS = {**BASELINES, "advected": advected}
