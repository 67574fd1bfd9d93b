"""Frames as PNGs: a film is a column for each step, a row for each thing to be shown.

A page slides a film along behind a window of one frame.
"""

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from adr_jax.evaluation.report.figures import ERROR_MAP, FIELD_MAP

# Colours of each of the two maps, an odd number: no error has one of its own.
SHADES = 121
# The place in the palette of what is no number, and its colour.
MISSING = 255
GREY = (150, 150, 150)
MARGIN = 1


class Film(NamedTuple):
    """A PNG, and the size of a frame in cells."""

    png: bytes
    rows: int
    columns: int
    # Cells around each frame that repeat its edge: what is drawn of the next frame's
    # cells where a window is a fraction of a pixel too wide.
    margin: int = 0

    def x(self, frame: int) -> int:
        """Where the film is put for its window to show a frame."""
        return -self.margin - frame * (self.columns + 2 * self.margin)

    def y(self, row: int) -> int:
        """Likewise for a row."""
        return -self.margin - row * (self.rows + 2 * self.margin)

    @property
    def link(self) -> str:
        """The picture as the address of itself."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


def film(
    fields: Sequence[Float[np.ndarray, "k rows columns v"]],
    errors: Sequence[Float[np.ndarray, "k rows columns v"]],
    *,
    low: float,
    high: float,
    limit: float,
) -> Film:
    """Fields in colours from `low` to `high`; errors below them, from -limit to limit.

    Values beyond are shown as the ends, what is no number in grey. Three variables are
    red, green and blue, and the mean of their errors is shown.
    """
    places = [SHADES + _shades(of.mean(-1), -limit, limit) for of in errors]
    if fields[0].shape[-1] == 3:
        bands = [_as_colours(of) for of in fields]
        bands += [PALETTE[np.minimum(of, MISSING)] for of in places]
    else:
        bands = [_shades(of[..., 0], low, high) for of in fields] + places
        bands = [np.minimum(of, MISSING).astype(np.uint8) for of in bands]
    around = ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0))[: bands[0].ndim]
    # (k, rows, columns, ...) to (rows, k * columns, ...).
    strips = [np.concatenate(list(np.pad(of, around, "edge")), axis=1) for of in bands]
    picture = Image.fromarray(np.concatenate(strips))
    if picture.mode == "L":
        picture.putpalette(PALETTE.tobytes())
    rows, columns = fields[0].shape[1:3]
    return Film(_png(picture), rows, columns, MARGIN)


def still(field: Float[np.ndarray, "rows columns"]) -> Film:
    """One frame in pale greys, over which arrows stand out."""
    low, high = span(field)
    pale = 250 - 90 * np.clip((field - low) / (high - low), 0, 1)
    pale = np.where(np.isnan(pale), GREY[0] - 40, pale).astype(np.uint8)
    rows, columns = field.shape
    return Film(_png(Image.fromarray(pale)), rows, columns)


def span(values: np.ndarray) -> tuple[float, float]:
    """Least and greatest finite value, an interval of some width in any case."""
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def colours(name: str, count: int) -> list[str]:
    """So many colours of a map, first to last, as a page writes them."""
    return [
        f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in _map(name, count)
    ]


def _map(name: str, count: int) -> UInt8[np.ndarray, "count 3"]:
    shares = np.linspace(0, 1, count)
    return np.asarray(matplotlib.colormaps[name](shares, bytes=True))[:, :3]


def _whole_palette() -> UInt8[np.ndarray, "256 3"]:
    palette = np.full((MISSING + 1, 3), GREY, np.uint8)
    palette[:SHADES] = _map(FIELD_MAP, SHADES)
    palette[SHADES : 2 * SHADES] = _map(ERROR_MAP, SHADES)
    return palette


PALETTE = _whole_palette()


def _shades(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Places of values among SHADES colours; MISSING, or beyond, for no number."""
    share = np.clip((values - low) / (high - low), 0, 1)
    places = np.round(np.nan_to_num(share) * (SHADES - 1)).astype(int)
    return np.where(np.isnan(values), MISSING, places)


def _as_colours(frames: np.ndarray) -> np.ndarray:
    bytes_ = (255 * np.nan_to_num(frames.clip(0, 1))).astype(np.uint8)
    lost = np.isnan(frames).any(-1, keepdims=True)
    return np.where(lost, np.array(GREY, np.uint8), bytes_)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
