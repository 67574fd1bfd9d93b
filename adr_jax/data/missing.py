"""Frames that are noisy or missing: made so for training and tests, and filled in."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def corrupt(
    key: Array,
    frames: Float[Array, "time *space channels"],
    *,
    noise: float = 0.0,
    dropped: float = 0.0,
    missing: float = 0.0,
) -> Float[Array, "time *space channels"]:
    """One history as a poor observer would have it; what is lost is NaN.

    Args:
      key: of the randomness.
      frames: what is seen, in normalised units.
      noise: standard deviation of white noise, in units of the data's own.
      dropped: share of frames lost, each by chance; the last one stays.
      missing: share of cells lost in each frame, with all their channels.
    """
    noise_key, frame_key, cell_key = jax.random.split(key, 3)
    frames = frames + noise * jax.random.normal(noise_key, frames.shape, frames.dtype)
    time, space = frames.shape[:1], frames.shape[1:-1]
    lost = jax.random.bernoulli(frame_key, dropped, time).at[-1].set(False)
    lost = lost.reshape(-1, *(1,) * (frames.ndim - 1))
    lost |= jax.random.bernoulli(cell_key, missing, (*time, *space, 1))
    return jnp.where(lost, jnp.nan, frames)


def fill_missing(
    frames: Float[Array, "batch time *space channels"],
) -> Float[Array, "batch time *space channels"]:
    """Each NaN replaced by what its cell had last, or has next, or else by zero.

    Costs next to nothing where there is none.
    """
    return jax.lax.cond(jnp.isnan(frames).any(), _filled, lambda whole: whole, frames)


def _filled(frames):
    def last_seen(carry, frame):
        seen = jnp.where(jnp.isnan(frame), carry, frame)
        return seen, seen

    unknown = jnp.full_like(frames[:, 0], jnp.nan)
    in_time = jnp.moveaxis(frames, 1, 0)
    _, onwards = jax.lax.scan(last_seen, unknown, in_time)
    _, backwards = jax.lax.scan(last_seen, unknown, in_time, reverse=True)
    filled = jnp.where(jnp.isnan(onwards), backwards, onwards)
    return jnp.moveaxis(jnp.nan_to_num(filled, posinf=jnp.inf, neginf=-jnp.inf), 0, 1)
