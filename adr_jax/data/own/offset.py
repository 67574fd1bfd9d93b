"""Values that vary little about a large number, which float32 would round away."""

import warnings

import numpy as np

from adr_jax.data.own.array_sequences import ArraySequences
from adr_jax.data.own.sequences import Sequences

# Frames looked at, evenly spread.
FRAMES = 8
# How much larger than their range values are that are counted from their middle:
# float32 has seven digits, of which four are then left for what varies.
LARGE = 1e3


def subtract(source: Sequences) -> tuple[float, ...]:
    """Let `source` subtract a number from each channel before it becomes float32.

    Return the numbers; () where there is nothing to gain: values are small, or stored
    as float32.
    """
    for part in source.parts:
        part.offset = _find(part)
    numbers = [
        number
        for part in source.parts
        for number in part.offset or [0.0] * part.channels
    ]
    return tuple(numbers) if any(numbers) else ()


def _find(part: ArraySequences) -> tuple[float, ...]:
    if part.array.dtype in ("f2", "f4"):
        return ()
    frames = np.unique(np.linspace(0, part.lengths[0] - 1, FRAMES).astype(int))
    values = np.concatenate([part.values(0, frame, frame + 1) for frame in frames])
    flat = values.reshape(-1, values.shape[-1])
    with warnings.catch_warnings():  # a channel may have no value here
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = np.nanmin(flat, axis=0), np.nanmax(flat, axis=0)
    middle, width = (low + high) / 2, high - low
    is_large = (width > 0) & (np.abs(middle) > LARGE * width)
    return tuple(np.where(is_large, middle, 0).tolist()) if is_large.any() else ()
