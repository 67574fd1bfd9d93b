"""Animated GIFs of a history and its forecast."""

import pathlib
from collections.abc import Sequence

import matplotlib
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from adr_jax.evaluation.report.figures import FIELD_MAP
from adr_jax.evaluation.report.scaling import colour_bytes, scale, value_range

# Minimum number of pixels along the shorter side; a cell is a square of pixels.
SIDE = 256
MILLISECONDS = 120
# Colours of the bar below a frame: observed, and forecast.
OBSERVED, FORECAST = (120, 120, 120), (209, 80, 10)
# The colour of missing cells, as matplotlib and as bytes have it.
GREY = "0.6"
MISSING = (153, 153, 153)


def write_gif(
    path: pathlib.Path,
    frames: Float[np.ndarray, "time rows columns channels"],
    *,
    history: int,
) -> None:
    """Write frames as a GIF, in colours scaled to the range of the history.

    The first `history` frames have a grey bar below them, the forecast an orange one.
    Three channels are shown as red, green and blue; of any other number, the first is
    shown. Missing cells are grey.
    """
    scaled = scale(frames, *value_range(frames[:history]))
    enlarge = max(1, -(-SIDE // min(frames.shape[1:3])))
    pictures = []
    for index, frame in enumerate(scaled):
        pixels = np.repeat(np.repeat(_pixels(frame), enlarge, 0), enlarge, 1)
        bar = np.empty((max(4, len(pixels) // 40), *pixels.shape[1:]), np.uint8)
        bar[...] = OBSERVED if index < history else FORECAST
        pictures.append(Image.fromarray(np.concatenate([pixels, bar])))
    save_gif(path, pictures, MILLISECONDS)


def save_gif(
    path: pathlib.Path,
    pictures: Sequence[Image.Image],
    milliseconds: int | Sequence[int],
) -> None:
    """Write pictures as a GIF without an end, shown equally long or each its time."""
    pictures[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=list(pictures[1:]),
        duration=milliseconds,
        loop=0,
    )


def _pixels(
    frame: Float[np.ndarray, "rows columns channels"],
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return a frame of values from 0 to 1 in colours."""
    if frame.shape[-1] == 3:
        return colour_bytes(frame, MISSING)
    colours = matplotlib.colormaps[FIELD_MAP].with_extremes(bad=GREY)
    masked = np.ma.masked_invalid(frame[..., 0])
    return np.asarray(colours(masked, bytes=True))[..., :3]
