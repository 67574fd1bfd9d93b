"""Arrays of a Python session stored as a file, for a run that can be resumed."""

import pathlib
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from adr_jax.data.files import hdf5
from adr_jax.data.files.arrays import UNNAMED
from adr_jax.data.files.axes import FEW, check_axes
from adr_jax.data.missing import without_mask
from adr_jax.data.own import labelled
from adr_jax.data.own.array_sequences import LENGTHS
from adr_jax.errors import InputError

# Readings of an array without names, by its rank.
READINGS = {2: "tx", 3: "tyx", 4: "tyxc", 5: "ntyxc"}
OTHERS = {3: "txc or ntx", 4: "ntyx or tzyx", 5: "ntzyx or tzyxc"}


def store(frames: object, path: pathlib.Path, axes: str = "") -> str:
    """Write sequences of frames to an HDF5 file, and return the axes of its array.

    Args:
      frames: (time, *space[, channels]), NumPy, JAX or an xarray DataArray with any
        order of dimensions; or a list of arrays, a sequence each, which may differ in
        their numbers of frames.
      path: the new file.
      axes: a letter of `files.axes` for each axis of the array, or of each array of a
        list; "" for those above, or the names of a DataArray's dimensions.

    Raises:
      InputError: they are no arrays of real numbers, the axes have several readings,
        or arrays of a list differ in other axes than time.
    """
    several = isinstance(frames, list | tuple)
    members = list(frames) if several else [frames]
    if not members:
        raise InputError("fit got an empty list; expected sequences of frames")
    if labelled.is_labelled(members[0]):
        if several:
            raise InputError(
                "fit got a list of DataArrays; expected one: join them with "
                "xarray.concat(arrays, 'trajectory')"
            )
        _store_labelled(members[0], path)
        return axes or labelled.axes_of(members[0])
    arrays = [_array(member) for member in members]
    axes = axes or _axes(arrays[0].shape, several)
    check_axes(axes, arrays[0].shape, "fit got an array that")
    if several and "n" in axes:
        raise InputError("fit got a list of arrays with axes n; expected one array")
    with hdf5.created(path) as file:
        if several:
            _write_several(file, arrays, axes.index("t"))
        else:
            file[UNNAMED] = arrays[0]
    return f"n{axes}" if several else axes


def _write_several(
    file: h5py.File, arrays: Sequence[np.ndarray], time_axis: int
) -> None:
    """Write sequences as one array, padded to the longest, and their lengths."""
    lengths = [array.shape[time_axis] for array in arrays]
    shape = list(arrays[0].shape)
    shape[time_axis] = max(lengths)
    for array, length in zip(arrays, lengths, strict=True):
        expected = [*shape[:time_axis], length, *shape[time_axis + 1 :]]
        if list(array.shape) != expected:
            shapes = sorted({array.shape for array in arrays})
            raise InputError(
                f"fit got sequences of the shapes {shapes}; expected the same numbers "
                "of cells and channels: bring them onto one grid"
            )
    dtype = np.result_type(*arrays)
    padded = file.create_dataset(UNNAMED, (len(arrays), *shape), dtype)
    for index, array in enumerate(arrays):
        padded[(index, *map(slice, array.shape))] = array
    if len(set(lengths)) > 1:
        file[LENGTHS] = lengths


def _array(frames: Any) -> np.ndarray:
    """Return an array that HDF5 can hold, NaN where masked."""
    array = np.asarray(without_mask(frames))
    if array.dtype.kind == "V" or array.dtype == np.float16:  # bfloat16 among them
        array = array.astype(np.float32)
    if array.dtype.kind not in "fiub":
        raise InputError(
            f"fit got {type(frames).__name__} of {array.dtype}; expected real numbers, "
            "(time, rows, columns[, channels])"
        )
    return array


def _axes(shape: Sequence[int], several: bool) -> str:
    """Return the usual reading of a shape; InputError where another may be meant."""
    usual = READINGS.get(len(shape))
    known = " x ".join(map(str, shape))
    if usual is None or (several and "n" in usual):
        raise InputError(
            f"fit got an array of {len(shape)} axes, {known}; expected (time, rows, "
            "columns[, channels]), or say what its axes are: data__axes='tzyx'"
        )
    has_channels = shape[-1] <= FEW
    if has_channels != ("c" in usual):
        raise InputError(
            f"fit got an array of {known}, which may be {usual} or {OTHERS[len(shape)]}"
            f": say which, data__axes='{usual}' (n trajectories, t frames, z y x space,"
            " c channels)"
        )
    return usual


def _store_labelled(array, path: pathlib.Path) -> None:
    """Write a DataArray with its coordinates as netCDF, piece by piece where lazy."""
    try:
        import h5netcdf  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            "fit stores a DataArray by h5netcdf, which is not installed: "
            "pip install 'adr_jax[xarray]'"
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with hdf5.written_whole(path) as partial:
        array.rename(array.name or UNNAMED).to_netcdf(partial, engine="h5netcdf")
