"""Composites as GeoTIFF pictures of one band, read by Pillow.

A picture does not say what its numbers mean. Its unit is GDAL's metadata item UNITS or
unit type, or the caller names it.
"""

import pathlib
import re

import numpy as np
from PIL import Image

from adr_jax.data.files import times
from adr_jax.data.files.reading import reading
from adr_jax.data.weather import rain
from adr_jax.data.weather.composites.film import Film, Grid
from adr_jax.errors import InputError

SUFFIXES = (".tif", ".tiff")
# Tags of TIFF, GeoTIFF and GDAL.
DATE, CELL, CORNER, KEYS, METADATA, NODATA = 306, 33550, 33922, 34735, 42112, 42113
# A projected system's number in EPSG's list, among the keys.
PROJECTED = 3072
UNIT = re.compile(
    r'<Item[^>]*(?:name="units?"|role="unittype")[^>]*>([^<]*)<', re.IGNORECASE
)


def open_film(path: pathlib.Path, unit: str = "") -> Film:
    """Return the film of one frame; `unit`, one of rain.UNITS, where it states none.

    Raises:
      InputError: it has several bands, or nothing says its unit or time.
    """
    with reading(path), Image.open(path) as picture:
        tags, bands = dict(picture.tag_v2), picture.getbands()  # type: ignore
        columns, rows = picture.size
    if len(bands) != 1:
        raise InputError(f"{path} has {len(bands)} bands: a picture of rain has one")
    stated = UNIT.search(str(tags.get(METADATA, "")))
    unit = stated[1].strip() if stated else unit
    if unit not in rain.UNITS:
        raise InputError(
            f"{path} does not say its unit; name it in config.data.variable, one of "
            f"{', '.join(rain.UNITS)}"
        )
    stamp = times.stamp(path.name)
    date = str(tags.get(DATE, "")).replace(":", "").replace(" ", "-")
    stamp = times.stamp(date) if stamp is None else stamp
    if stamp is None:
        raise InputError(
            f"{path} does not say when it was taken: put the time into its name, as in "
            "rain_201609281445.tif"
        )
    nodata = _number(tags.get(NODATA))

    def read(start: int, stop: int) -> np.ndarray:
        with reading(path), Image.open(path) as picture:
            stored = np.asarray(picture)
        values = stored.astype(np.float64)
        if nodata is not None:
            values[stored == nodata] = np.nan
        return rain.as_dbz(values, unit, None, path)[None][start:stop]

    grid = _grid((rows, columns), tags)
    facts = {"nodata": nodata, "unit": unit}
    return Film(
        path, str(path), np.array([stamp]), grid, read, f"rain in {unit}", facts
    )


def _number(text) -> float | None:
    try:
        return None if text is None else float(str(text).strip("\0 "))
    except ValueError:
        return None


def _grid(shape: tuple[int, int], tags: dict) -> Grid:
    cell, tie = tags.get(CELL), tags.get(CORNER)
    keys = np.reshape(tags.get(KEYS, ()), (-1, 4)).tolist()
    code = next((value for key, *_, value in keys if key == PROJECTED), None)
    if not cell or not tie or code is None:
        return Grid(shape)
    column, row, _, x, y = tie[:5]
    corner = (x - column * cell[0], y + row * cell[1])
    return Grid(shape, cell[0] / 1000, f"EPSG:{code}", corner)
