"""Arrays of a file by name, whatever its format, each read by slices."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class Array:
    """One array of a file, as it is stored."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    # Reads slices of it, one for each axis.
    fetch: Callable[[tuple[slice, ...]], np.ndarray]
    # Names of its dimensions, "" where it is unknown. A name is also that of the array
    # of its coordinates.
    dimensions: tuple[str, ...] = ()
    attributes: Mapping[str, object] = dataclasses.field(default_factory=dict)
    # Values of cells that were never written, where no attribute states them.
    unwritten: tuple[float, ...] = ()

    def __str__(self) -> str:
        """Return a text such as "rain (uint16, 92 x 128 x 128)"."""
        return f"{self.name} ({self.dtype}, {' x '.join(map(str, self.shape))})"


@dataclasses.dataclass(frozen=True)
class ArrayFile:
    """All arrays of a file by name, and its attributes."""

    path: pathlib.Path
    arrays: Mapping[str, Array]
    attributes: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def choose(self, name: str) -> Array:
        """Return the array of that name, or with "" the only one that can be meant.

        Raises:
          InputError: there is none, there are several, or its numbers are not real.
        """
        if name:
            if name not in self.arrays:
                raise InputError(
                    f"{self.path} has no array {name!r}; it has {self._list()}"
                )
            array = self.arrays[name]
            if not _holds_numbers(array):
                raise InputError(f"{self.path}: {array} has no real numbers in it")
        else:
            candidates = self.candidates()
            if not candidates:
                raise InputError(
                    f"{self.path} has no array of real numbers with axes of time "
                    f"and space in it; it has {self._list()}"
                )
            if len(candidates) > 1:
                names = self.names_like(candidates[0])
                together = ",".join(names) if len(names) == len(candidates) else ""
                raise InputError(
                    f"{self.path} has several arrays that may be meant, "
                    f"{_list(candidates)}: say which with --variable, or train.py's "
                    f"--config.data.variable={candidates[0].name}"
                    + (f"; all of them, as channels, are {together}" * bool(together))
                )
            (array,) = candidates
        if 0 in array.shape:
            raise InputError(f"{self.path}: {array} is empty")
        return array

    def choose_all(self, names: str) -> list[Array]:
        """Return the arrays of these names, a comma between two, as `choose` does."""
        if names in self.arrays or "," not in names:
            return [self.choose(names)]
        parts = [name.strip() for name in names.split(",")]
        if "" in parts or len(set(parts)) < len(parts):
            raise InputError(
                f"{self.path}: the variables are {names!r}; expected different names "
                "with a comma between two"
            )
        return [self.choose(name) for name in parts]

    def names_like(self, array: Array) -> list[str]:
        """Return the names of arrays of its shape and dimensions, its own among them.

        They can be the channels of one model.
        """
        layout = array.shape, array.dimensions
        return [a.name for a in self.candidates() if (a.shape, a.dimensions) == layout]

    def candidates(self) -> list[Array]:
        """Return arrays that can be sequences: numbers in three axes, or else two."""
        numeric = [array for array in self.arrays.values() if _holds_numbers(array)]
        return [array for array in numeric if len(array.shape) > 2] or [
            array for array in numeric if len(array.shape) == 2
        ]

    def read(self, array: Array, *index: slice) -> np.ndarray:
        """Return slices of an array, or all of it; InputError where it is damaged."""
        with reading(self.path):
            return array.fetch(index or (slice(None),) * len(array.shape))

    def _list(self) -> str:
        return _list(list(self.arrays.values())) if self.arrays else "none at all"


def _holds_numbers(array: Array) -> bool:
    return array.dtype.kind in "fiub"


def _list(arrays: Sequence[Array], maximum: int = 12) -> str:
    shown = ", ".join(map(str, arrays[:maximum]))
    more = len(arrays) - maximum
    return f"{shown} and {more} more" if more > 0 else shown
