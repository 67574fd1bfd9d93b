"""Composites in the HDF5 of the Dutch weather service, KNMI: one map a file.

`image1/calibration` has the coding as a formula, "GEO=0.01*PV+0.0", `overview` the
times and `geographic` the projection in km (KNMI HDF5 data format specification 3.5).
"""

import pathlib
import re

import h5py
import numpy as np

from adr_jax.data.files import hdf5, times
from adr_jax.data.files.reading import reading
from adr_jax.data.weather import rain
from adr_jax.data.weather.composites.film import Film, Grid
from adr_jax.errors import InputError

# The offset of "GEO=0.5*PV+-32.0" has two signs.
FORMULA = re.compile(r"GEO\s*=\s*([-+.\deE]+)\s*\*\s*PV\s*(?:\+?\s*([-+.\deE]+))?\s*$")
PROJ4 = "projection_proj4_params"
# Beginnings of a parameter's name, and its unit.
PARAMETERS = {
    "REFLECTIVITY": "dBZ",
    "ACCUMULATED_PRECIPITATION": "mm",
    "PRECIPITATION_RATE": "mm/h",
}


def is_knmi(file: h5py.File) -> bool:
    """Return whether an HDF5 file has KNMI's groups."""
    return "image1/calibration" in file and "overview" in file


def open_film(path: pathlib.Path, file: h5py.File) -> Film:
    """Return the film of one frame.

    Raises:
      InputError: its formula, parameter or times are not what the format says.
    """
    image, overview = file["image1"], file["overview"].attrs
    parameter = hdf5.text(image.attrs.get("image_geo_parameter", ""))
    unit = next((u for p, u in PARAMETERS.items() if parameter.startswith(p)), None)
    what = f"{path}: {parameter or 'image1'}"
    calibration = image["calibration"].attrs
    formula = hdf5.text(calibration.get("calibration_formulas", ""))
    match = FORMULA.match(formula)
    if unit is None or match is None:
        raise InputError(
            f"{what} with formula {formula!r}; "
            f"expected one of {', '.join(PARAMETERS)} and GEO=a*PV+b"
        )
    scale, offset = float(match[1]), float(match[2] or 0)
    end = _moment(hdf5.text(overview.get("product_datetime_end", "")), what)
    start = _moment(hdf5.text(overview.get("product_datetime_start", "")), what)
    minutes = (end - start) / 60 if unit in rain.AMOUNTS else None
    missing = {
        float(np.ravel(calibration[name])[0])
        for name in ("calibration_missing_data", "calibration_out_of_image")
        if name in calibration
    }

    def read(start: int, stop: int) -> np.ndarray:
        with reading(what), h5py.File(path, "r") as again:
            stored = again["image1/image_data"][()]
        values = stored * np.float64(scale) + offset
        values[np.isin(stored, list(missing))] = np.nan
        return rain.as_dbz(values, unit, minutes, what)[None][start:stop]

    facts = {"scale": scale, "offset": offset, "missing": sorted(missing)}
    return Film(
        path,
        what,
        np.array([end]),
        _grid(file, image["image_data"].shape),
        read,
        f"{parameter} in {unit}" + (f" over {minutes:g} min" if minutes else ""),
        {**facts, "minutes": minutes},
    )


def _moment(text: str, what: str) -> float:
    """Return Unix seconds of "26-AUG-2010;00:05:00.000"."""
    seconds = times.parse(text.strip(), "%d-%b-%Y;%H:%M:%S.%f")
    if seconds is None:
        raise InputError(
            f"{what}: its time is {text!r}; expected the form 26-AUG-2010;00:05:00.000"
        )
    return seconds


def _grid(file: h5py.File, shape: tuple[int, int]) -> Grid:
    if "geographic" not in file:
        return Grid(shape)
    about = file["geographic"].attrs
    width, height, columns, rows = (
        float(np.ravel(about[name])[0])
        for name in (
            *("geo_pixel_size_x", "geo_pixel_size_y"),
            *("geo_column_offset", "geo_row_offset"),
        )
    )
    projection = file["geographic"].get("map_projection")
    proj = "" if projection is None else hdf5.text(projection.attrs.get(PROJ4, ""))
    corner = (1000 * width * columns, 1000 * height * rows)
    return Grid(shape, abs(width), _in_metres(proj), corner)


def _in_metres(proj: str) -> str:
    """Return a projection whose ellipsoid's axes, a and b, are metres, not km."""

    def metres(match: re.Match) -> str:
        length = float(match[2])
        return f"+{match[1]}={1000 * length if length < 1e4 else length:.10g}"

    return re.sub(r"\+([ab])=([\d.]+)", metres, proj)
