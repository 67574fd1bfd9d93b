"""xarray's labelled arrays: taken as plain frames, and given back as they came."""

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from jaxtyping import Shaped

from adr_jax.data.files.axes import ORDER, guess_axes
from adr_jax.data.files.times import as_dates
from adr_jax.data.own.coordinates import Coordinates
from adr_jax.data.own.timeline import Timeline
from adr_jax.errors import InputError

if TYPE_CHECKING:
    import xarray


def is_labelled(frames: Any) -> "TypeGuard[xarray.DataArray]":
    """Return whether it is a DataArray.

    Raises:
      InputError: it is a whole Dataset, of which a variable has to be chosen.
    """
    xarray: Any = sys.modules.get("xarray")  # nobody has one who has not imported it
    if xarray is None:
        return False
    if isinstance(frames, xarray.Dataset):
        names = ", ".join(map(str, frames.data_vars)) or "none"
        raise InputError(
            f"got an xarray Dataset with the variables {names}; expected one of them, "
            "as dataset['NAME']"
        )
    return isinstance(frames, xarray.DataArray)


def axes_of(array: "xarray.DataArray") -> str:
    """Return the letter of `files.axes` for each dimension, in their order.

    Raises:
      InputError: several readings are possible, or none.
    """
    stated = {}
    for name in set(array.dims) & set(array.coords):
        along = array.coords[name]
        is_date = along.dtype.kind == "M" or _is_of_a_calendar(along)
        stated[str(name)] = along.attrs | ({"axis": "T"} if is_date else {})
    names = [str(name) for name in array.dims]
    return guess_axes(names, array.shape, _name(array), stated)


def newest(array: "xarray.DataArray") -> tuple["xarray.DataArray", str]:
    """Return the frames after the last gap in the order of time, and their axes.

    A level of length 1 is no axis of them.
    """
    axes = axes_of(array)
    dims = dict(zip(axes, array.dims, strict=True))
    if "z" in axes and array.sizes[dims["z"]] == 1:
        array, axes = array.squeeze(dims["z"]), axes.replace("z", "")
    times = _times(array, dims["t"])
    if times is not None:
        line = Timeline.of(len(times), times, _name(array))
        array = array.isel({dims["t"]: line.frames[slice(*line.spans[-1])]})
    return array, axes


def _times(array: "xarray.DataArray", dimension: object) -> np.ndarray | None:
    """Return the coordinates of the dimension, or dates along it of another name."""
    along = [c for c in array.coords.values() if c.dims == (dimension,)]
    found = [c for c in along if c.name == dimension] or [
        c for c in along if c.dtype.kind == "M"
    ]
    if not found:
        return None
    if _is_of_a_calendar(found[0]):
        times = found[0].to_numpy()
        return np.array([(time - times[0]).total_seconds() for time in times])
    return _moments(found[0])


def _moments(along: "xarray.DataArray") -> np.ndarray | None:
    """Return times as numbers or dates; None for texts that are none."""
    values = along.to_numpy()
    if _is_of_a_calendar(along):
        return values
    found = as_dates(values, along.attrs.get("units"))
    is_text = values.dtype.kind in "SUO"
    return values if found is None and not is_text else found


def _is_of_a_calendar(along: "xarray.DataArray") -> bool:
    """Return whether it holds dates of another calendar, which NumPy has not."""
    return along.dtype.kind == "O" and hasattr(along.to_numpy().flat[0], "calendar")


def _name(array: "xarray.DataArray") -> str:
    return f"DataArray {array.name or ''}".strip()


def plain(array: "xarray.DataArray", axes: str) -> Shaped[np.ndarray, "..."]:
    """Return the values, ([trajectories,] time, *space, channels)."""
    ordered = [array.dims[axes.index(letter)] for letter in ORDER if letter in axes]
    values = array.transpose(*ordered).to_numpy()
    return values if "c" in axes else values[..., None]


def like(
    array: "xarray.DataArray",
    axes: str,
    frames: Shaped[np.ndarray, "..."],
) -> "xarray.DataArray":
    """Return the frames that follow `array`, as `plain` has them, labelled as it is.

    Dimensions, name, attributes and coordinates are those of `array`; times go on at
    their usual step, in their calendar. Coordinates that vary in time are left out.
    """
    dims = {letter: array.dims[axes.index(letter)] for letter in axes}
    time = dims["t"]
    coordinates = {
        name: along for name, along in array.coords.items() if time not in along.dims
    }
    times = _moments(array.coords[time]) if time in array.coords else None
    if times is not None:
        known = array.coords[time]
        following = Coordinates(str(time), times, known.attrs)
        ahead = following.continued(frames.shape[1 if "n" in axes else 0])
        if ahead is not None:
            coordinates[time] = (time, ahead.values, known.attrs)
    values = frames if "c" in axes else frames[..., 0]
    ordered = [dims[letter] for letter in ORDER if letter in axes]
    return type(array)(
        values, coordinates, ordered, name=array.name, attrs=array.attrs
    ).transpose(*array.dims)
