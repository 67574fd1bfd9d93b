"""netCDF-4 and other HDF5 files: their arrays, dimensions and attributes."""

import pathlib

import h5py

from adr_jax.data.files import fill_values, hdf5
from adr_jax.data.files.array_file import Array, ArrayFile

SUFFIXES = (".h5", ".hdf5", ".he5", ".nc", ".nc4")
# Attributes that HDF5 and netCDF-4 write for themselves.
BOOKKEEPING = (
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
# The name of a scale that is only a dimension begins so.
NO_VALUES = "This is a netCDF dimension but not a netCDF variable"


def open_file(path: pathlib.Path) -> ArrayFile:
    """Open a file, reading no more than headers."""
    file = h5py.File(path, "r")
    follows_netcdf = is_netcdf(path, file)
    arrays = {}

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if not isinstance(item, h5py.Dataset) or item.shape is None:
            return
        if NO_VALUES not in hdf5.text(item.attrs.get("NAME", "")):
            arrays[name] = Array(
                name,
                item.shape,
                item.dtype,
                item.__getitem__,
                tuple(_dimension(item, axis) for axis in range(item.ndim)),
                _attributes(item),
                fill_values.unwritten(item, is_netcdf=follows_netcdf),
            )

    file.visititems(add)
    return ArrayFile(path, arrays, _attributes(file))


def is_netcdf(path: pathlib.Path, file: h5py.File) -> bool:
    """Return whether a file is netCDF, by what its library writes or by its name."""
    return path.suffix in (".nc", ".nc4") or "_NCProperties" in file.attrs


def _dimension(item: h5py.Dataset, axis: int) -> str:
    """Return the name of a dimension: that of its scale, or its label."""
    dimension = item.dims[axis]
    return dimension[0].name.strip("/") if len(dimension) else dimension.label


def _attributes(item: h5py.File | h5py.Dataset) -> dict[str, object]:
    found = ((name, item.attrs[name]) for name in item.attrs if name not in BOOKKEEPING)
    return {name: hdf5.as_text(value) for name, value in found}
