"""Packed values: scale, offset and fill values of the CF conventions."""

import dataclasses
from collections.abc import Mapping
from typing import Self

import numpy as np

from adr_jax.errors import InputError

# Attributes of stored values, which do not hold for unpacked ones.
FILLS = ("_FillValue", "missing_value")
RANGES = ("valid_range", "valid_min", "valid_max", "actual_range")
ATTRIBUTES = (*FILLS, *RANGES, "scale_factor", "add_offset", "_Unsigned")


@dataclasses.dataclass(frozen=True)
class Packing:
    """value = stored * scale + offset; one of `fills` stands for a missing value."""

    dtype: np.dtype
    scale: float
    offset: float
    fills: np.ndarray

    @classmethod
    def from_attributes(
        cls, dtype: np.dtype, attributes: Mapping[str, object], what: str
    ) -> Self:
        """Return the packing that attributes state; InputError where it is none."""

        def numeric(name: str, default: list[float]) -> np.ndarray:
            try:
                return np.array(attributes.get(name, default), np.float64).ravel()
            except (TypeError, ValueError) as error:
                raise InputError(
                    f"{what}: its attribute {name} is {attributes[name]!r}; expected "
                    "a number: mend the file"
                ) from error

        scale, offset = numeric("scale_factor", [1]), numeric("add_offset", [0])
        linear = np.concatenate([scale, offset])
        if (scale.size, offset.size) != (1, 1) or not np.isfinite(linear).all():
            raise InputError(
                f"{what}: scale_factor is {scale} and add_offset {offset}; expected "
                "one finite number each: mend the file"
            )
        fills = np.concatenate([numeric(name, []) for name in FILLS])
        with np.errstate(invalid="ignore", over="ignore"):
            stored = fills.astype(dtype)
        if dtype.kind in "iub":  # a fill that overflows would match another value
            stored = stored[stored.astype(np.float64) == fills]
        return cls(dtype, float(scale[0]), float(offset[0]), stored)

    def unpack(self, stored: np.ndarray) -> np.ndarray:
        """Return unpacked values, float32, NaN where missing."""
        with np.errstate(over="ignore", invalid="ignore"):
            values = stored
            if (self.scale, self.offset) != (1, 0):
                values = stored * np.float64(self.scale) + self.offset
            values = values.astype(np.float32)
        missing = np.isnan(values)
        if self.fills.size:
            missing |= np.isin(stored, self.fills)
        values[missing] = np.nan  # a quiet one: signalling NaNs raise warnings
        return values

    @property
    def data_range(self) -> tuple[float, float] | None:
        """Minimum and maximum of pictures, of 8 bits or 1; None for other values."""
        maximum = {"uint8": 255, "bool": 1}.get(self.dtype.name)
        if maximum is None:
            return None
        low, high = sorted((self.offset, maximum * self.scale + self.offset))
        return low, high
