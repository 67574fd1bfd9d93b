"""Advected persistence: the last frame, carried on as the frames before it moved."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from adr_jax.data.motion import phase_correlation
from adr_jax.models.baselines import BASELINES
from adr_jax.operators.advection import pull

# Pairs of frames whose motion is averaged.
PAIRS = 3


def advected(
    history: Float[np.ndarray, "batch time *space channels"], steps: int
) -> Float[Array, "batch steps *space channels"]:
    """The last frame moved by one displacement a step, the same for all cells.

    The displacement is the median, along each axis, of those that phase correlation
    finds between the last four frames of each sample. What comes in from outside is
    what the nearest cell at the edge has. The frame is read once for each step, so that
    it does not blur as the steps go on.
    """
    history = np.asarray(history)
    motion = jnp.asarray(
        np.stack([_motion(frames[-1 - PAIRS :]) for frames in history])
    )
    space = history.shape[2:-1]
    last = jnp.asarray(history[:, -1])

    def ahead(step):
        u = step * motion.reshape(-1, *(1,) * len(space), len(space))
        return pull(last, -jnp.broadcast_to(u, (len(history), *space, len(space))))

    return jnp.stack([ahead(step) for step in range(1, steps + 1)], axis=1)


def _motion(frames: np.ndarray) -> Float[np.ndarray, " axes"]:
    """Cells a frame; zero where nothing is found."""
    pairs = [phase_correlation(*pair) for pair in zip(frames, frames[1:], strict=False)]
    found = [motion for motion in pairs if np.isfinite(motion).all()]
    return np.median(found, axis=0) if found else np.zeros(frames.ndim - 2)


# Forecasts that need no training, which every table has beside the model.
FORECASTERS = {**BASELINES, "advected": advected}
