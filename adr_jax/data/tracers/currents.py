"""Daily surface currents of the ocean from a file, in cells a day."""

import pathlib

import numpy as np
from jaxtyping import Float32

from adr_jax.data.files import hdf5
from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError

LAND = -32768
METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of radius 6,371 km
SECONDS_PER_DAY = 86_400.0
LAYOUT = (
    "u and v, int16 in mm/s of shape (days, lat, lon), lat and lon, floating, in "
    "degrees"
)


def read(path: pathlib.Path) -> Float32[np.ndarray, "days rows columns 2"]:
    """Read daily currents in cells a day, along rows (north) and columns (east).

    The file is HDF5 with u (east) and v (north), int16 in mm/s, (days, rows, columns),
    -32768 on land, and lat and lon, degrees, evenly spaced and rising. A cell without a
    current on some day counts as land on all days, NaN.

    Raises:
      InputError: the file is absent or damaged, or has another layout.
    """
    file = hdf5.open_file(
        path,
        "data.path names daily surface currents, such as ESA's GlobCurrent "
        "(marine.copernicus.eu goes on with it), as HDF5 with u and v (int16, mm/s), "
        "lat and lon; flows that need no file are in configs/synthetic.py",
    )
    with file, reading(f"{path}: a variable"):
        u, v = (hdf5.variable(file, name, 3, "i", LAYOUT)[:] for name in ("u", "v"))
        lat, lon = (
            hdf5.variable(file, name, 1, "f", LAYOUT)[:] for name in ("lat", "lon")
        )
    if u.shape != v.shape or u.shape[1:] != (len(lat), len(lon)):
        raise InputError(
            f"{path}: u {u.shape}, v {v.shape}, lat {lat.shape} and lon {lon.shape} do "
            "not fit together; expected u and v to be (days, lat, lon)"
        )
    height, width = _degrees(path, "lat", lat), _degrees(path, "lon", lon)
    land = ((u == LAND) | (v == LAND)).any(axis=0)
    if land.all():
        raise InputError(
            f"{path}: no cell has a current on every day; leave out the days without"
        )
    across = width * np.cos(np.radians(lat, dtype=np.float64))[:, None]
    per_degree = 1e-3 * SECONDS_PER_DAY / METRES_PER_DEGREE
    currents = per_degree * np.stack([v / height, u / across], axis=-1)
    currents[:, land] = np.nan
    return currents.astype(np.float32)


def _degrees(path: pathlib.Path, name: str, coordinates: np.ndarray) -> float:
    """Return the spacing of a coordinate; InputError where it is uneven."""
    steps = np.diff(coordinates.astype(np.float64))
    # float32 degrees are exact to 1e-5 degrees.
    if len(steps) < 1 or not np.ptp(steps) < 1e-3 * steps.mean():
        raise InputError(
            f"{path}: '{name}' does not rise in even steps; expected rows from south "
            "to north, columns from west to east, equally spaced in degrees"
        )
    return float(steps.mean())
