"""Noise and missing cells: added for training and tests, and filled in."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float


def corrupt(
    key: Array,
    frames: Float[Array, "time *space channels"],
    *,
    noise: float = 0.0,
    missing: float = 0.0,
) -> Float[Array, "time *space channels"]:
    """Return a history with noise and missing cells, NaN.

    Args:
      key: a JAX PRNG key.
      frames: the history, normalised.
      noise: standard deviation of white noise, in units of the data's own.
      missing: share of cells lost in each frame, with all their channels.
    """
    # Three keys, of which one is unused: runs that were stored go on with their noise.
    noise_key, _, cell_key = jax.random.split(key, 3)
    frames = frames + noise * jax.random.normal(noise_key, frames.shape, frames.dtype)
    lost = jax.random.bernoulli(cell_key, missing, (*frames.shape[:-1], 1))
    return jnp.where(lost, jnp.nan, frames)


def without_mask(values: ArrayLike) -> ArrayLike:
    """Return a masked array of real numbers as floats, NaN where NumPy masks it.

    Anything else is returned as it is.
    """
    if not isinstance(values, np.ma.MaskedArray) or values.dtype.kind not in "fiub":
        return values
    wide = np.promote_types(values.dtype, np.float32)
    return np.ma.filled(values.astype(wide), np.nan)


def fill_missing(
    frames: Float[Array, "batch time *space channels"],
) -> Float[Array, "batch time *space channels"]:
    """Return frames with each NaN replaced by its cell's last value, next value or 0.

    Costs next to nothing where there is none.
    """
    return jax.lax.cond(jnp.isnan(frames).any(), _filled, lambda same: same, frames)


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
