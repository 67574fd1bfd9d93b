"""Several arrays of a file as the channels of one sequence."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from adr_jax.data.own.array_sequences import ArraySequences
from adr_jax.data.own.coordinates import Coordinates
from adr_jax.errors import InputError


class StackedSequences:
    """Arrays of equal shape and axes, one after the other along the channels.

    Each has its own packing, missing values and unit.
    """

    def __init__(self, parts: Sequence[ArraySequences]):
        first = parts[0]
        self.parts = tuple(parts)
        self.file, self.path, self.axes = first.file, first.path, first.axes
        self.variable = ",".join(part.variable for part in parts)
        self.keys, self.space = first.keys, first.space
        channels = sum(part.frame_shape[-1] for part in parts)
        self.frame_shape = (*first.frame_shape[:-1], channels)
        for part in parts[1:]:
            if _layout(part) != _layout(first):
                raise InputError(
                    f"{self.path}: {part.array} on {_dimensions(part)} and "
                    f"{first.array} on {_dimensions(first)} have not the same shape "
                    "and axes: take them one at a time, or bring them onto one grid"
                )

    def read(
        self, index: int, start: int, stop: int
    ) -> Float[np.ndarray, "time *space channels"]:
        """Return frames `start` to `stop` of a trajectory, NaN where missing."""
        frames = [part.read(index, start, stop) for part in self.parts]
        return np.concatenate(frames, axis=-1)

    def values(
        self, index: int, start: int, stop: int
    ) -> Float[np.ndarray, "time *space channels"]:
        """Return frames as float64, in the units of the file, NaN where missing."""
        frames = [part.values(index, start, stop) for part in self.parts]
        return np.concatenate(frames, axis=-1)

    @property
    def lengths(self) -> list[int]:
        """The number of frames of each trajectory."""
        return self.parts[0].lengths

    @property
    def spans(self) -> Sequence[tuple[int, int]]:
        """Stretches of frames without a gap in time."""
        return self.parts[0].spans

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was done about the frames' times, for people."""
        return self.parts[0].notes

    @property
    def coordinates(self) -> Mapping[str, Coordinates]:
        """Coordinates along the axes, by letter, where the file has them."""
        return self.parts[0].coordinates

    @property
    def unit(self) -> str:
        """The unit of all arrays, or in words those of each; "" for none."""
        units = {part.unit for part in self.parts}
        if len(units) == 1:
            return units.pop()
        words = (f"{p.variable} in {p.unit or 'no unit'}" for p in self.parts)
        return ", ".join(words)

    @property
    def units(self) -> tuple[str, ...]:
        """The unit of each channel; () where all are of one that is stated."""
        units = [part.unit for part in self.parts for _ in range(part.channels)]
        return () if all(units) and len(set(units)) == 1 else tuple(units)

    @property
    def data_range(self) -> tuple[float, float] | None:
        """Minimum and maximum of pictures; None where arrays differ in it."""
        ranges = {part.data_range for part in self.parts}
        return ranges.pop() if len(ranges) == 1 else None


def _layout(part: ArraySequences) -> tuple[object, ...]:
    return part.axes, part.array.shape, part.array.dimensions


def _dimensions(part: ArraySequences) -> str:
    names = zip(part.axes, part.array.dimensions, strict=True)
    return f"({', '.join(name or letter for letter, name in names)})"
