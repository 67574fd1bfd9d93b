"""What a data set is: trajectories by index, splits, statistics, windows, batches."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol, Self

import numpy as np

from adr_jax.errors import InputError

SPLITS = ("train", "validation", "test")


class Trajectories(Protocol):
    """Sequences of one shape, read lazily.

    `shape` is (time, *space, channels), the same for all of them.
    """

    shape: tuple[int, ...]

    def __len__(self) -> int:
        """Number of trajectories."""
        ...

    def read(self, index: int, start: int, stop: int) -> np.ndarray:
        """Frames `start` to `stop` of a trajectory, (stop - start, *space, channels).

        float32, all finite: InputError otherwise.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Trajectories, how they are split, and what their numbers mean."""

    name: str
    trajectories: Trajectories
    # Trajectory numbers of each of SPLITS, and how many distinct initial states they
    # have: no state is in two splits unless the split's name says so.
    splits: Mapping[str, np.ndarray]
    states: Mapping[str, int]
    split_name: str
    # Changes with the content of the file, not with its place.
    fingerprint: str
    channels: tuple[str, ...]
    unit: str = ""
    cell_size: float | None = None
    frame_interval: float | None = None

    def describe(self) -> dict:
        """What a result says of its data."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "split": self.split_name,
            "trajectories": {name: len(self.splits[name]) for name in SPLITS},
            "states": dict(self.states),
            "unit": self.unit,
            "cell_size": self.cell_size,
            "frame_interval": self.frame_interval,
        }


class Windows:
    """Every window of `length` frames of one split, numbered, `stride` frames apart."""

    def __init__(self, dataset: Dataset, split: str, length: int, stride: int = 1):
        frames = dataset.trajectories.shape[0]
        if length > frames:
            raise InputError(
                f"a window of {length} frames does not fit into the trajectories of "
                f"{dataset.name}, which have {frames}: shorten data.history, "
                "data.horizon or train.feedback"
            )
        self._trajectories = dataset.trajectories
        self._numbers = dataset.splits[split]
        if len(self._numbers) == 0:
            raise InputError(
                f"the {split} split of {dataset.name} ({dataset.split_name}) is empty: "
                "use a file with more trajectories or another data.split"
            )
        self._starts = np.arange(0, frames - length + 1, stride)
        self.length = length

    def __len__(self) -> int:
        """Number of windows in the split."""
        return len(self._numbers) * len(self._starts)

    def __getitem__(self, window: int) -> np.ndarray:
        """One window, (length, *space, channels)."""
        trajectory, position = divmod(int(window), len(self._starts))
        start = int(self._starts[position])
        return self._trajectories.read(
            int(self._numbers[trajectory]), start, start + self.length
        )

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Several windows, (len(numbers), length, *space, channels)."""
        return np.stack([self[number] for number in numbers])


class Batch(NamedTuple):
    """Training windows: frames (rows, length, *space, channels), physical units."""

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


def read_batch(windows: Windows, seed: int, step: int, batch_size: int) -> Batch:
    """Global batch number `step`."""
    numbers = window_numbers(seed, step, batch_size, len(windows))
    return Batch(windows.read(numbers), np.arange(batch_size, dtype=np.int32))


def prefetch(read: Callable[[int], Batch], steps: range) -> Iterator[Batch]:
    """`read(step)` for each step, the next one read while this one is used."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = None
        for step in steps:
            upcoming = reader.submit(read, step)
            if pending is not None:
                yield pending.result()
            pending = upcoming
        if pending is not None:
            yield pending.result()


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Per-channel numbers of the training split that turn physical units to unit scale.

    The differences are those of normalised frames: what is left to forecast beyond
    persistence (first) and beyond linear extrapolation (second), as root mean squares.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    first_difference: tuple[float, ...]
    second_difference: tuple[float, ...]

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Streams over the training split, one trajectory at a time."""
        count = 0
        total = squares = 0.0
        differences = [[], []]
        frames = dataset.trajectories.shape[0]
        for number in dataset.splits["train"]:
            data = dataset.trajectories.read(int(number), 0, frames).astype(np.float64)
            axes = tuple(range(data.ndim - 1))
            count += data[..., 0].size
            total += data.sum(axes)
            squares += np.square(data).sum(axes)
            for order in (1, 2):
                change = np.diff(data, n=order, axis=0)
                differences[order - 1].append(np.square(change).mean(axes))
        if count == 0:
            raise InputError(
                f"{dataset.name} has no training trajectory: nothing to do"
            )
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
        # A channel that does not vary, beyond rounding, is left as it is.
        std = np.where(std > 1e-6 * np.abs(mean), std, 1.0)
        changes = [np.sqrt(np.mean(d, axis=0)) / std for d in differences]
        scales = [np.where(scale > 0, scale, 1.0) for scale in (std, *changes)]
        return cls(*(tuple(values.tolist()) for values in (np.asarray(mean), *scales)))


def data_file(root: str, path: str) -> pathlib.Path:
    """A data file's place: `path` under `root`, $ADR_JAX_DATA or data/."""
    folder = root or os.environ.get("ADR_JAX_DATA") or "data"
    return pathlib.Path(folder).expanduser() / path
