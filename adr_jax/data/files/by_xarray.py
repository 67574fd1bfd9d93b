"""Files that xarray reads: zarr, GRIB, netCDF-3, and several files as one."""

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from adr_jax.data.files.array_file import Array, ArrayFile
from adr_jax.data.files.packing import ATTRIBUTES
from adr_jax.errors import InputError

if TYPE_CHECKING:
    import xarray

GRIB = (".grib", ".grib2", ".grb", ".grb2")


def engine_of(path: pathlib.Path) -> str | None:
    """Return what reads a file or folder in xarray; None where we do."""
    if path.is_dir():
        marks = "zarr.json", ".zgroup", ".zmetadata"
        return "zarr" if any((path / mark).is_file() for mark in marks) else None
    if path.suffix.lower() in GRIB:
        return "cfgrib"
    if path.is_file():
        with path.open("rb") as stream:
            return "scipy" if stream.read(3) == b"CDF" else None
    return None


def open_file(path: pathlib.Path, engine: str) -> ArrayFile:
    """Open a file or a zarr store, reading no more than headers.

    Values are as stored, with the attributes that say what they mean.

    Raises:
      InputError: xarray or the engine is not installed, or the file is damaged.
    """
    return _opened(
        path, lambda xarray: xarray.open_dataset(path, engine=engine, decode_cf=False)
    )


def open_several(pattern: pathlib.Path) -> ArrayFile:
    """Open all netCDF files of a pattern as one, in the order of their coordinates.

    Times are dates: files may count them from different days.

    Raises:
      InputError: no file has such a name, they do not fit together or say otherwise
        what their values mean, or xarray or dask is not installed.
    """
    files = sorted(pattern.parent.glob(pattern.name))
    if not files:
        raise InputError(f"{pattern}: no file has such a name")
    stated: dict[str, dict] = {}

    def checked(part: "xarray.Dataset") -> "xarray.Dataset":
        for name, found in part.data_vars.items():
            meaning = {key: found.attrs.get(key) for key in (*ATTRIBUTES, "units")}
            if repr(stated.setdefault(str(name), meaning)) != repr(meaning):
                raise InputError(
                    f"{pattern}: {part.encoding.get('source', 'a file')} has {name} in "
                    "another unit or packing than the files before it: write them alike"
                )
        return part

    options = {"mask_and_scale": False, "decode_timedelta": False}
    return _opened(
        pattern,
        lambda xarray: xarray.open_mfdataset(files, preprocess=checked, **options),
    )


def _opened(path: pathlib.Path, opening: "Callable[..., xarray.Dataset]") -> ArrayFile:
    try:
        import xarray
    except ModuleNotFoundError as error:
        raise InputError(
            f"{path} is read by xarray, which is not installed: "
            "pip install 'adr_jax[xarray]'"
        ) from error
    try:
        dataset = opening(xarray)
    except InputError:
        raise
    except Exception as error:  # each engine has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        is_absent = isinstance(error, ImportError) or "engine" in reason
        remedy = (
            "pip install 'adr_jax[xarray]', or for GRIB cfgrib"
            if is_absent
            else "check that it is whole, or write one netCDF-4 file from it"
        )
        raise InputError(f"{path}: xarray says: {reason[:300]}; {remedy}") from error
    arrays = (_array(str(name), found) for name, found in dataset.variables.items())
    return ArrayFile(path, {array.name: array for array in arrays}, dataset.attrs)


def _array(name: str, found: "xarray.Variable") -> Array:
    def fetch(index: tuple[slice, ...]) -> np.ndarray:
        return found[index].to_numpy()

    dimensions = tuple(map(str, found.dims))
    return Array(name, found.shape, found.dtype, fetch, dimensions, found.attrs)
