"""The arrays in a file: .npy, .npz, HDF5, netCDF-4 (which is HDF5), folders of images.

Arrays are read by slices. Those of npy and HDF5 are read from the disk, one of an npz
is loaded whole. Nothing is ever unpickled.
"""

import dataclasses
import functools
import math
import pathlib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import IO

import h5py
import numpy as np

from adr_jax.data.files import axes, images
from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError

HDF5 = (".h5", ".hdf5", ".he5", ".nc", ".nc4")
SUFFIXES = (".npy", ".npz", *HDF5)
# The name of an array that has none of its own.
UNNAMED = "frames"
# Attributes that HDF5 and netCDF-4 write for themselves.
_BOOKKEEPING = (
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "DIMENSION_LABELS",
    "REFERENCE_LIST",
    "_NCProperties",
    "_Netcdf4Coordinates",
    "_Netcdf4Dimid",
    "_nc3_strict",
)
_NO_VALUES = "This is a netCDF dimension but not a netCDF variable"


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
                raise InputError(
                    f"{self.path} has several arrays that may be meant, "
                    f"{_list(candidates)}: say which with --variable, or train.py's "
                    f"--config.data.variable={candidates[0].name}"
                )
            (array,) = candidates
        if 0 in array.shape:
            raise InputError(f"{self.path}: {array} is empty")
        return array

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


def open_arrays(path: pathlib.Path) -> ArrayFile:
    """Open a file, or a folder of images, reading no more than headers.

    Raises:
      InputError: there is none, its kind is unknown, or it is damaged.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        frames = images.ImageFolder(path)
        array = Array(
            UNNAMED, frames.shape, frames.dtype, frames.read, frames.dimensions
        )
        return ArrayFile(path, {UNNAMED: array})
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{path}: expected {', '.join(SUFFIXES)} or a folder of images; "
            "rename the file if it is one of them, or else convert it"
        )
    with reading(path):
        if suffix in HDF5:
            return _open_hdf5(path)
        return (_open_npz if suffix == ".npz" else _open_npy)(path)


def _open_npy(path: pathlib.Path) -> ArrayFile:
    with path.open("rb") as stream:
        shape, dtype = _npy_header(stream)
    mapped = np.empty(shape, np.uint8)
    if math.prod(shape) and not dtype.hasobject:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    array = Array(UNNAMED, shape, dtype, mapped.__getitem__, ("",) * len(shape))
    return ArrayFile(path, {UNNAMED: array})


def _open_npz(path: pathlib.Path) -> ArrayFile:
    archive = zipfile.ZipFile(path)
    arrays = {}
    for member in archive.namelist():
        if member.endswith(".npy"):
            with archive.open(member) as stream:
                shape, dtype = _npy_header(stream)
            name, unnamed = member.removesuffix(".npy"), ("",) * len(shape)
            fetch = _npz_reader(archive, member)
            arrays[name] = Array(name, shape, dtype, fetch, unnamed)
    return ArrayFile(path, _with_dimensions(arrays))


def _npz_reader(
    archive: zipfile.ZipFile, member: str
) -> Callable[[tuple[slice, ...]], np.ndarray]:
    """Return a function that reads slices of an array, which it unpacks once."""

    @functools.cache
    def values() -> np.ndarray:
        with archive.open(member) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)

    return lambda index: values()[index]


def _npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    else:  # 3.0 differs in Unicode names, which no array of numbers has
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    return shape, dtype


def _open_hdf5(path: pathlib.Path) -> ArrayFile:
    with path.open("rb") as stream:
        if stream.read(3) == b"CDF":
            raise InputError(
                f"{path} is netCDF-3, expected netCDF-4: convert it with "
                f"`nccopy -k nc4 {path} new.nc`"
            )
    file = h5py.File(path, "r")
    arrays = {}

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if not isinstance(item, h5py.Dataset) or item.shape is None:
            return
        if _NO_VALUES not in str(item.attrs.get("NAME")):
            arrays[name] = Array(
                name,
                item.shape,
                item.dtype,
                item.__getitem__,
                tuple(_dimension(item, axis) for axis in range(item.ndim)),
                _attributes(item),
            )

    file.visititems(add)
    return ArrayFile(path, _with_dimensions(arrays), _attributes(file))


def _dimension(item: h5py.Dataset, axis: int) -> str:
    """Return the name of a dimension: that of its scale, or its label."""
    dimension = item.dims[axis]
    return dimension[0].name.strip("/") if len(dimension) else dimension.label


def _attributes(item: h5py.File | h5py.Dataset) -> dict[str, object]:
    return {name: item.attrs[name] for name in item.attrs if name not in _BOOKKEEPING}


def _with_dimensions(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Give dimensions without a name that of the one array of coordinates that fits.

    It has one axis, lies in the same group and has a usual name of coordinates. No
    other such array and no other axis has its length.
    """
    coordinates: dict[tuple[str, int], list[str]] = {}
    for name, array in arrays.items():
        if len(array.shape) == 1 and axes.letter_of(name):
            key = name.rpartition("/")[0], array.shape[0]
            coordinates.setdefault(key, []).append(name)

    def named(array: Array) -> Array:
        group = array.name.rpartition("/")[0]
        dimensions = list(array.dimensions)
        for axis, length in enumerate(array.shape):
            fitting = coordinates.get((group, length), [])
            if (
                not dimensions[axis]
                and len(fitting) == 1
                and array.shape.count(length) == 1
            ):
                dimensions[axis] = fitting[0]
        return dataclasses.replace(array, dimensions=tuple(dimensions))

    return {name: named(array) for name, array in arrays.items()}


def _holds_numbers(array: Array) -> bool:
    return array.dtype.kind in "fiub"


def _list(arrays: Sequence[Array], maximum: int = 12) -> str:
    shown = ", ".join(map(str, arrays[:maximum]))
    more = len(arrays) - maximum
    return f"{shown} and {more} more" if more > 0 else shown
