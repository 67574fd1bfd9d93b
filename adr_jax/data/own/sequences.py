"""The fields of a user's file as trajectories, whatever the file and its axes."""

import pathlib
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Shaped

from adr_jax.data.files import axes as axis_letters
from adr_jax.data.files.arrays import Array, ArrayFile, open_arrays
from adr_jax.data.files.packing import Packing
from adr_jax.data.files.pdebench import PDEBenchFile
from adr_jax.data.own.coordinates import Coordinates
from adr_jax.errors import InputError


class ArraySequences:
    """Trajectories of one array of a file (`dataset.Trajectories`); `keys` number them.

    `axes` says what each axis of the array is, in the letters of `data/axes.py`.
    """

    def __init__(self, file: ArrayFile, array: Array, axes: str):
        self.file, self.array, self.axes = file, array, axes
        self.path, self.variable = file.path, array.name
        self.name = f"{file.path}: {array}"
        sizes = dict(zip(axes, array.shape, strict=True))
        space = (sizes[letter] for letter in axis_letters.space_of(axes))
        self.frame_shape = (*space, sizes.get("c", 1))
        self.lengths = [sizes["t"]] * sizes.get("n", 1)
        self.keys = tuple(str(number) for number in range(len(self.lengths)))
        self.packing = Packing.of(array.dtype, array.attributes, self.name)
        self.data_range = self.packing.data_range

    def read(
        self, index: int, start: int, stop: int
    ) -> Float[np.ndarray, "time *space channels"]:
        """Frames `start` to `stop` of a trajectory, float32, NaN where missing."""
        places = {"n": slice(index, index + 1), "t": slice(start, stop)}
        stored = self.file.read(
            self.array, *(places.get(letter, slice(None)) for letter in self.axes)
        )
        frames = self.packing.unpack(np.transpose(stored, self._order))
        frames = frames.reshape(-1, *self.frame_shape)
        if np.isinf(frames).any():
            frame, *cell = map(int, np.argwhere(np.isinf(frames))[0])
            raise InputError(
                f"{self.name}: infinite, or too large for float32, in trajectory "
                f"{index}, frame {start + frame}, cell {tuple(cell[:-1])}, channel "
                f"{cell[-1]}: write NaN where a value is missing"
            )
        return frames

    def as_stored(
        self, frames: Shaped[np.ndarray, "trajectories time *space channels"]
    ) -> np.ndarray:
        """Frames with the axes of the file, in its order."""
        absent = [axis for axis, name in ((0, "n"), (-1, "c")) if name not in self.axes]
        return np.squeeze(frames, tuple(absent)).transpose(np.argsort(self._order))

    @property
    def _order(self) -> list[int]:
        return [
            self.axes.index(letter)
            for letter in axis_letters.ORDER
            if letter in self.axes
        ]

    @property
    def coordinates(self) -> Mapping[str, Coordinates]:
        """What the file says of places along its axes, by letter."""
        found = {}
        for letter, name in zip(self.axes, self.array.dimensions, strict=True):
            array = self.file.arrays.get(name)
            length = self.array.shape[self.axes.index(letter)]
            if (
                array is None
                or array.shape != (length,)
                or array.dtype.kind not in "fiuM"
            ):
                continue
            values = self.file.read(array)
            if values.dtype.kind in "iu":
                values = values.astype(np.int64)  # room to go on
            if np.isfinite(values).all():
                found[letter] = Coordinates(name, values, array.attributes)
        return found

    @property
    def unit(self) -> str:
        """The unit of the values, "" where the file does not say."""
        unit = self.array.attributes.get("units", "")
        return unit if isinstance(unit, str) else ""


class PDEBenchSequences(PDEBenchFile):
    """Trajectories of a file in PDEBench's layout, with what its grids say."""

    variable, unit, data_range = "data", "", None

    @property
    def coordinates(self) -> Mapping[str, Coordinates]:
        """Its grids; PDEBench calls the first axis of space x."""
        grids = {letter: self.grid(letter) for letter in "txy"}
        return {
            letter: Coordinates(letter, values)
            for letter, values in grids.items()
            if values is not None
        }


Sequences: TypeAlias = ArraySequences | PDEBenchSequences


def open_sequences(path: pathlib.Path, variable: str = "", axes: str = "") -> Sequences:
    """Opens a file of any kind.

    Args:
      path: see `open_arrays`.
      variable: the array to read; "" for the only one that can be meant.
      axes: what its axes are, in the letters of `data/axes.py`; "" to tell from names
        and shape.

    Raises:
      InputError: it cannot be read, or it is not clear how; says what to state.
    """
    file = open_arrays(path)
    if not (variable or axes) and _has_pdebench_layout(file):
        return PDEBenchSequences(path)
    array = file.choose(variable)
    what = f"{path}: {array.name}"
    if axes:
        axis_letters.check(axes, array.shape, what)
    else:
        axes = axis_letters.guess(array.dimensions, array.shape, what)
    return ArraySequences(file, array, axes)


def _has_pdebench_layout(file: ArrayFile) -> bool:
    """Whether everything lies in groups, each with its `data`."""
    groups = {name.partition("/")[0] for name in file.arrays}
    return bool(groups) and all(f"{group}/data" in file.arrays for group in groups)


def channel_names(sequences: Sequences) -> tuple[str, ...]:
    """One for each channel: what the file calls them, numbered where several."""
    name, count = sequences.variable, sequences.frame_shape[-1]
    return (name,) if count == 1 else tuple(f"{name} {k}" for k in range(count))


def cell_size(sequences: Sequences) -> float | str | None:
    """Of a cell, in words where the file has units; None where it does not say."""
    axes = [c for letter, c in sequences.coordinates.items() if letter in "zyx"]
    steps = [along.step_in_words for along in axes]
    if len(axes) < len(sequences.frame_shape) - 1 or None in steps:
        return None
    return steps[0] if len(set(steps)) == 1 else " x ".join(map(str, steps))


def frame_interval(sequences: Sequences) -> float | str | None:
    """From frame to frame, likewise."""
    times = sequences.coordinates.get("t")
    return times and times.step_in_words
