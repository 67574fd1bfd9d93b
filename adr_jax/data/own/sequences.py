"""The fields of a user's file as trajectories, whatever its format and axes."""

import pathlib
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Shaped

from adr_jax.data.files.arrays import Array, ArrayFile, open_arrays
from adr_jax.data.files.axes import ORDER, check_axes, guess_axes, space_of
from adr_jax.data.files.packing import Packing
from adr_jax.data.files.pdebench import PDEBenchFile
from adr_jax.data.own.coordinates import Coordinates
from adr_jax.errors import InputError


class ArraySequences:
    """Trajectories of one array of a file; `keys` are their indices.

    `axes` names each axis of the array by a letter of `files.axes`.
    """

    def __init__(self, file: ArrayFile, array: Array, axes: str):
        self.file, self.array, self.axes = file, array, axes
        self.path, self.variable = file.path, array.name
        self.name = f"{file.path}: {array}"
        sizes = dict(zip(axes, array.shape, strict=True))
        space = (sizes[letter] for letter in space_of(axes))
        self.frame_shape = (*space, sizes.get("c", 1))
        self.lengths = [sizes["t"]] * sizes.get("n", 1)
        self.keys = tuple(map(str, range(len(self.lengths))))
        self.packing = Packing.from_attributes(array.dtype, array.attributes, self.name)
        self.data_range = self.packing.data_range

    def read(
        self, index: int, start: int, stop: int
    ) -> Float[np.ndarray, "time *space channels"]:
        """Return frames `start` to `stop` of a trajectory, NaN where missing."""
        slices = {"n": slice(index, index + 1), "t": slice(start, stop)}
        stored = self.file.read(
            self.array, *(slices.get(letter, slice(None)) for letter in self.axes)
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
        """Return frames with the axes of the file, in its order."""
        absent = [axis for axis, name in ((0, "n"), (-1, "c")) if name not in self.axes]
        return np.squeeze(frames, tuple(absent)).transpose(np.argsort(self._order))

    @property
    def _order(self) -> list[int]:
        return [self.axes.index(letter) for letter in ORDER if letter in self.axes]

    @property
    def coordinates(self) -> Mapping[str, Coordinates]:
        """Coordinates along the axes, by letter, where the file has them."""
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
        """The unit of the values, "" where the file does not state it."""
        unit = self.array.attributes.get("units", "")
        return unit if isinstance(unit, str) else ""


class PDEBenchSequences(PDEBenchFile):
    """Trajectories of a file in PDEBench's layout, with its coordinates."""

    variable, unit, data_range = "data", "", None

    @property
    def coordinates(self) -> Mapping[str, Coordinates]:
        """Coordinates by letter; PDEBench calls the first axis of space x."""
        grids = {letter: self.grid(letter) for letter in "txy"}
        return {
            letter: Coordinates(letter, values)
            for letter, values in grids.items()
            if values is not None
        }


Sequences: TypeAlias = ArraySequences | PDEBenchSequences


def open_sequences(path: pathlib.Path, variable: str = "", axes: str = "") -> Sequences:
    """Open a file of any kind that `open_arrays` reads.

    Args:
      path: the file, or a folder of images.
      variable: the array to read; "" for the only one that can be meant.
      axes: a letter of `files.axes` for each of its axes; "" to guess them from names
        and shape.

    Raises:
      InputError: it cannot be read, or the array or its axes have to be stated.
    """
    file = open_arrays(path)
    if not (variable or axes) and _has_pdebench_layout(file):
        return PDEBenchSequences(path)
    array = file.choose(variable)
    what = f"{path}: {array.name}"
    if axes:
        check_axes(axes, array.shape, what)
    else:
        axes = guess_axes(array.dimensions, array.shape, what)
    return ArraySequences(file, array, axes)


def _has_pdebench_layout(file: ArrayFile) -> bool:
    """Return whether everything lies in groups, each with its `data`."""
    groups = {name.partition("/")[0] for name in file.arrays}
    return bool(groups) and all(f"{group}/data" in file.arrays for group in groups)


def channel_names(sequences: Sequences) -> tuple[str, ...]:
    """Return the name of each channel: the variable's, with an index where several."""
    name, count = sequences.variable, sequences.frame_shape[-1]
    return (name,) if count == 1 else tuple(f"{name} {k}" for k in range(count))


def cell_size(sequences: Sequences) -> float | str | None:
    """Return the size of a cell, with its unit if known; None where it is not."""
    axes = [c for letter, c in sequences.coordinates.items() if letter in "zyx"]
    steps = [along.step_in_words for along in axes]
    if len(axes) < len(sequences.frame_shape) - 1 or None in steps:
        return None
    return steps[0] if len(set(steps)) == 1 else " x ".join(map(str, steps))


def frame_interval(sequences: Sequences) -> float | str | None:
    """Return the time between frames, with its unit if known; None where it is not."""
    times = sequences.coordinates.get("t")
    return times and times.step_in_words
