"""Advected persistence: the last frame carried along the measured motion."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from adr_jax.models.baselines import BASELINES
from adr_jax.operators.motion import estimate_motion
from adr_jax.operators.trajectory import extrapolate

# Maximum number of frames that the motion is measured in; older ones show older motion.
FRAMES = 4


def advected(
    history: Float[np.ndarray, "batch time *space channels"], steps: int
) -> Float[Array, "batch steps *space channels"]:
    """Move the last frame along the motion of the frames before it.

    The motion is measured in the last four frames of each sample, and is constant in
    time. Content from outside has the values of the nearest cell at the edge. For a
    history of one frame the forecast is persistence.
    """
    # One sample at a time: its forecast is then the same, bit for bit, in any batch.
    return jnp.stack([_advected(frames[-FRAMES:], steps) for frames in history])


@functools.partial(jax.jit, static_argnames="steps")
def _advected(frames, steps):
    axes = frames.ndim - 2
    if len(frames) < 2:
        u = jnp.zeros((*frames.shape[1:-1], axes), jnp.float32)
    else:
        u = estimate_motion(frames, axes=axes)
    return extrapolate(frames[-1], u, steps, boundary="clamp")


# The baselines of every table.
FORECASTERS = {**BASELINES, "advected": advected}
