"""Packed values: scale, offset, sign and missing values of the CF conventions."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from adr_jax.errors import InputError

# Attributes of stored values, which do not hold for unpacked ones.
# Missing values: of CF first, then of HDF-EOS, GPM, ODIM and what people write by hand.
FILLS = (
    *("_FillValue", "missing_value"),
    *("FillValue", "fill_value", "MissingValue", "CodeMissingValue"),
    *("nodata", "NoData", "no_data", "nodata_value", "no_data_value"),
)
LIMITS = ("valid_range", "valid_min", "valid_max")
LINEAR = ("scale_factor", "add_offset")
ATTRIBUTES = (*FILLS, *LIMITS, *LINEAR, "actual_range", "_Unsigned")
# What data.fill says of a file in which every number is a value.
NO_FILL = "none"
# Values of the attribute _Unsigned, and the kinds of numbers that it stands for.
SIGNS = {"true": ("i", "u"), "false": ("u", "i")}


@dataclasses.dataclass(frozen=True)
class Packing:
    """value = number * scale + offset.

    A number is missing that is one of `fills`, or lies outside `limits`.
    """

    # Of the numbers: stored ones are looked at as this type, of the same size.
    dtype: np.dtype
    scale: float
    offset: float
    fills: np.ndarray
    limits: tuple[float, float]
    # Whether the limits are those of unpacked values.
    limits_unpacked: bool

    @classmethod
    def from_attributes(
        cls,
        stored: np.dtype,
        attributes: Mapping[str, object],
        what: str,
        fills: Sequence[float] = (),
    ) -> Self:
        """Return the packing that attributes state; InputError where it is none.

        `fills` are stored numbers that are missing, besides those of the attributes.
        """
        dtype = _signed(stored, attributes)
        numbers = {
            name: _numbers(attributes, name, what)
            for name in (*FILLS, *LIMITS, *LINEAR)
            if name in attributes
        }
        scale = numbers.get("scale_factor", np.ones(1))
        offset = numbers.get("add_offset", np.zeros(1))
        linear = np.concatenate([scale, offset])
        if (scale.size, offset.size) != (1, 1) or not np.isfinite(linear).all():
            raise InputError(
                f"{what}: scale_factor is {scale} and add_offset {offset}; expected "
                "one finite number each: mend the file"
            )
        stated = [numbers[name].tolist() for name in FILLS if name in numbers]
        is_packed = (scale[0], offset[0]) != (1, 0)
        return cls(
            dtype,
            float(scale[0]),
            float(offset[0]),
            _as_type(dtype, stored, [*itertools.chain(fills, *stated)]),
            _limits(dtype, stored, numbers, what),
            # As the NetCDF User's Guide has it: by the type that the limits are of.
            is_packed
            and dtype.kind in "iu"
            and any(_is_float(attributes.get(name)) for name in LIMITS),
        )

    def unpack(
        self, stored: np.ndarray, dtype: type[np.floating] = np.float32
    ) -> np.ndarray:
        """Return unpacked values, float32 or as told, NaN where missing."""
        numbers = self.numbers(stored)
        with np.errstate(over="ignore", invalid="ignore"):
            values = numbers
            if not self.is_plain:
                values = numbers * np.float64(self.scale) + self.offset
            values = values.astype(dtype)
        missing = np.isnan(values) | np.ma.getmaskarray(stored)
        missing |= self._is_fill(numbers)
        low, high = self.limits
        if np.isfinite([low, high]).any():
            limited = values if self.limits_unpacked else numbers
            missing |= (limited < low) | (limited > high)
        values[missing] = np.nan  # a quiet one: signalling NaNs raise warnings
        return values

    def numbers(self, stored: np.ndarray) -> np.ndarray:
        """Return stored numbers as what they are, with or without a sign."""
        return np.ma.getdata(stored).view(self.dtype)

    def _is_fill(self, numbers: np.ndarray) -> np.ndarray:
        if not self.fills.size:
            return np.zeros(numbers.shape, bool)
        if self.dtype.kind != "f":
            return np.isin(numbers, self.fills)
        with np.errstate(over="ignore"):  # 1e20 may have been rounded to 7 digits
            return np.isin(numbers.astype(np.float32), self.fills.astype(np.float32))

    @property
    def is_plain(self) -> bool:
        """Return whether values are the numbers themselves."""
        return (self.scale, self.offset) == (1, 0)

    @property
    def data_range(self) -> tuple[float, float] | None:
        """Minimum and maximum of pictures, of 8 bits or 1; None for other values."""
        maximum = {"uint8": 255, "bool": 1}.get(self.dtype.name)
        if maximum is None:
            return None
        low, high = sorted((self.offset, maximum * self.scale + self.offset))
        return low, high


def stated_fills(text: str) -> list[float]:
    """Return the numbers of `data.fill`; InputError where it has others.

    "" and "none" name none.
    """
    try:
        parts = [] if text.strip() in ("", NO_FILL) else text.split(",")
        return [float(part) for part in parts]
    except ValueError as error:
        raise InputError(
            f"config.data.fill is {text!r}; expected a number, several with a comma "
            f"between two, or {NO_FILL!r}, as --config.data.fill=-9999"
        ) from error


def _numbers(attributes: Mapping[str, object], name: str, what: str) -> np.ndarray:
    """Return the numbers of an attribute, whole ones as such, or raise InputError."""
    values = np.ravel(np.asarray(attributes[name]))
    try:
        return values if values.dtype.kind in "iuf" else values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{what}: its attribute {name} is {attributes[name]!r}; expected "
            "a number: mend the file"
        ) from error


def _signed(stored: np.dtype, attributes: Mapping[str, object]) -> np.dtype:
    """Return the type that `_Unsigned` gives the stored whole numbers."""
    said = str(attributes.get("_Unsigned", "")).lower()
    kind, other = SIGNS.get(said, ("", ""))
    return np.dtype(stored.str.replace(kind, other)) if stored.kind == kind else stored


def _as_type(dtype: np.dtype, stored: np.dtype, values: Sequence[float]) -> np.ndarray:
    """Return those of the values that this type can have, or the type stored."""
    if dtype.kind not in "iu":
        with np.errstate(invalid="ignore", over="ignore"):
            numbers = np.array(values, np.float64).astype(dtype)
        # A fill that overflows, or is rounded, would match another value.
        return numbers if dtype.kind == "f" else numbers[numbers == values]
    found = [
        np.array(int(value), kind).view(dtype)
        for value in values
        for kind in (dtype, stored)  # -1 may stand for 65535
        if float(value).is_integer()
        and np.iinfo(kind).min <= int(value) <= np.iinfo(kind).max
    ]
    return np.array(found, dtype)


def _limits(
    dtype: np.dtype, stored: np.dtype, numbers: Mapping[str, np.ndarray], what: str
) -> tuple[float, float]:
    """Return the smallest and the largest number that is not missing."""
    low, high = (numbers.get(name, np.empty(0)) for name in ("valid_min", "valid_max"))
    if "valid_range" in numbers:
        low, high = np.array_split(numbers["valid_range"], 2)
    limits = []
    for limit, unlimited in ((low, -np.inf), (high, np.inf)):
        if limit.size > 1 or ("valid_range" in numbers and not limit.size):
            raise InputError(
                f"{what}: valid_range is {numbers.get('valid_range')}, valid_min {low} "
                f"and valid_max {high}; expected two numbers, and one: mend the file"
            )
        if limit.size and dtype != stored and limit[0] < 0:  # stored, with a sign
            limit = limit.astype(np.float64) + 2.0 ** (8 * dtype.itemsize)
        if limit.size and dtype.kind == "f":  # compared as numbers of this type are
            limit = limit.astype(dtype)
        limits.append(float(limit[0]) if limit.size else unlimited)
    return limits[0], limits[1]


def _is_float(value: object) -> bool:
    return value is not None and np.asarray(value).dtype.kind == "f"
