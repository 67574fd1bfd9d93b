"""xarray's labelled arrays: taken as plain frames, and given back as they came."""

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from jaxtyping import Shaped

from adr_jax.data.files.axes import ORDER, guess_axes
from adr_jax.data.own.coordinates import Coordinates
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
    names = [str(name) for name in array.dims]
    return guess_axes(names, array.shape, f"DataArray {array.name or ''}".strip())


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
    if time in array.coords:
        known = array.coords[time]
        following = Coordinates(str(time), known.to_numpy(), known.attrs)
        ahead = following.continued(frames.shape[1 if "n" in axes else 0])
        if ahead is not None:
            coordinates[time] = (time, ahead.values, known.attrs)
    values = frames if "c" in axes else frames[..., 0]
    ordered = [dims[letter] for letter in ORDER if letter in axes]
    return type(array)(
        values, coordinates, ordered, name=array.name, attrs=array.attrs
    ).transpose(*array.dims)
