"""Coordinates of cells and frames along an axis."""

import dataclasses
from collections.abc import Mapping
from typing import Self

import numpy as np

from adr_jax.data.files import times
from adr_jax.data.files.array_file import Array, ArrayFile
from adr_jax.data.files.dimensions import letter_of
from adr_jax.data.files.packing import ATTRIBUTES, Packing


@dataclasses.dataclass(frozen=True)
class Coordinates:
    """Positions along an axis: numbers or dates, and the attributes of their array."""

    name: str
    values: np.ndarray
    attributes: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, file: ArrayFile, name: str, length: int, letter: str) -> Self | None:
        """Return those of a dimension, of its name; None where the file has none.

        Times may have another name, as CF allows and the models WRF and MPAS have it.
        """
        stated = [file.arrays[name]] if name in file.arrays else []
        if letter == "t" and name and not stated:
            stated = [
                array
                for array in file.arrays.values()
                if array.dimensions[:1] == (name,)
                and letter_of(array.name, array.attributes) == "t"
            ]
        for array in stated:
            is_text = len(array.shape) == 2 and array.dtype == "S1"
            if array.shape == (length,) or (is_text and array.shape[0] == length):
                found = cls._read(file, array)
                if found is not None:
                    return found
        return None

    @classmethod
    def _read(cls, file: ArrayFile, array: Array) -> Self | None:
        """Return them unpacked; None where none is a number or a date."""
        if array.dtype.kind not in "fiuMSUO":
            return None
        values = file.read(array)
        attributes = {k: v for k, v in array.attributes.items() if k not in ATTRIBUTES}
        units = attributes.get("units")
        if values.dtype.kind in "MSUO":
            is_date = values.dtype.kind == "M"
            dates = values if is_date else times.as_dates(values, units)
            return None if dates is None else cls(array.name, dates, attributes)
        what = f"{file.path}: {array.name}"
        packing = Packing.from_attributes(
            array.dtype, array.attributes, what, array.unwritten
        )
        unpacked = packing.unpack(values, np.float64)
        if np.isnan(unpacked).all():
            return None
        dates = times.as_dates(unpacked, units)
        if dates is not None:
            return cls(array.name, dates, attributes)
        if packing.is_plain and values.dtype.kind == "f":
            unpacked = unpacked.astype(values.dtype)
        elif packing.is_plain and np.isfinite(unpacked).all():
            unpacked = values.astype(np.int64)  # room to go on
        return cls(array.name, unpacked, attributes)

    @property
    def is_known(self) -> bool:
        """Return whether no position is missing or infinite."""
        return bool(np.isfinite(self.values).all())

    @property
    def step(self) -> np.floating | np.integer | np.timedelta64 | None:
        """The distance between neighbours, None for fewer than two positions.

        It is the median where distances vary, and otherwise the mean, in which their
        rounding averages out.
        """
        steps = np.sort(np.diff(self.values))
        if not len(steps):
            return None
        if self.values.dtype.kind == "f" and self.is_regular:
            return (self.values[-1] - np.float64(self.values[0])) / len(steps)
        return steps[len(steps) // 2]

    @property
    def is_regular(self) -> bool:
        """Return whether all distances are equal, to rounding and a thousandth."""
        steps, rounding = np.diff(self.values), 0.0
        if not len(steps):
            return False
        if self.values.dtype.kind == "M":
            steps = steps / np.timedelta64(1, "s")
        if self.values.dtype.kind == "f":
            largest = np.max(np.abs(self.values))
            rounding = 2 * np.finfo(self.values.dtype).eps * largest
        middle = np.median(steps)
        return bool(np.all(np.abs(steps - middle) <= 1e-3 * abs(middle) + rounding))

    @property
    def step_in_words(self) -> float | str | None:
        """The step with its unit, as "300 seconds", or 0.01; None where it varies."""
        if self.step is None or not self.is_regular:
            return None
        if isinstance(self.step, np.timedelta64):
            return f"{self.step / np.timedelta64(1, 's'):g} seconds"
        unit = str(self.attributes.get("units", "")).partition(" since ")[0].strip()
        step = f"{float(self.step):.6g}"
        return f"{step} {unit}" if unit else float(step)

    @property
    def size_in_words(self) -> float | str | None:
        """The step as the size of a cell, which has no sign."""
        is_falling = len(self.values) > 1 and self.values[-1] < self.values[0]
        values = self.values[::-1] if is_falling else self.values
        return dataclasses.replace(self, values=values).step_in_words

    def continued(self, count: int) -> "Coordinates | None":
        """Return the next `count` positions, a step apart; None without a step."""
        if self.step is None:
            return None
        ahead = self.values[-1] + self.step * np.arange(1, count + 1)
        return dataclasses.replace(self, values=ahead.astype(self.values.dtype))
