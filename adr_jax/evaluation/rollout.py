"""Forecasts longer than one step: predictions fed back as input."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def rollout(
    step: Callable,
    history: Float[Array, "batch time *space channels"],
    num_frames: int,
    *,
    unroll: bool = False,
) -> Float[Array, "batch num_frames *space channels"]:
    """Forecast the next `num_frames` frames, `step` applied to its own forecasts.

    Args:
      step: history to the frames that follow it, (batch, frames_out, *space,
        channels); the history it is given keeps its length.
      history: the true frames to start from, newest last.
      num_frames: how many frames to forecast.
      unroll: compile a straight line instead of a loop.
    """

    def advance(history, _):
        frames = step(history)
        longer = jnp.concatenate([history, frames], axis=1)
        return longer[:, -history.shape[1] :], frames

    frames_out = jax.eval_shape(step, history).shape[1]
    calls = -(-num_frames // frames_out)
    # 0 means all of it; True or 1 would keep a loop where there is one call only, and
    # on CPUs gradients of convolutions in a loop are an order of magnitude slower.
    _, chunks = jax.lax.scan(advance, history, length=calls, unroll=0 if unroll else 1)
    frames = jnp.moveaxis(chunks, 0, 1)
    return frames.reshape(history.shape[0], -1, *frames.shape[3:])[:, :num_frames]
