"""A nowcast of rain as a film: the rain, and how likely it is."""

import io
import pathlib

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.colors import BoundaryNorm, ListedColormap
from PIL import Image

from adr_jax.data.files import times
from adr_jax.data.weather.nowcast_file import Nowcast
from adr_jax.data.weather.rain import rain_rate
from adr_jax.evaluation.report.animation import save_gif

# Rain rates in mm/h from which on a colour holds.
EDGES = (0.1, 0.5, 1, 2, 5, 10, 20, 50)
COLOURS = (
    *("#bfe3f2", "#74c0e8", "#2f8fd0", "#1f5fae"),
    *("#f5d64a", "#f19a38", "#df4b32", "#a3228c"),
)
MISSING = "#d9d9d9"
MILLISECONDS, LONGER = 250, 1200
# Whose probability is drawn, mm/h.
DRAWN = 1.0


def write_film(
    path: pathlib.Path,
    history: Float[np.ndarray, "past rows columns"],
    moments: Float[np.ndarray, " past"],
    nowcast: Nowcast,
) -> None:
    """Write a GIF of the observed frames and of those ahead, in dBZ, as rain rates."""
    pictures = [
        _picture(nowcast, seconds, frame, None)
        for seconds, frame in zip(moments, history, strict=True)
    ]
    for index, seconds in enumerate(nowcast.times):
        likely = None
        if nowcast.likely is not None and DRAWN in nowcast.thresholds:
            likely = nowcast.likely[index, ..., nowcast.thresholds.index(DRAWN)]
        field = nowcast.matched if nowcast.reached is None else nowcast.reached
        pictures.append(_picture(nowcast, seconds, field[index], likely))
    save_gif(path, pictures, [MILLISECONDS] * (len(pictures) - 1) + [LONGER])


def _picture(
    nowcast: Nowcast, seconds: float, dbz: np.ndarray, likely: np.ndarray | None
) -> Image.Image:
    """Return one frame: the rain rate, and beside it the probability."""
    beside = nowcast.likely is not None
    figure, panels = plt.subplots(
        *(1, 1 + beside),
        figsize=(4 + 4 * beside, 4.4),
        dpi=80,
        layout="constrained",
        squeeze=False,
    )
    minutes = round((seconds - nowcast.start) / 60)
    what = f"forecast, +{minutes} min" if minutes > 0 else "observed"
    figure.suptitle(f"{times.in_words(seconds)} UTC, {what}", fontsize=11)
    colours = ListedColormap(COLOURS).with_extremes(under="white", bad=MISSING)
    shown = panels[0, 0].imshow(
        rain_rate(dbz),
        cmap=colours,
        norm=BoundaryNorm(EDGES, len(COLOURS), extend="max"),
    )
    _finish(figure, panels[0, 0], shown, "mm/h")
    if beside:
        field = np.zeros_like(dbz) if likely is None else likely
        shown = panels[0, 1].imshow(
            np.where(np.isnan(dbz), np.nan, field),
            cmap=plt.colormaps["BuPu"].with_extremes(bad=MISSING),
            vmin=0,
            vmax=1,
        )
        label = f"probability of {DRAWN:g} mm/h or more"
        _finish(figure, panels[0, 1], shown, label)
        if likely is None:
            panels[0, 1].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return Image.open(buffer).convert("P", palette=Image.Palette.ADAPTIVE)


def _finish(figure, panel, shown, label: str) -> None:
    panel.set_xticks([])
    panel.set_yticks([])
    figure.colorbar(shown, ax=panel, label=label, orientation="horizontal", shrink=0.8)
