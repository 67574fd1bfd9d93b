"""The fields of a user's file as trajectories, whatever its format and axes."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from adr_jax.data.files.array_file import Array, ArrayFile
from adr_jax.data.files.arrays import open_arrays
from adr_jax.data.files.axes import check_axes, guess_axes
from adr_jax.data.files.packing import stated_fills
from adr_jax.data.files.pdebench import PDEBenchFile
from adr_jax.data.own.array_sequences import ArraySequences
from adr_jax.data.own.coordinates import Coordinates
from adr_jax.data.own.stacked import StackedSequences


class PDEBenchSequences(PDEBenchFile):
    """Trajectories of a file in PDEBench's layout, with its coordinates."""

    variable, unit, data_range, notes = "data", "", None, ()
    # Of arrays with axes of their own, this layout has none.
    parts: tuple[ArraySequences, ...] = ()

    def __init__(self, path: pathlib.Path, fills: Sequence[float] = ()):
        super().__init__(path)
        self._fills = np.array(fills, np.float32)

    def read(
        self, index: int, start: int, stop: int
    ) -> Float[np.ndarray, "time *space channels"]:
        """Return frames `start` to `stop` of a trajectory, NaN where missing."""
        frames = super().read(index, start, stop)
        frames[np.isin(frames, self._fills)] = np.nan
        return frames

    @property
    def space(self) -> str:
        """Return the letters of the axes of space."""
        return "xyz"[: len(self.frame_shape) - 1]

    @property
    def spans(self) -> Sequence[tuple[int, int]]:
        """Stretches of frames without a gap: every trajectory is one."""
        return [(0, max(self.lengths))]

    @property
    def coordinates(self) -> Mapping[str, Coordinates]:
        """Coordinates of the longest trajectory."""
        return self.coordinates_of(int(np.argmax(self.lengths)))

    def coordinates_of(self, index: int) -> Mapping[str, Coordinates]:
        """Return coordinates by letter; PDEBench calls the first axis of space x."""
        grids = {letter: self.grid(letter, index) for letter in "txy"}
        return {
            letter: Coordinates(letter, values)
            for letter, values in grids.items()
            if values is not None
        }


Sequences: TypeAlias = ArraySequences | StackedSequences | PDEBenchSequences


def open_sequences(
    path: pathlib.Path, variable: str = "", axes: str = "", fill: str = ""
) -> Sequences:
    """Open a file of any kind that `open_arrays` reads.

    Args:
      path: the file, or a folder of images.
      variable: the array to read, or several with a comma between two, which are then
        channels; "" for the only one that can be meant.
      axes: a letter of `files.axes` for each of its axes; "" to guess them from names
        and shape.
      fill: `data.fill`: stored numbers that count as missing, besides those that the
        file states.

    Raises:
      InputError: it cannot be read, the array or its axes have to be stated, or
        several differ in shape or axes.
    """
    file = open_arrays(path)
    stated = stated_fills(fill)
    if not (variable or axes) and _has_pdebench_layout(file):
        return PDEBenchSequences(path, stated)
    arrays = file.choose_all(variable)
    parts = [_of_array(file, array, axes, stated) for array in arrays]
    return parts[0] if len(parts) == 1 else StackedSequences(parts)


def _of_array(
    file: ArrayFile, array: Array, axes: str, fills: Sequence[float]
) -> ArraySequences:
    """Return the trajectories of one array, its axes stated or guessed."""
    what = f"{file.path}: {array.name}"
    if axes:
        check_axes(axes, array.shape, what)
    else:
        coordinates = {name: found.attributes for name, found in file.arrays.items()}
        axes = guess_axes(array.dimensions, array.shape, what, coordinates)
    array = dataclasses.replace(array, unwritten=(*array.unwritten, *fills))
    return ArraySequences(file, array, axes)


def _has_pdebench_layout(file: ArrayFile) -> bool:
    """Return whether everything lies in groups, each with its `data`."""
    groups = {name.partition("/")[0] for name in file.arrays}
    return bool(groups) and all(f"{group}/data" in file.arrays for group in groups)


def channel_names(sequences: Sequences) -> tuple[str, ...]:
    """Return the name of each channel: the variable's, with an index where several."""
    if isinstance(sequences, StackedSequences):
        return tuple(name for part in sequences.parts for name in channel_names(part))
    name, count = sequences.variable, sequences.frame_shape[-1]
    return (name,) if count == 1 else tuple(f"{name} {k}" for k in range(count))


def cell_size(sequences: Sequences) -> float | str | None:
    """Return the size of a cell, with its unit if known; None where it is not."""
    along = sequences.coordinates
    steps = [
        along[letter].size_in_words for letter in sequences.space if letter in along
    ]
    if len(steps) < len(sequences.space) or None in steps:
        return None
    return steps[0] if len(set(steps)) == 1 else " x ".join(map(str, steps))


def frame_interval(sequences: Sequences) -> float | str | None:
    """Return the time between frames, with its unit if known; None where it is not."""
    times = sequences.coordinates.get("t")
    if times is None:
        return None
    start, stop = max(sequences.spans, key=lambda span: span[1] - span[0])
    return dataclasses.replace(times, values=times.values[start:stop]).step_in_words
