"""Windows cut from trajectories, and batches as a pure function of (seed, step)."""

import collections
import functools
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError

AUGMENTATIONS = ("none", "flips", "rotations")


class Windows:
    """Every window of `length` frames of one split, `stride` frames apart, by index.

    Trajectories shorter than a window give none.
    """

    def __init__(self, dataset: Dataset, split: str, length: int, stride: int = 1):
        indices = [int(index) for index in dataset.splits[split]]
        if not indices:
            raise InputError(
                f"the {split} split of {dataset.name} ({dataset.split_name}) is empty: "
                "use a file with more trajectories or another data.split"
            )
        longest = max(dataset.trajectories.lengths[index] for index in indices)
        if length > longest:
            raise InputError(
                f"a window of {length} frames does not fit into the trajectories of "
                f"{dataset.name}, split {split}, which have {longest}: shorten "
                "data.history or train.feedback"
            )
        self._trajectories = dataset.trajectories
        # Of each window: the index of its trajectory, and its first frame.
        self.starts = [
            (index, start)
            for index in indices
            for start in range(
                0, dataset.trajectories.lengths[index] - length + 1, stride
            )
        ]
        self.length = length
        self.vectors = dataset.vectors

    def __len__(self) -> int:
        """Return the number of windows in the split."""
        return len(self.starts)

    def __getitem__(self, window: int) -> Float[np.ndarray, "time *space channels"]:
        """Return one window, (length, *space, channels)."""
        index, start = self.starts[window]
        return self._trajectories.read(index, start, start + self.length)

    def read(
        self, windows: np.ndarray
    ) -> Float[np.ndarray, "windows time *space channels"]:
        """Return several windows, (len(windows), length, *space, channels)."""
        return np.stack([self[int(window)] for window in windows])


class Batch(NamedTuple):
    """Training windows: frames (rows, length, *space, channels), physical units.

    A missing cell is NaN.
    """

    frames: np.ndarray
    # Index of each row in the global batch: with the step, the seed of its noise.
    row: np.ndarray


def window_indices(
    seed: int, step: int, batch_size: int, num_windows: int
) -> np.ndarray:
    """Return the windows of global batch `step`: resuming needs the step only.

    Batches are cut from an endless sequence of permutations of all windows: in an epoch
    none is repeated and none left out.
    """
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, within = np.divmod(positions, num_windows)
    return np.array(
        [
            _permutation(seed, int(epoch), num_windows)[position]
            for epoch, position in zip(epochs, within, strict=True)
        ]
    )


@functools.lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, num_windows: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(num_windows)


def read_batch(
    windows: Windows,
    seed: int,
    step: int,
    *,
    batch_size: int,
    augment: str = "none",
    rows: slice = slice(None),
) -> Batch:
    """Return global batch `step`, or the `rows` of it that this process needs."""
    row = np.arange(batch_size, dtype=np.int32)[rows]
    indices = window_indices(seed, step, batch_size, len(windows))[rows]
    frames = windows.read(indices)
    if augment != "none":
        for position, index in enumerate(row):
            generator = np.random.default_rng([seed, step, int(index)])
            frames[position] = turned(
                frames[position], augment, windows.vectors, generator
            )
    return Batch(frames, row)


def turned(
    frames: Float[np.ndarray, "time *space channels"],
    augment: str,
    vectors: Sequence[tuple[int, ...]],
    generator: np.random.Generator,
) -> Float[np.ndarray, "time *space channels"]:
    """Return frames flipped or rotated at random, with the components of `vectors`.

    "flips" reverses axes of space. "rotations" also exchanges the first two, which must
    be of equal length: together, all rotations by right angles and mirrors.
    """
    axes = frames.ndim - 2
    for axis in range(axes):
        if generator.random() < 0.5:
            frames = np.flip(frames, 1 + axis).copy()
            for vector in vectors:
                frames[..., vector[axis]] *= -1
    if augment == "rotations" and axes > 1 and generator.random() < 0.5:
        frames = np.swapaxes(frames, 1, 2).copy()
        for first, second, *_ in vectors:
            frames[..., [first, second]] = frames[..., [second, first]]
    return frames


def prefetch(
    read: Callable[[int], Batch], steps: range, ahead: int = 2
) -> Generator[Batch, None, None]:
    """Yield `read(step)` for each step; the next `ahead` are read while one is used."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = collections.deque()
        for step in steps:
            pending.append(reader.submit(read, step))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
