"""Windows cut from trajectories, and batches of them as a function of (seed, step)."""

import collections
import functools
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError

AUGMENTATIONS = ("none", "flips", "rotations")


class Windows:
    """Every window of `length` frames of one split, numbered, `stride` frames apart.

    Trajectories shorter than a window give none.
    """

    def __init__(self, dataset: Dataset, split: str, length: int, stride: int = 1):
        numbers = [int(number) for number in dataset.splits[split]]
        if not numbers:
            raise InputError(
                f"the {split} split of {dataset.name} ({dataset.split_name}) is empty: "
                "use a file with more trajectories or another data.split"
            )
        longest = max(dataset.trajectories.lengths[number] for number in numbers)
        if length > longest:
            raise InputError(
                f"a window of {length} frames does not fit into the trajectories of "
                f"{dataset.name}, split {split}, which have {longest}: shorten "
                "data.history, data.horizon or train.feedback"
            )
        self._trajectories = dataset.trajectories
        self._places = [
            (number, start)
            for number in numbers
            for start in range(
                0, dataset.trajectories.lengths[number] - length + 1, stride
            )
        ]
        self.length = length
        self.vectors = dataset.vectors

    def __len__(self) -> int:
        """Number of windows in the split."""
        return len(self._places)

    def __getitem__(self, window: int) -> Float[np.ndarray, "time *space channels"]:
        """One window, (length, *space, channels)."""
        number, start = self._places[window]
        return self._trajectories.read(number, start, start + self.length)

    def read(
        self, numbers: np.ndarray
    ) -> Float[np.ndarray, "windows time *space channels"]:
        """Several windows, (len(numbers), length, *space, channels)."""
        return np.stack([self[int(number)] for number in numbers])


def pad_rows(
    array: Shaped[np.ndarray, "rows ..."], multiple: int
) -> Shaped[np.ndarray, "padded ..."]:
    """Repeat the last row until the number of rows is a multiple of `multiple`.

    A function of batches of one size is then compiled once.
    """
    return np.concatenate([array, np.repeat(array[-1:], -len(array) % multiple, 0)])


class Batch(NamedTuple):
    """Training windows: frames (rows, length, *space, channels), physical units.

    A missing cell is NaN.
    """

    frames: np.ndarray
    # Place of each row in the global batch: with the step, the name of its noise.
    row: np.ndarray


def window_numbers(
    seed: int, step: int, batch_size: int, num_windows: int
) -> np.ndarray:
    """Windows of global batch `step`: a pure function, so resuming needs the step only.

    Batches are cut from one endless sequence, a new permutation of all windows after
    the other: none comes twice in an epoch, none is left out.
    """
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, places = np.divmod(positions, num_windows)
    return np.array(
        [
            _permutation(seed, int(epoch), num_windows)[place]
            for epoch, place in zip(epochs, places, strict=True)
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
    """Global batch number `step`, or the `rows` of it that this process needs."""
    row = np.arange(batch_size, dtype=np.int32)[rows]
    numbers = window_numbers(seed, step, batch_size, len(windows))[rows]
    frames = windows.read(numbers)
    if augment != "none":
        for place, number in enumerate(row):
            generator = np.random.default_rng([seed, step, int(number)])
            frames[place] = turned(frames[place], augment, windows.vectors, generator)
    return Batch(frames, row)


def turned(
    frames: Float[np.ndarray, "time *space channels"],
    augment: str,
    vectors: Sequence[tuple[int, ...]],
    generator: np.random.Generator,
) -> Float[np.ndarray, "time *space channels"]:
    """Frames seen from another side; the components of `vectors` turn with space.

    "flips" reverses axes of space by chance, "rotations" also exchanges the first two,
    which must be equally long: together, all rotations by right angles and mirrors.
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
    """`read(step)` for each step, the next `ahead` read while one is used."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = collections.deque()
        for step in steps:
            pending.append(reader.submit(read, step))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
