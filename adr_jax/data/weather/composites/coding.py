"""The coding of stored numbers, as attributes state it."""

import dataclasses
import pathlib
from typing import Self

import numpy as np
from jaxtyping import Float

from adr_jax.data.files import fill_values, hdf5, netcdf
from adr_jax.data.files.packing import FILLS, Packing
from adr_jax.data.weather import rain
from adr_jax.data.weather.imagery import Stored
from adr_jax.errors import InputError

# Codings that files state in words only: unit, scale and offset.
IN_WORDS = {
    "dBZ = v/4": ("dBZ", 0.25, 0.0),
    "dBZ = 0.5*v - 32": ("dBZ", 0.5, -32.0),
    "0.01 mm/h": ("mm/h", 0.01, 0.0),
    "0.01 mm per 5 min": ("mm/h", 0.12, 0.0),
}


@dataclasses.dataclass(frozen=True)
class Coding:
    """The coding of a file's values: scale * stored + offset, in a unit of rain."""

    unit: str
    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()
    # In which an amount fell.
    minutes: float | None = None
    # What attributes and the format say of missing cells and of the sign. Files are
    # known again by the fields before.
    packing: Packing | None = dataclasses.field(default=None, repr=False, compare=False)

    @classmethod
    def from_attributes(cls, stored: Stored, minutes: float | None = None) -> Self:
        """Return the coding that attributes state, or that of a public sample.

        Raises:
          InputError: they do not say what the numbers stand for.
        """
        unit = stored.text("units")
        is_coded = stored.data.dtype.kind in "ui"
        scale = stored.number("scale_factor", "gain")
        offset = stored.number("add_offset", "offset") or 0.0
        words = next((words for words in IN_WORDS if unit.startswith(words)), None)
        if unit in rain.UNITS and (scale is not None or not is_coded):
            coding = cls(unit, 1.0 if scale is None else scale, offset)
        elif words is not None:
            coding = cls(*IN_WORDS[words])
        else:
            raise InputError(
                f"{stored.name} has units {unit!r} and is {stored.data.dtype}: what do "
                f"its numbers stand for? Add attributes units "
                f"({' or '.join(rain.UNITS)}), for whole numbers scale_factor and "
                "add_offset, and _FillValue if cells are missing"
            )
        if not np.isfinite([coding.scale, coding.offset]).all():
            raise InputError(
                f"{stored.name}: scale {coding.scale}, offset {coding.offset}; both "
                "must be finite: correct scale_factor and add_offset"
            )
        if coding.unit in rain.AMOUNTS and not minutes:
            raise InputError(
                f"{stored.name} is an amount of rain in {coding.unit}, and the file "
                "does not say in what time it fell: add an attribute dt_minutes, or "
                "convert it to mm/h"
            )
        minutes = minutes if coding.unit in rain.AMOUNTS else None
        return dataclasses.replace(
            coding,
            missing=_missing(stored),
            minutes=minutes,
            packing=_packing(stored),
        )

    def dbz(self, stored: np.ndarray, what: object) -> Float[np.ndarray, "..."]:
        """Return dBZ from 0 up, float32; a missing cell is NaN."""
        with np.errstate(over="ignore", invalid="ignore"):  # the caller checks values
            numbers = self.packing.numbers(stored) if self.packing else stored
            values = numbers.astype(np.float64) * self.scale + self.offset
            dbz = rain.as_dbz(values, self.unit, self.minutes, what)
        dbz[np.isin(stored, self.missing)] = np.nan
        if self.packing:
            dbz[np.isnan(self.packing.unpack(stored))] = np.nan
        return dbz


def _packing(stored: Stored) -> Packing:
    attributes = {k: hdf5.as_text(v) for k, v in stored.attributes.items()}
    file = stored.data.file
    is_netcdf = netcdf.is_netcdf(pathlib.Path(file.filename), file)
    fills = fill_values.unwritten(stored.data, is_netcdf=is_netcdf)
    return Packing.from_attributes(stored.data.dtype, attributes, stored.name, fills)


def _missing(stored: Stored) -> tuple[float, ...]:
    """Return codes of missing values: those stated, or an unsigned type's maximum."""
    names = ("missing", *FILLS)
    stated = [stored.numbers(name) for name in names if name in stored.attributes]
    if not stated and stored.data.dtype.kind == "u":
        return (float(np.iinfo(stored.data.dtype).max),)
    return tuple(code for codes in stated for code in codes)
