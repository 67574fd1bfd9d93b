"""What a data set is: trajectories by index, splits, and what their numbers mean."""

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
from jaxtyping import Float

SPLITS = ("train", "validation", "test")
Part = TypeVar("Part")


class Trajectories(Protocol):
    """Sequences of frames of one shape, (*space, channels), read lazily."""

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(*space, channels)."""
        ...

    @property
    def lengths(self) -> Sequence[int]:
        """Frames of each trajectory."""
        ...

    def read(
        self, index: int, start: int, stop: int
    ) -> Float[np.ndarray, "time *space channels"]:
        """Frames `start` to `stop` of a trajectory, float32 in physical units.

        A cell that is missing is NaN; nothing is infinite. A set that knows no missing
        cells raises InputError for a NaN.
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
    # Whether each channel is the share of a class in its cell: they sum to 1.
    channels_are_classes: bool = False
    # What forecasts are scored by, names of evaluation/metrics: the first is the one
    # that chooses the best model.
    metrics: tuple[str, ...] = ("nrmse", "rmse", "mass_drift")
    unit: str = ""
    # In words, as "2 km" and "5 min" or as a number of the data's own units.
    cell_size: float | str | None = None
    frame_interval: float | str | None = None
    # Least and greatest value that frames can show: what SSIM and PSNR refer to.
    data_range: tuple[float, float] | None = None
    # Values from which on something happens (rain, say), in the data's unit.
    thresholds: tuple[float, ...] = ()
    # Channels that are the components of a vector along the axes of space, in their
    # order, one tuple for each vector: a flip or a rotation turns them too.
    vectors: tuple[tuple[int, ...], ...] = ()

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


@dataclasses.dataclass(frozen=True)
class Segments:
    """Trajectories that are stretches of longer sequences.

    `read_frames(*which, start, stop)` gives frames of a sequence as `Trajectories.read`
    has them; `spans` are, of each stretch, which sequence it is of (nothing where there
    is but one), its first frame and the one after its last.
    """

    read_frames: Callable[..., np.ndarray]
    spans: Sequence[tuple[int, ...]]
    frame_shape: tuple[int, ...]

    @property
    def lengths(self) -> Sequence[int]:
        """Frames of each stretch."""
        return [stop - start for *_, start, stop in self.spans]

    def read(self, index: int, start: int, stop: int) -> np.ndarray:
        """Frames `start` to `stop` of a stretch."""
        *which, first, _ = self.spans[index]
        return self.read_frames(*which, first + start, first + stop)


def split_in_time(
    frames: int, shares: Sequence[float] = (0.7, 0.15, 0.15), gap: int = 0
) -> list[tuple[int, int]]:
    """Spans of train, validation and test, one after the other, of these shares.

    `gap` frames between two of them belong to none.
    """
    used = max(frames - gap * (len(shares) - 1), 0)
    cuts = np.round(np.cumsum([0.0, *shares]) / sum(shares) * used).astype(int)
    return [
        (int(start) + number * gap, int(stop) + number * gap)
        for number, (start, stop) in enumerate(zip(cuts[:-1], cuts[1:], strict=True))
    ]


def without_gaps(steps: Float[np.ndarray, " steps"]) -> list[tuple[int, int]]:
    """Spans of frames in which time does not jump.

    `steps` are the times between frames; one that is more than half as long again as
    is usual is a jump.
    """
    cuts = 1 + np.flatnonzero(steps > 1.5 * np.median(steps))
    return list(itertools.pairwise([0, *cuts.tolist(), len(steps) + 1]))


def numbered(
    parts: Mapping[str, Sequence[Part]],
) -> tuple[list[Part], dict[str, np.ndarray]]:
    """What each split holds, as one list, and the places in it of each split."""
    everything = [part for split in SPLITS for part in parts[split]]
    stops = np.cumsum([len(parts[split]) for split in SPLITS])
    places = np.split(np.arange(len(everything)), stops[:-1])
    return everything, dict(zip(SPLITS, places, strict=True))


def data_file(root: str, path: str) -> pathlib.Path:
    """A data file's place: `path` under `root`, $ADR_JAX_DATA or data/."""
    folder = root or os.environ.get("ADR_JAX_DATA") or "data"
    return pathlib.Path(folder).expanduser() / path
