"""Composites of the Finnish Meteorological Institute: PGM pictures, mostly gzipped.

What they show is in the comments of the header. A value v of 8 bits is v / 2 - 32 dBZ,
and the largest is missing.
"""

import gzip
import pathlib
import re

import numpy as np

from adr_jax.data.files import times
from adr_jax.data.files.reading import reading
from adr_jax.data.weather import rain
from adr_jax.data.weather.composites import projections
from adr_jax.data.weather.composites.film import Film, Grid
from adr_jax.errors import InputError

# The picture's size and largest value, after comments.
HEADER = re.compile(rb"P5\s(?:\s*#[^\n]*\n)*\s*(\d+)\s+(\d+)\s+(\d+)\s")
SCALE, OFFSET = 0.5, -32.0
# What the file leaves out of its projection, in metres.
UNSTATED = "+a=6371288 +x_0=380886.310 +y_0=3395677.920 +no_defs"


def open_film(path: pathlib.Path) -> Film:
    """Return the film of one frame.

    Raises:
      InputError: it is no binary PGM of 8 bits, or does not say what or when.
    """
    content = _content(path)
    match = HEADER.match(content)
    if match is None or int(match[3]) > 255:
        raise InputError(f"{path} is no binary PGM of 8 bits: fetch it again")
    columns, rows, largest = (int(number) for number in match.groups())
    if len(content) - match.end() < rows * columns:
        raise InputError(f"{path} is truncated: fetch it again")
    facts = _facts(content[: match.end()])
    parameter = facts.get("param", [""])[0]
    if "eflectivity" not in parameter:
        raise InputError(
            f"{path} does not say in its header that it holds reflectivity (# param): "
            "convert it to HDF5 with units, as adr_jax/data/weather/radar.py says"
        )
    stamp = times.stamp(" ".join(facts.get("obstime", [""])) or path.name)
    if stamp is None:
        raise InputError(f"{path} does not say when it was taken (# obstime)")

    def read(start: int, stop: int) -> np.ndarray:
        again = _content(path)
        stored = np.frombuffer(again, np.uint8, rows * columns, match.end())
        stored = stored.reshape(rows, columns)
        values = np.where(stored == largest, np.nan, SCALE * stored + OFFSET)
        return rain.as_dbz(values, "dBZ", None, path)[None][start:stop]

    grid = _grid((rows, columns), facts)
    return Film(path, str(path), np.array([stamp]), grid, read, f"{parameter} in dBZ")


def _content(path: pathlib.Path) -> bytes:
    with reading(path):
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content


def _facts(header: bytes) -> dict[str, list[str]]:
    """Return the words after the first of each comment, by the first."""
    lines = header.decode("latin-1").splitlines()
    comments = (line[1:].split() for line in lines if line.startswith("#"))
    return {words[0]: words[1:] for words in comments if words}


def _grid(shape: tuple[int, int], facts: dict[str, list[str]]) -> Grid:
    cell = facts.get("metersperpixel_x")
    cell_km = None if cell is None else round(float(cell[0]) / 1000, 2)
    needed = ("centrallongitude", "centrallatitude", "truelatitude", "bottomleft")
    if facts.get("type") != ["stereographic"] or not all(n in facts for n in needed):
        return Grid(shape, cell_km)
    longitude, latitude, true = (facts[name][0] for name in needed[:3])
    projection = (
        f"+proj=stere +lon_0={longitude} +lat_0={latitude} +lat_ts={true} {UNSTATED}"
    )
    lower_left = projections.in_metres(
        projection, *(float(degrees) for degrees in facts["bottomleft"])
    )
    if lower_left is None:
        return Grid(shape, cell_km, projection)
    height = float(facts.get("metersperpixel_y", facts["metersperpixel_x"])[0])
    corner = (lower_left[0], lower_left[1] + shape[0] * height)
    return Grid(shape, cell_km, projection, corner)
