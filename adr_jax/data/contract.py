"""The contract of a data set: where it comes from, its trajectories and its splits."""

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
from jaxtyping import Float

from adr_jax.errors import InputError
from adr_jax.options import DataOptions

SPLITS = ("train", "validation", "test")
Part = TypeVar("Part")
Velocities = Callable[[DataOptions, Sequence[tuple[int, int]]], np.ndarray]


class Trajectories(Protocol):
    """Sequences of frames of one shape, (*space, channels), read lazily."""

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """The shape (*space, channels)."""
        ...

    @property
    def lengths(self) -> Sequence[int]:
        """Frames of each trajectory."""
        ...

    def read(
        self, index: int, start: int, stop: int
    ) -> Float[np.ndarray, "time *space channels"]:
        """Return frames `start` to `stop` of a trajectory, float32, physical units.

        A cell that is missing is NaN; nothing is infinite. A set that has no missing
        cells raises InputError for a NaN.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Trajectories, their splits, and what their values mean."""

    name: str
    trajectories: Trajectories
    # Trajectory indices of each of SPLITS, and the number of their distinct initial
    # states: no state is in two splits unless the split's name says so.
    splits: Mapping[str, np.ndarray]
    states: Mapping[str, int]
    split_name: str
    # Changes with the content of the file, not with its path.
    fingerprint: str
    channels: tuple[str, ...]
    # Names of the classes where cells belong to one: a channel holds its label, or
    # there is a channel for each class with its share of the cell.
    classes: tuple[str, ...] = ()
    # Metrics that score forecasts, names of evaluation/metrics. The first chooses the
    # best model.
    metrics: tuple[str, ...] = ("nrmse", "rmse", "mass_drift")
    unit: str = ""
    # Of each channel, "" where it is not stated, where they are not all of one unit; ()
    # where they are. A mean over them is then one of relative scores only.
    units: tuple[str, ...] = ()
    # In words, as "2 km" and "5 min", or a number in the data's own units.
    cell_size: float | str | None = None
    frame_interval: float | str | None = None
    # Minimum and maximum that frames can show, which SSIM and PSNR refer to.
    data_range: tuple[float, float] | None = None
    # Values from which on an event, such as rain, takes place; in the data's unit.
    thresholds: tuple[float, ...] = ()
    # Channels that are the components of a vector along the axes of space, in their
    # order, one tuple for each vector: a flip or a rotation turns them too.
    vectors: tuple[tuple[int, ...], ...] = ()
    # What was subtracted from each channel, as values vary little about it; () nothing.
    offset: tuple[float, ...] = ()
    # What was done about the frames, for people: put in order, left out, kept apart.
    notes: tuple[str, ...] = ()

    def split_in_words(self, split: str) -> str:
        """Return what results call the split that was scored: "all" if it is all."""
        return "all" if self.split_name == "all" else split

    @property
    def has_class_channels(self) -> bool:
        """Return whether there is a channel for each class."""
        return bool(self.classes) and len(self.channels) > 1

    def describe(self) -> dict:
        """Return what results record of their data."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "split": self.split_name,
            "trajectories": {name: len(self.splits[name]) for name in SPLITS},
            "states": dict(self.states),
            "unit": self.unit,
            "cell_size": self.cell_size,
            "frame_interval": self.frame_interval,
            "notes": list(self.notes),
        }


@dataclasses.dataclass(frozen=True)
class Source:
    """Describe a data set before it is opened, and open it.

    Functions take the `data` section of a run's configuration.
    """

    load: Callable[[DataOptions], Dataset]
    # What data.split may be, the usual one first.
    split_names: tuple[str, ...]
    # Fields of `data.OPTIONAL` that it reads.
    fields: tuple[str, ...]
    # Origin of the values and the terms they are under.
    licence: str = "a file, on its owner's terms"
    # What data.shape may be, where the set reads it.
    shapes: tuple[str, ...] = ()
    # Makes the files that are missing and can be made.
    prepare: Callable[[DataOptions], None] | None = None
    # The shape of frames where data.path is empty, if the options say it.
    frame_shape: Callable[[DataOptions], tuple[int, ...] | None] | None = None
    # A usual one, to describe a network without its data.
    usual_frame: tuple[int, ...] = ()
    # The same trajectories, a frame every so many of their intervals, whole or not.
    at_interval: Callable[[DataOptions, float], Trajectories] | None = None
    # Trajectories of the test split on so many cells along each axis, in so many
    # frames, (time, *space, channels), one after the other.
    on_grid: Callable[[DataOptions, int, int], Iterator[np.ndarray]] | None = None
    # The true velocity in cells a frame, (*space, axes), at moments: the index of a
    # trajectory and of a frame of it.
    velocities: Velocities | None = None
    # Whether its frames are rain, read from radar files: `forecast` then reads them so,
    # and writes rates and probabilities.
    is_rain: bool = False
    # Whether its files are the user's own: `forecast` then reads its input as they
    # are read, by data.variable and data.axes.
    is_own: bool = False


@dataclasses.dataclass(frozen=True)
class Segments:
    """Trajectories that are spans of longer sequences.

    `read_frames(*sequence, start, stop)` returns frames of a sequence as
    `Trajectories.read` does. Each of `spans` is (*sequence, start, stop): what names
    the sequence, nothing where there is only one, and the span of its frames.
    """

    read_frames: Callable[..., np.ndarray]
    spans: Sequence[tuple]
    frame_shape: tuple[int, ...]

    @property
    def lengths(self) -> Sequence[int]:
        """Frames of each span."""
        return [stop - start for *_, start, stop in self.spans]

    def read(self, index: int, start: int, stop: int) -> np.ndarray:
        """Return frames `start` to `stop` of a span."""
        *sequence, first, _ = self.spans[index]
        return self.read_frames(*sequence, first + start, first + stop)


def split_in_time(
    frames: int, shares: Sequence[float] = (0.7, 0.15, 0.15), gap: int = 0
) -> list[tuple[int, int]]:
    """Return the spans of train, validation and test, in this order, of these shares.

    `gap` frames between two of them belong to none.
    """
    used = max(frames - gap * (len(shares) - 1), 0)
    cuts = np.round(np.cumsum([0.0, *shares]) / sum(shares) * used).astype(int)
    return [
        (int(start) + index * gap, int(stop) + index * gap)
        for index, (start, stop) in enumerate(itertools.pairwise(cuts))
    ]


def continuous_spans(times: np.ndarray, what: object) -> list[tuple[int, int]]:
    """Return the spans of frames without a jump in time.

    A step more than half as long again as the median is a jump.

    Args:
      times: of each frame, two or more.
      what: the file, with which messages begin.

    Raises:
      InputError: time does not advance from frame to frame.
    """
    steps = np.diff(times).astype(np.float64)
    stuck = np.flatnonzero(~(steps > 0))
    if stuck.size:
        raise InputError(
            f"{what}: time does not advance from frame {stuck[0]} to {stuck[0] + 1}: "
            "sort its frames by time and leave out doubles, or fetch it again"
        )
    cuts = 1 + np.flatnonzero(steps > 1.5 * np.median(steps))
    return list(itertools.pairwise([0, *cuts.tolist(), len(times)]))


def clip_spans(
    spans: Sequence[tuple[int, int]], start: int, stop: int
) -> list[tuple[int, int]]:
    """Return the spans, or their parts, that lie between two frames."""
    clipped = [(max(first, start), min(last, stop)) for first, last in spans]
    return [(first, last) for first, last in clipped if first < last]


def places(frames: np.ndarray, lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield trajectory and frame of it, for frames counted over all trajectories."""
    starts = np.cumsum([0, *lengths])
    for frame in frames:
        index = int(np.searchsorted(starts, frame, side="right")) - 1
        yield index, int(frame - starts[index])


def merge_splits(
    parts: Mapping[str, Sequence[Part]],
) -> tuple[list[Part], dict[str, np.ndarray]]:
    """Return the parts of all splits as one list, and the indices of each split.

    A split that is absent has none.
    """
    merged = [part for split in SPLITS for part in parts.get(split, ())]
    stops = np.cumsum([len(parts.get(split, ())) for split in SPLITS])
    indices = np.split(np.arange(len(merged)), stops[:-1])
    return merged, dict(zip(SPLITS, indices, strict=True))


def data_file(root: str, path: str) -> pathlib.Path:
    """Return `path` under `root`, or under $ADR_JAX_DATA or data/ without a root."""
    folder = root or os.environ.get("ADR_JAX_DATA") or "data"
    return pathlib.Path(folder).expanduser() / path
