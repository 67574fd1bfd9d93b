"""Film strips: PNGs with a column for each step and a row for each field shown.

A page shows one frame at a time through a window, and moves the strip behind it.
"""

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

from adr_jax.evaluation.report.figures import ERROR_MAP, FIELD_MAP
from adr_jax.evaluation.report.scaling import colour_bytes, scale, value_range

# Colours of each of the two maps. The number is odd, so that an error of zero has a
# colour of its own.
SHADES = 121
# Palette index and colour of missing cells.
MISSING = 255
GREY = (150, 150, 150)
MARGIN = 1


class Film(NamedTuple):
    """A PNG, and the size of its frames in cells."""

    png: bytes
    rows: int
    columns: int
    # Cells around each frame that repeat its edge. A window that is a fraction of a
    # pixel too wide shows these instead of the next frame.
    margin: int = 0

    def x(self, frame: int) -> int:
        """Return the horizontal offset at which the window shows a frame."""
        return -self.margin - frame * (self.columns + 2 * self.margin)

    def y(self, row: int) -> int:
        """Return the vertical offset at which the window shows a row."""
        return -self.margin - row * (self.rows + 2 * self.margin)

    @property
    def link(self) -> str:
        """Return the picture as a data URL."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


def film(
    fields: Sequence[Float[np.ndarray, "k rows columns v"]],
    errors: Sequence[Float[np.ndarray, "k rows columns v"]],
    *,
    low: float,
    high: float,
    limit: float,
) -> Film:
    """Draw fields in colours from `low` to `high`, errors from -limit to limit.

    Values beyond a range have the colour of its end; missing cells are grey. Three
    variables are shown as red, green and blue, with the mean of their errors.
    """
    error_indices = [SHADES + _shades(e.mean(-1), -limit, limit) for e in errors]
    if fields[0].shape[-1] == 3:
        bands = [colour_bytes(frames, GREY) for frames in fields]
        bands += [PALETTE[np.minimum(indices, MISSING)] for indices in error_indices]
    else:
        indices = [_shades(f[..., 0], low, high) for f in fields] + error_indices
        bands = [np.minimum(band, MISSING).astype(np.uint8) for band in indices]
    margins = ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0))[: bands[0].ndim]
    # (k, rows, columns, ...) to (rows, k * columns, ...).
    strips = [
        np.concatenate(list(np.pad(band, margins, "edge")), axis=1) for band in bands
    ]
    picture = Image.fromarray(np.concatenate(strips))
    if picture.mode == "L":
        picture.putpalette(PALETTE.tobytes())
    rows, columns = fields[0].shape[1:3]
    return Film(_png(picture), rows, columns, MARGIN)


def still(field: Float[np.ndarray, "rows columns"]) -> Film:
    """Draw one frame in pale greys, on which arrows stand out."""
    pale = 250 - 90 * scale(field, *value_range(field))
    pale = np.where(np.isnan(pale), GREY[0] - 40, pale).astype(np.uint8)
    rows, columns = field.shape
    return Film(_png(Image.fromarray(pale)), rows, columns)


def colours(name: str, count: int) -> list[str]:
    """Return `count` colours of a map, first to last, in HTML notation."""
    return [
        f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in _map(name, count)
    ]


def _map(name: str, count: int) -> UInt8[np.ndarray, "count 3"]:
    shares = np.linspace(0, 1, count)
    return np.asarray(matplotlib.colormaps[name](shares, bytes=True))[:, :3]


def _make_palette() -> UInt8[np.ndarray, "256 3"]:
    palette = np.full((MISSING + 1, 3), GREY, np.uint8)
    palette[:SHADES] = _map(FIELD_MAP, SHADES)
    palette[SHADES : 2 * SHADES] = _map(ERROR_MAP, SHADES)
    return palette


PALETTE = _make_palette()


def _shades(
    values: Float[np.ndarray, "*shape"], low: float, high: float
) -> Int[np.ndarray, "*shape"]:
    """Return indices into SHADES colours; MISSING, or more, for missing cells."""
    indices = np.round(np.nan_to_num(scale(values, low, high)) * (SHADES - 1))
    return np.where(np.isnan(values), MISSING, indices.astype(int))


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
