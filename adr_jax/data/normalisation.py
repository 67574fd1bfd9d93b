"""Normalisation: what turns physical units to unit scale, from the training split."""

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Self

import numpy as np

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError

# Frames read at a time, at most, and values: a trajectory may be larger than memory.
CHUNK, CHUNK_VALUES = 64, 2**22
# Values looked at, about: some seconds' worth. Of larger splits it is a sample of
# chunks, spread evenly.
VALUES = 2**28


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Per-channel numbers of the training split that turn physical units to unit scale.

    The differences are those of normalised frames: what is left to forecast beyond
    persistence (first) and beyond linear extrapolation (second), as root mean squares.
    Missing cells are left out. Shares of classes are at unit scale as they are: their
    mean counts as 0 and their standard deviation as 1.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    first_difference: tuple[float, ...]
    second_difference: tuple[float, ...]

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Streams over the training split, or a sample of it where it is huge."""
        # Values, their squares, squares of first and of second differences: sum and
        # count of each, per channel.
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
    """The training split in float64, each chunk with frames before it: how many."""
    trajectories = dataset.trajectories
    frame_values = math.prod(trajectories.frame_shape)
    length = min(CHUNK, max(1, CHUNK_VALUES // frame_values))
    places = [
        (number, start)
        for number in map(int, dataset.splits["train"])
        for start in range(0, trajectories.lengths[number], length)
    ]
    most = max(1, VALUES // (length * frame_values))
    for place in _spread(len(places), most):
        number, start = places[place]
        overlap = min(start, 2)
        stop = min(start + length, trajectories.lengths[number])
        frames = trajectories.read(number, start - overlap, stop)
        yield frames.astype(np.float64), overlap


def _spread(count: int, most: int) -> Iterable[int]:
    """All of `count` places, or `most` of them: one in each of as many equal stretches.

    Which one is drawn, the same every time, so as not to fall in step with the data.
    """
    if count <= most:
        return range(count)
    edges = np.linspace(0, count, most + 1).astype(int)
    return np.random.default_rng(0).integers(edges[:-1], edges[1:])
