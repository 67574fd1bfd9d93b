"""The figures of a report: pure functions from arrays to SVG text.

Conventions: a field is `(rows, columns, channels)` and is drawn as it is stored, row 0
on top; a displacement is in grid cells, `[..., 0]` down the rows and `[..., 1]` along
the columns. Text and axes are drawn in `INK` on `PAPER`, two colours nothing else
uses, so that a page can put its own in their place (see `inline`).
"""

import html
import io
import math
import re
from collections.abc import Mapping

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from adr_jax.evaluation.numerals import numeral

INK, PAPER = "#1b1f24", "#fefefd"
# Blue, orange and green that colour-blind readers can tell apart, each readable on
# white and on near-black; the dashes tell them apart without colour.
STYLES = (("#2f7fc1", "-"), ("#c8620a", "--"), ("#1f8f6f", "-."), ("#a0569b", ":"))
FIELD_MAP, ERROR_MAP = "viridis", "RdBu_r"
ARROW = "#d1500a"

_RC: dict = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": PAPER,
    "font.size": 8.0,
    "grid.alpha": 0.18,
    "grid.color": INK,
    "grid.linewidth": 0.5,
    "image.interpolation": "none",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "adr_jax",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
_NO_METADATA: dict = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def curves(
    series: Mapping[str, tuple], *, x_label: str, y_label: str, log: bool = True
) -> str:
    """Draws named lines, each a pair (x, y); points that are not finite are left out.

    With `log`, the y axis is logarithmic, and points that are not positive are left
    out too.
    """
    with matplotlib.rc_context(_RC):
        figure = Figure(figsize=(3.7, 2.6), layout="constrained")
        axes = figure.add_subplot(xlabel=x_label, ylabel=y_label)
        for index, (name, (x, y)) in enumerate(series.items()):
            x, y = np.asarray(x, float), np.asarray(y, float)
            shown = np.isfinite(y) & ((y > 0) | (not log))
            color, dashes = STYLES[index % len(STYLES)]
            marker = "." if shown.sum() <= 25 else None
            line = {"color": color, "linestyle": dashes, "linewidth": 1.4}
            axes.plot(x[shown], y[shown], marker=marker, label=name, **line)
        if log:
            _logarithmic(axes)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.grid(True, which="major")
        if len(series) > 1:
            axes.legend(handlelength=3.2)
        return _svg(figure)


def frames(
    steps: np.ndarray,
    target: Float[np.ndarray, "k rows columns"],
    forecast: Float[np.ndarray, "k rows columns"],
    *,
    unit: str = "",
) -> str:
    """Draws target, forecast and their difference, a column for each forecast step.

    Targets and forecasts share one colour scale, the range of the targets, which a
    forecast may leave (the colour bar is then pointed). Each error has a scale of
    its own, symmetric about zero, since errors grow by orders of magnitude.
    """
    target, forecast = np.asarray(target, float), np.asarray(forecast, float)
    error = forecast - target
    low, high = _range(target)
    rows = ("target", "forecast", "forecast − target")
    with matplotlib.rc_context(_RC):
        figure = _panels(3, len(steps), target.shape[1:])
        grid = figure.subplots(3, len(steps), squeeze=False)
        for j, step in enumerate(steps):
            grid[0, j].set_title(f"step {step}")
            for i, field in enumerate((target[j], forecast[j])):
                image = grid[i, j].imshow(field, FIELD_MAP, vmin=low, vmax=high)
            limit = _peak(error[j]) or 1.0
            difference = grid[2, j].imshow(error[j], ERROR_MAP, vmin=-limit, vmax=limit)
            _error_bar(figure, difference, grid[2, j], limit)
        for axes, name in zip(grid[:, 0], rows, strict=True):
            axes.set_ylabel(name)
        for axes in grid.flat:
            _bare(axes)
        outside = _outside(forecast, low, high)
        bar = figure.colorbar(image, ax=grid[:2], extend=outside, aspect=30, pad=0.02)
        _dress(bar, label=unit)
        return _svg(figure)


def displacements(
    background: Float[np.ndarray, "rows columns"],
    displacement: Float[np.ndarray, "blocks rows columns groups 2"],
) -> str:
    """Draws each block's displacement, averaged over its groups, as arrows on a field.

    Arrows show direction and, within a panel, relative length; the title gives the
    scale: the largest length of the average, in cells.
    """
    displacement = np.asarray(displacement, float)
    blocks = len(displacement)
    across = min(blocks, 3)
    down = math.ceil(blocks / across)
    with matplotlib.rc_context(_RC):
        figure = _panels(down, across, background.shape)
        grid = figure.subplots(down, across, squeeze=False).flat
        for block, axes in enumerate(grid):
            _bare(axes)
            if block >= blocks:
                axes.set_visible(False)
                continue
            mean = displacement[block].mean(axis=2)
            draw_displacement(axes, background, mean)
            length = _peak(np.linalg.norm(mean, axis=-1))
            axes.set_title(f"block {block + 1}: max |u| = {numeral(length)} cells")
        return _svg(figure)


def draw_displacement(
    axes: Axes,
    background: Float[np.ndarray, "rows columns"],
    displacement: Float[np.ndarray, "rows columns 2"],
) -> None:
    """Draws a field in grey and a displacement as arrows over it, about 20 a side."""
    low, high = _range(background)
    # A range wider than the field's keeps it pale: the arrows stand out in any place.
    margin = high - low
    axes.imshow(background, "gray_r", vmin=low - 0.2 * margin, vmax=high + margin)
    spacing = math.ceil(max(displacement.shape[:2]) / 20)
    lengths = np.linalg.norm(displacement, axis=-1)
    x, y, dx, dy = arrows(displacement, spacing)
    # angles="xy" gives arrows in the coordinates of the image, whose y points down;
    # matplotlib's default would give them in those of the screen, whose y points up.
    axes.quiver(
        x,
        y,
        dx,
        dy,
        angles="xy",
        scale_units="xy",
        scale=(_peak(lengths) or 1.0) / (1.5 * spacing),
        pivot="tail",
        color=ARROW,
        width=0.005,
        minlength=0.1,
    )


def arrows(displacement: Float[np.ndarray, "rows columns 2"], spacing: int) -> tuple:
    """Thins a displacement to one arrow for every `spacing` by `spacing` cells.

    Returns (x, y, dx, dy) in the coordinates of an image, in cells: x along columns
    and y down rows, so that a displacement (u_0, u_1) becomes (dx, dy) = (u_1, u_0).
    Each arrow is that of the cell it starts from, not an average.
    """
    rows, columns = displacement.shape[:2]
    start = spacing // 2
    y, x = np.mgrid[start:rows:spacing, start:columns:spacing]
    dy, dx = np.moveaxis(displacement[y, x], -1, 0)
    return x, y, dx, dy


def inline(svg: str, *, name: str, alt: str) -> str:
    """Prepares SVG text for a page: its ink, no paper, an alternative text.

    `name` keeps the identifiers of several figures on one page apart.
    """
    ((view, width),) = re.findall(r'<svg[^>]*(viewBox="[^"]* ([0-9.]+) [0-9.]+")', svg)
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    # Of its many identifiers, only those referred to are needed, apart from others'.
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", body)
    body = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", body)
    body = body.replace(INK, "currentColor").replace(PAPER, "none")
    # A figure grows with the page, to some 1.7 pixels a point.
    size = f'style="--width: {1.7 * float(width):.0f}px"'
    return f'<svg {view} {size} role="img" aria-label="{html.escape(alt)}">{body}'


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", dpi=144, bbox_inches="tight", metadata=_NO_METADATA
    )
    return buffer.getvalue()


def _panels(down: int, across: int, shape: tuple) -> Figure:
    """A figure for `down` by `across` fields with room for titles and colour bars."""
    width = max(min(8.0, 2.7 * across), 1.6 * across)
    height = down * (0.4 + width / across * shape[0] / shape[1])
    return Figure(figsize=(width, height), layout="compressed")


def _bare(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, linewidth=0.4, alpha=0.5)


def _error_bar(figure: Figure, image, axes: Axes, limit: float) -> None:
    bar = figure.colorbar(
        image, ax=axes, orientation="horizontal", aspect=18, pad=0.03, shrink=0.98
    )
    _dress(bar)
    bar.set_ticks(
        [-limit, 0, limit], labels=[f"−{numeral(limit)}", "0", numeral(limit)]
    )
    sides = ("left", "center", "right")
    # Outer numbers end with the bar, lest they meet those of the next panel.
    for text, side in zip(bar.ax.get_xticklabels(), sides, strict=True):
        text.set_horizontalalignment(side)


def _dress(bar, label: str = "") -> None:
    bar.outline.set_visible(False)
    bar.solids.set_rasterized(True)
    bar.ax.tick_params(width=0.5, length=2)
    bar.set_label(label)


def _logarithmic(axes: Axes) -> None:
    """Sets a logarithmic y axis, with numbers between decades where few are shown."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    subs = (1.0,) if high / low > 50 else (1.0, 2.0, 5.0)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.6g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda y, _: ""))


def _range(field: np.ndarray) -> tuple[float, float]:
    """Least and greatest finite value, an interval of some width in any case."""
    finite = field[np.isfinite(field)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def _outside(field: np.ndarray, low: float, high: float) -> str:
    below, above = bool((field < low).any()), bool((field > high).any())
    return {(0, 0): "neither", (1, 0): "min", (0, 1): "max"}.get((below, above), "both")


def _peak(values: np.ndarray) -> float:
    """Greatest finite magnitude, 0 where there is none."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
