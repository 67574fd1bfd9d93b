"""Rollouts: forecasts fed back as input."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def rollout(
    step: Callable,
    history: Float[Array, "batch time *space channels"],
    num_frames: int,
    *,
    gradient_calls: int = 0,
    unroll: bool = False,
) -> Float[Array, "batch num_frames *space channels_out"]:
    """Forecast `num_frames` frames by applying `step` to its own forecasts.

    Args:
      step: maps a history to the frames that follow it, (batch, frames_out, *space,
        channels). If it forecasts only the first channels, the others keep their last
        values.
      history: the observed frames to start from, newest last.
      num_frames: the number of frames to forecast.
      gradient_calls: the number of last calls of `step` that the gradient goes back
        through; 0 means all.
      unroll: compile all calls in sequence instead of a loop.
    """

    def advance(history, is_constant):
        if gradient_calls:
            history = jnp.where(is_constant, jax.lax.stop_gradient(history), history)
        frames = step(history)
        others = history[:, -1:, ..., frames.shape[-1] :]
        others = jnp.repeat(others, frames.shape[1], axis=1)
        completed = jnp.concatenate([frames, others], axis=-1)
        longer = jnp.concatenate([history, completed], axis=1)
        return longer[:, -history.shape[1] :], frames

    frames_out = jax.eval_shape(step, history).shape[1]
    calls = -(-num_frames // frames_out)
    # unroll=0 unrolls completely. True or 1 would keep a loop of one call, and on CPUs
    # gradients of convolutions in a loop are ten times slower.
    is_constant = jnp.arange(calls) <= calls - gradient_calls
    _, chunks = jax.lax.scan(advance, history, is_constant, unroll=0 if unroll else 1)
    frames = jnp.moveaxis(chunks, 0, 1)
    return frames.reshape(history.shape[0], -1, *frames.shape[3:])[:, :num_frames]
