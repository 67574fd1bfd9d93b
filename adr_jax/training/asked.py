"""Frames that a model is asked about, in any form, and answers in the same form."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from adr_jax.data.missing import without_mask
from adr_jax.data.own import labelled
from adr_jax.errors import InputError, counted


class Asked(NamedTuple):
    """The last frames of what a model is asked about, and how to answer."""

    history: Float[np.ndarray, "batch history *space channels"]
    # Whether there was an axis for several sequences.
    is_batch: bool
    # Gives frames (batch, steps, *space, channels) the form of what was asked.
    answer: Callable[[np.ndarray], Any]

    def in_batch(self, values: np.ndarray) -> np.ndarray:
        """Return values with their batch axis where what was asked has one."""
        return values if self.is_batch else values[0]


def read(
    method: str,
    frames: ArrayLike,
    frame_shape: tuple[int, ...],
    length: int,
    offset: tuple[float, ...] = (),
) -> Asked:
    """Read what a model is asked about.

    Args:
      method: the name of the caller's method, for messages.
      frames: an array, or an xarray DataArray, as `TrainedModel.forecast` takes it.
      frame_shape: (*space, channels) of training.
      length: frames of history that the model needs.
      offset: what the network counts each channel from; () for zero.

    Raises:
      InputError: another number of axes or channels, too few frames, or an infinite
        value.
    """
    if labelled.is_labelled(frames):
        array, axes = labelled.newest(frames)
        values = labelled.plain(array, axes)
        history = _history(method, values, frame_shape, length, offset)
        is_batch = "n" in axes

        def answer(ahead: np.ndarray) -> Any:
            return labelled.like(array, axes, ahead if is_batch else ahead[0])

        return Asked(history, is_batch, answer)
    values = np.asarray(without_mask(frames))
    space, channels = frame_shape[:-1], frame_shape[-1]
    # With one channel its axis may be left out: of a single sequence, so that nothing
    # else can be meant.
    is_bare = channels == 1 and values.ndim == 1 + len(space)
    whole = values[..., None] if is_bare else values
    history = _history(method, whole, frame_shape, length, offset)
    is_batch = values.ndim == len(space) + 3

    def in_kind(ahead: np.ndarray) -> np.ndarray:
        ahead = ahead if is_batch else ahead[0]
        return ahead[..., 0] if is_bare else ahead

    return Asked(history, is_batch, in_kind)


def _history(
    method: str,
    frames: np.ndarray,
    frame_shape: tuple[int, ...],
    length: int,
    offset: tuple[float, ...],
) -> np.ndarray:
    """Return the last frames, (batch, history, *space, channels), if they fit."""
    axes, channels = len(frame_shape) - 1, frame_shape[-1]
    space = ", ".join(("depth", "rows", "columns")[-axes:])
    expected = (
        f"expected (time, {space}, channels) or (batch, time, {space}, channels), "
        f"{length} frames or more of {counted(channels, 'channel')}"
    )
    got = f"{method} got {frames.dtype} of shape {frames.shape}; {expected}"
    if not (jnp.issubdtype(frames.dtype, jnp.floating) or frames.dtype.kind in "iub"):
        raise InputError(f"{got}, real numbers")
    if frames.ndim not in (axes + 2, axes + 3) or 0 in frames.shape:
        raise InputError(got)
    if frames.shape[-1] != channels:
        remedy = ": several sequences need the axis of channels, frames[..., None]"
        raise InputError(got + (remedy if channels == 1 else ""))
    batch = frames if frames.ndim == axes + 3 else frames[None]
    if batch.shape[1] < length:
        raise InputError(got)
    history = batch[:, -length:]
    if offset:
        history = history.astype(np.float64) - np.array(offset)
    history = history.astype(np.float32)
    if np.isinf(history).any():
        raise InputError(f"{method} got infinite values; write NaN where missing")
    return history
