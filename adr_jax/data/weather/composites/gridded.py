"""Composites in netCDF-4 or HDF5 arrays, one map or many a file.

A variable is (rows, columns) or (time, rows, columns). Attributes follow CF: units,
scale_factor, add_offset, _FillValue, grid_mapping, coordinates y and x. Times are a
variable `time` or `valid_time`, an amount lasts from `start_time`, between the bounds
of the times, or for `dt_minutes`. `pixel_km` may state the size of a cell.
"""

import pathlib

import h5py
import numpy as np

from adr_jax.data.files import hdf5, times
from adr_jax.data.files.reading import reading
from adr_jax.data.weather import rain
from adr_jax.data.weather.composites import projections
from adr_jax.data.weather.composites.coding import Coding
from adr_jax.data.weather.composites.film import Film, Grid
from adr_jax.data.weather.imagery import Stored, choose
from adr_jax.errors import InputError

# Looked for in this order where data.variable is "".
VARIABLES = ("dbz8", "dbz", "rate", "acc_raw")
TIMES = ("time", "valid_time")
LAYOUT = (
    "numbers (time, rows, columns) or (rows, columns): store it so, or name another "
    "variable in config.data.variable"
)
# Metres of the units of coordinates.
METRES = {"m": 1.0, "metre": 1.0, "meter": 1.0, "meters": 1.0, "km": 1000.0}


def open_film(path: pathlib.Path, file: h5py.File, variable: str = "") -> Film:
    """Return the film; `variable` names the array, "" the usual or only one of rain.

    Raises:
      InputError: the variable, its coding or the times of its frames are not there.
    """
    with reading(path):
        stored = _variable(path, file, variable)
        seconds = _times(path, file, stored)
        minutes = _minutes(file, stored, seconds)
        coding = Coding.from_attributes(stored, minutes)
        grid, flips = _grid(file, stored.data)

    name, what = stored.data.name, stored.name
    film = stored.data if len(seconds) > 1 else None

    def read(start: int, stop: int) -> np.ndarray:
        if film is None:  # a file of one frame is not kept open
            with reading(what), h5py.File(path, "r") as again:
                numbers = again[name][()].reshape(1, *grid.shape)[start:stop]
        else:
            numbers = hdf5.read(film, start, stop)
        frames = coding.dbz(numbers, what)
        return frames[(slice(None), *(slice(None, None, step) for step in flips))]

    quantity = f"{stored.text('long_name') or name[1:]} in {coding.unit}"
    facts = {"coding": coding, "flips": flips}
    return Film(path, what, seconds, grid, read, quantity, facts)


def _variable(path: pathlib.Path, file: h5py.File, variable: str) -> Stored:
    """Return the variable that is named, usual, or the only one with a unit of rain."""
    of_rain = [
        name
        for name, data in file.items()
        if isinstance(data, h5py.Dataset)
        and data.ndim in (2, 3)
        and Stored(name, data, data.attrs).text("units") in rain.UNITS
    ]
    usual = (*VARIABLES, *of_rain) if len(of_rain) == 1 else VARIABLES
    name = choose(file, variable, usual)
    axes = file[name].ndim if file[name].ndim in (2, 3) else 3
    data = hdf5.variable(file, name, axes, "uif", LAYOUT)
    if not data.size:
        raise InputError(f"{path}: '{name}' is empty; expected {LAYOUT}")
    attributes = {**file.attrs, **data.attrs}
    return Stored(f"{path}: '{name}'", data, attributes)


def _times(path: pathlib.Path, file: h5py.File, stored: Stored) -> np.ndarray:
    """Return Unix seconds of each frame."""
    count = len(stored.data) if stored.data.ndim == 3 else 1
    name = next((name for name in TIMES if name in file), None)
    if name is None:
        interval = stored.number("dt_minutes") or 0.0
        if count < 2 or not 0 < interval < np.inf:
            raise InputError(
                f"{path} does not say when its frames were taken; add a dataset "
                "'time' (Unix seconds) or an attribute dt_minutes"
            )
        return 60 * interval * np.arange(count)
    data = hdf5.variable(file, name, file[name].ndim, "uif", "times as numbers")
    units = Stored(name, data, data.attrs).text("units")
    seconds = times.unix_seconds(data[()].ravel(), units, f"{path}: '{name}'")
    if seconds.shape != (count,) or not np.isfinite(seconds).all():
        raise InputError(
            f"{path}: '{name}' has shape {data.shape}; expected a time for each of "
            f"{count} frames"
        )
    return seconds


def _minutes(file: h5py.File, stored: Stored, seconds: np.ndarray) -> float | None:
    """Return the minutes in which an amount fell, if the file says."""
    data = file.get("start_time")
    if isinstance(data, h5py.Dataset) and len(seconds) == 1:
        units = Stored("start_time", data, data.attrs).text("units")
        start = times.unix_seconds(data[()].ravel(), units, f"{stored.name}: start")
        return float(seconds[0] - start[0]) / 60
    time = file.get("time")
    named = _text(time, "bounds") if isinstance(time, h5py.Dataset) else " "
    bounds = file.get(named)
    if (
        isinstance(time, h5py.Dataset)
        and isinstance(bounds, h5py.Dataset)
        and bounds.shape == (len(seconds), 2)
    ):
        units = _text(time, "units")
        spans = np.diff(times.unix_seconds(bounds[()], units, stored.name))
        return float(np.median(spans)) / 60
    return stored.number("dt_minutes")


def _text(data: h5py.Dataset, name: str) -> str:
    return Stored(name, data, data.attrs).text(name) or " "


def _grid(file: h5py.File, data: h5py.Dataset) -> tuple[Grid, tuple[int, int]]:
    """Return the grid, and the steps that read rows from north and columns from west.

    Without coordinates rows are taken to begin in the north.
    """
    attributes = {**file.attrs, **data.attrs}
    shape = (data.shape[-2], data.shape[-1])
    y, x = (_coordinate(file, name, n) for name, n in zip("yx", shape, strict=True))
    if y is None or x is None:
        cell = attributes.get("pixel_km")
        return Grid(shape, None if cell is None else float(np.ravel(cell)[0])), (1, 1)
    flips = (1 if y[0] > y[-1] else -1, 1 if x[0] < x[-1] else -1)
    cell = abs(x[-1] - x[0]) / (len(x) - 1)
    height = abs(y[-1] - y[0]) / (len(y) - 1)
    mapping = file.get(_text(data, "grid_mapping"))
    projection = "" if mapping is None else projections.of_mapping(mapping.attrs)
    # Coordinates are those of centres.
    corner = (float(min(x[0], x[-1]) - cell / 2), float(max(y[0], y[-1]) + height / 2))
    return Grid(shape, round(float(cell) / 1000, 6), projection, corner), flips


def _coordinate(file: h5py.File, name: str, count: int) -> np.ndarray | None:
    """Return the coordinate of this name in metres; None if there is none."""
    data = file.get(name)
    if not isinstance(data, h5py.Dataset) or data.shape != (count,) or count < 2:
        return None
    metres = METRES.get(_text(data, "units"))
    return None if metres is None else metres * data[()].astype(np.float64)
