"""Normalisation to unit scale, by statistics of the training split."""

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Self, TypeVar

import jax
import numpy as np

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError

Frames = TypeVar("Frames", np.ndarray, jax.Array)

# The maximum of frames read at a time, and of values: a trajectory may be larger than
# memory.
CHUNK, CHUNK_VALUES = 64, 2**22
# Values looked at, about, which takes some seconds. Of a larger split these are a
# sample of chunks, evenly spread.
VALUES = 2**28


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Per-channel statistics of the training split, without missing cells.

    The differences are root mean squares of normalised frames: the errors of
    persistence (first) and of linear extrapolation (second). Shares of classes are at
    unit scale as they are: their mean counts as 0, their standard deviation as 1.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    first_difference: tuple[float, ...]
    second_difference: tuple[float, ...]

    def normalise(self, frames: Frames) -> Frames:
        """Map physical units, channels last, to unit scale."""
        mean, std = self._float32
        return (frames - mean) / std

    def restore(self, frames: Frames) -> Frames:
        """Map unit scale to physical units: undo `normalise`."""
        mean, std = self._float32
        return frames * std + mean

    @property
    def zero(self) -> tuple[float, ...]:
        """Return the physical value 0 of each channel, at unit scale."""
        pairs = zip(self.mean, self.std, strict=True)
        return tuple(-mean / std for mean, std in pairs)

    @property
    def _float32(self) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Compute them from the training split, or a sample of it where it is huge."""
        # Sums and counts, per channel, of values, their squares, and the squares of
        # first and of second differences.
        channels = dataset.trajectories.frame_shape[-1]
        sums, counts = np.zeros((4, channels)), np.zeros((4, channels))
        for frames, overlap in _chunks(dataset):
            first, second = (np.diff(frames, n=n, axis=0) for n in (1, 2))
            # The overlap's values, and their difference, were counted before.
            new, first = frames[overlap:], first[overlap // 2 :]
            parts = (new, np.square(new), np.square(first), np.square(second))
            for kind, part in enumerate(parts):
                axes = tuple(range(part.ndim - 1))
                sums[kind] += np.nansum(part, axes)
                counts[kind] += np.isfinite(part).sum(axes)
        if not counts[0].all():
            raise InputError(
                f"the train split of {dataset.name} has no value to learn from in "
                f"channels {np.flatnonzero(counts[0] == 0).tolist()}: choose another "
                "data.split or file"
            )
        mean, squares, first, second = sums / np.maximum(counts, 1)
        std = np.sqrt(np.maximum(squares - mean**2, 0.0))
        # A channel that does not vary, beyond rounding, is left as it is.
        std = np.where(std > 1e-6 * np.abs(mean), std, 1.0)
        if dataset.has_class_channels:
            mean, std = np.zeros_like(mean), np.ones_like(std)
        scales = (np.sqrt(square) / std for square in (first, second))
        changes = [np.where(scale > 0, scale, 1.0) for scale in scales]
        return cls(*(tuple(values.tolist()) for values in (mean, std, *changes)))


def _chunks(dataset: Dataset) -> Iterator[tuple[np.ndarray, int]]:
    """Yield chunks of the training split, float64, and how many frames overlap."""
    trajectories = dataset.trajectories
    frame_values = math.prod(trajectories.frame_shape)
    length = min(CHUNK, max(1, CHUNK_VALUES // frame_values))
    starts = [
        (index, start)
        for index in map(int, dataset.splits["train"])
        for start in range(0, trajectories.lengths[index], length)
    ]
    maximum = max(1, VALUES // (length * frame_values))
    for chunk in _spread(len(starts), maximum):
        index, start = starts[chunk]
        overlap = min(start, 2)
        stop = min(start + length, trajectories.lengths[index])
        frames = trajectories.read(index, start - overlap, stop)
        yield frames.astype(np.float64), overlap


def _spread(count: int, maximum: int) -> Iterable[int]:
    """Return all of `count` indices, or `maximum` of them, evenly spread.

    One is drawn from each of as many equal intervals, the same every time, so as not to
    fall in step with the data.
    """
    if count <= maximum:
        return range(count)
    edges = np.linspace(0, count, maximum + 1).astype(int)
    return np.random.default_rng(0).integers(edges[:-1], edges[1:])
