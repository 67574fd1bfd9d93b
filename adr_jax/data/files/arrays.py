"""The arrays in a file: .npy, .npz, HDF5, netCDF-4 (which is HDF5), or in images.

Arrays are read by slices. Those of npy and HDF5 are read from the disk, one of an npz
is loaded whole. Nothing is ever unpickled.
"""

import dataclasses
import functools
import math
import pathlib
import zipfile
from collections.abc import Callable, Mapping
from typing import IO

import numpy as np

from adr_jax.data.files import by_xarray, images, netcdf
from adr_jax.data.files.array_file import Array, ArrayFile
from adr_jax.data.files.dimensions import letter_of
from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError

SUFFIXES = (".npy", ".npz", *netcdf.SUFFIXES)
# The name of an array that has none of its own.
UNNAMED = "frames"


def open_arrays(path: pathlib.Path) -> ArrayFile:
    """Open a file, a folder of images or a pattern, reading no more than headers.

    A pattern such as "2020-*.nc" is all its files as one.

    Raises:
      InputError: there is none, its kind is unknown, or it is damaged.
    """
    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if engine := by_xarray.engine_of(path):
        return by_xarray.open_file(path, engine)
    if any(letter in path.name for letter in "*?[") and not path.exists():
        return by_xarray.open_several(path)
    if path.is_dir() or (path.is_file() and suffix in images.FILMS):
        return _open_images(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if suffix not in SUFFIXES:
        raise InputError(
            f"{path}: expected {', '.join(SUFFIXES)}, GRIB, zarr, an image or a folder "
            "of images; rename the file if it is one of them, or else convert it"
        )
    with reading(path):
        if suffix in netcdf.SUFFIXES:
            file = netcdf.open_file(path)
            arrays = _with_dimensions(file.arrays)
            return dataclasses.replace(file, arrays=arrays)
        return (_open_npz if suffix == ".npz" else _open_npy)(path)


def _open_images(path: pathlib.Path) -> ArrayFile:
    frames = images.Images(path)
    array = Array(UNNAMED, frames.shape, frames.dtype, frames.read, frames.dimensions)
    return ArrayFile(path, {UNNAMED: array})


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


def _with_dimensions(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Give dimensions without a name that of the one array of coordinates that fits.

    It has one axis, lies in the same group and has a usual name of coordinates. No
    other such array and no other axis has its length.
    """
    coordinates: dict[tuple[str, int], list[str]] = {}
    for name, array in arrays.items():
        if len(array.shape) == 1 and letter_of(name, array.attributes):
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
