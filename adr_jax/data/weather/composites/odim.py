"""Composites in OPERA's data model for HDF5, ODIM_H5: one map a file.

The quantity, the linear coding and the codes of missing and of dry cells are attributes
of `what` groups, the projection those of `where` (EUMETNET OPERA, ODIM_H5 2.4). A group
says what holds for all within it.
"""

import pathlib

import h5py
import numpy as np

from adr_jax.data.files import hdf5, times
from adr_jax.data.files.reading import reading
from adr_jax.data.weather import rain
from adr_jax.data.weather.composites.film import Film, Grid
from adr_jax.errors import InputError

# Kinds of files that hold maps; others hold what an antenna saw, in its angles.
MAPS = ("COMP", "IMAGE")
# Quantities of rain, the most direct first, and their units.
QUANTITIES = {
    "RATE": "mm/h",
    "ACRR": "mm",
    **dict.fromkeys(("DBZH", "TH", "DBZ", "DBZV", "TV"), "dBZ"),
}


def is_odim(file: h5py.File) -> bool:
    """Return whether an HDF5 file follows ODIM."""
    return b"ODIM" in np.bytes_(file.attrs.get("Conventions", b"")) or (
        "what" in file and "object" in file["what"].attrs
    )


def open_film(path: pathlib.Path, file: h5py.File, variable: str = "") -> Film:
    """Return the film of one frame; `variable` names its quantity, "" the usual.

    Raises:
      InputError: it holds no map of rain, or does not say when.
    """
    kind = _text(file["/"], "object")
    if kind not in MAPS:
        raise InputError(
            f"{path} is a {kind or 'file'} of ODIM, not a map ({' or '.join(MAPS)}): "
            "make a composite of it first, for example with wradlib"
        )
    found = _quantities(file)
    known = [name for name in QUANTITIES if name in found]
    quantity = variable or (known[0] if known else "")
    if quantity not in found or quantity not in QUANTITIES:
        raise InputError(
            f"{path} holds {', '.join(found) or 'no data'}; expected one of "
            f"{', '.join(QUANTITIES)}"
            + (f", by config.data.variable {variable}" if variable else "")
        )
    group = file[found[quantity]]
    unit, what = QUANTITIES[quantity], f"{path}: {quantity}"
    end = _moment(group, "date", "time", what)
    minutes = None
    if unit in rain.AMOUNTS:
        minutes = _minutes(group, what)
    coding = {
        name: _number(group, name) for name in ("gain", "offset", "nodata", "undetect")
    }

    data = f"{group.name}/data"

    def read(start: int, stop: int) -> np.ndarray:
        with reading(what), h5py.File(path, "r") as again:
            stored = again[data][()]
        return _as_dbz(stored, coding, unit, minutes, what)[None][start:stop]

    return Film(
        path,
        what,
        np.array([end]),
        _grid(group),
        read,
        f"{quantity} in {unit}" + (f" over {minutes:g} min" if minutes else ""),
        {**coding, "minutes": minutes},
    )


def _quantities(file: h5py.File) -> dict[str, str]:
    """Return the group of each quantity's data, the first where there are several."""
    found: dict[str, str] = {}
    for name in _numbered(file, "dataset"):
        for inner in _numbered(file[name], "data"):
            group = file[name][inner]
            quantity = _text(group, "quantity")
            if quantity and isinstance(group.get("data"), h5py.Dataset):
                found.setdefault(quantity, group.name)
    return found


def _numbered(group: h5py.Group, stem: str) -> list[str]:
    """Return the names of groups that are a stem and a number, in order."""
    names = [n for n in group if n.startswith(stem) and n[len(stem) :].isdigit()]
    return sorted(names, key=lambda name: int(name[len(stem) :]))


def _attribute(group: h5py.Group, part: str, name: str):
    """Return an attribute of a group's `what` or `where`, or of those around it."""
    while True:
        if part in group and name in group[part].attrs:
            return group[part].attrs[name]
        if group.name == "/":
            return None
        group = group.parent


def _text(group: h5py.Group, name: str, part: str = "what") -> str:
    value = _attribute(group, part, name)
    return "" if value is None else hdf5.text(value)


def _number(group: h5py.Group, name: str, part: str = "what") -> float | None:
    value = _attribute(group, part, name)
    return None if value is None else float(np.ravel(value)[0])


def _moment(group: h5py.Group, date: str, time: str, what: str) -> float:
    """Return Unix seconds of two attributes, YYYYMMDD and HHmmss."""
    text = _text(group, date) + _text(group, time)
    seconds = times.parse(text, "%Y%m%d%H%M%S")
    if seconds is None:
        raise InputError(
            f"{what}: its {date} and {time} are {text!r}; expected YYYYMMDD and HHmmss"
        )
    return seconds


def _minutes(group: h5py.Group, what: str) -> float:
    """Return the minutes from start to end of an amount."""
    start = _moment(group, "startdate", "starttime", what)
    minutes = (_moment(group, "enddate", "endtime", what) - start) / 60
    if minutes <= 0:
        raise InputError(f"{what} starts and ends at once: in what time did it fall?")
    return minutes


def _as_dbz(stored, coding, unit, minutes, what) -> np.ndarray:
    """Return dBZ: nodata is missing, and undetect is dry."""
    gain, offset = coding["gain"], coding["offset"]
    values = stored * np.float64(1 if gain is None else gain) + (offset or 0.0)
    dbz = rain.as_dbz(values, unit, minutes, what)
    if coding["undetect"] is not None:
        dbz[stored == coding["undetect"]] = 0.0
    if coding["nodata"] is not None:
        dbz[stored == coding["nodata"]] = np.nan
    return dbz


def _grid(group: h5py.Group) -> Grid:
    shape = group["data"].shape
    scale = _number(group, "xscale", "where")
    x, y = (_number(group, name, "where") for name in ("UL_x", "UL_y"))
    return Grid(
        (shape[0], shape[1]),
        None if scale is None else abs(scale) / 1000,
        _text(group, "projdef", "where").strip(),
        None if x is None or y is None else (x, y),
    )
