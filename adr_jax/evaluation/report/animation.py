"""Frames as an animated GIF."""

import pathlib

import matplotlib
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from adr_jax.evaluation.report.figures import FIELD_MAP

# Pixels that the shorter side has at least, cells being drawn as squares of them.
SIDE = 256
MILLISECONDS = 120
# The bar below a frame: what was seen, and what is forecast.
SEEN, FORECAST = (120, 120, 120), (209, 80, 10)
UNKNOWN = "0.6"


def write_gif(
    path: pathlib.Path,
    frames: Float[np.ndarray, "time rows columns channels"],
    *,
    history: int,
) -> None:
    """Draws frames one after the other, in the colours of the history's range.

    The first `history` have a grey bar below them, the forecast after them an orange
    one. Of three channels a colour picture is made, of any other number the first is
    drawn; missing cells are grey.
    """
    known = frames[:history][np.isfinite(frames[:history])]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    scaled = ((frames - low) / ((high - low) or 1.0)).clip(0, 1)
    enlarge = max(1, -(-SIDE // min(frames.shape[1:3])))
    pictures = []
    for number, frame in enumerate(scaled):
        pixels = np.repeat(np.repeat(_pixels(frame), enlarge, 0), enlarge, 1)
        bar = np.empty((max(4, len(pixels) // 40), *pixels.shape[1:]), np.uint8)
        bar[...] = SEEN if number < history else FORECAST
        pictures.append(Image.fromarray(np.concatenate([pixels, bar])))
    pictures[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=MILLISECONDS,
        loop=0,
    )


def _pixels(frame: np.ndarray) -> UInt8[np.ndarray, "rows columns 3"]:
    """A frame of values from 0 to 1 in colours."""
    if frame.shape[-1] == 3:
        return (255 * np.nan_to_num(frame, nan=0.6).clip(0, 1)).astype(np.uint8)
    colours = matplotlib.colormaps[FIELD_MAP].with_extremes(bad=UNKNOWN)
    masked = np.ma.masked_invalid(frame[..., 0])
    return np.asarray(colours(masked, bytes=True))[..., :3]
