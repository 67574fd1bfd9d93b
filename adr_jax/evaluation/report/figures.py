"""Charts as SVG text, and the colour maps of pictures.

Text and axes are drawn in `INK` on `PAPER`. Nothing else has these two colours, so
`inline` can replace them by those of the page.
"""

import html
import io
import re
from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

INK, PAPER = "#1b1f24", "#fefefd"
# Colours that colour-blind readers can tell apart, readable on white and on near-black.
# The dashes distinguish lines without colour.
STYLES: tuple = (
    ("#2f7fc1", "-"),
    ("#c8620a", "--"),
    ("#1f8f6f", "-."),
    ("#a0569b", ":"),
    ("#8b7d1a", (0, (5, 1))),
    ("#7d848d", (0, (3, 1, 1, 1, 1, 1))),
)
FIELD_MAP, ERROR_MAP = "viridis", "RdBu_r"

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
    series: Mapping[str, tuple],
    *,
    x_label: str,
    y_label: str,
    log: bool = True,
    x_log: bool = False,
    x_falls: bool = False,
) -> str:
    """Draw named lines, each a pair (x, y); points that are not finite are left out.

    With `log`, the y axis is logarithmic, and points that are not positive are left
    out. `x_log` makes the x axis logarithmic; `x_falls` inverts it. Where no point is
    left the axes say so.
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
            axes.plot(x[shown], y[shown], marker=marker, label=_short(name), **line)
        is_empty = not any(np.size(line.get_xdata()) for line in axes.lines)
        if is_empty:  # of which no axis can be logarithmic
            nothing = "no value above 0" if log else "no value is defined"
            axes.text(0.5, 0.5, nothing, transform=axes.transAxes, ha="center")
        elif log:
            axes.set_yscale("log")
            _number(axes.yaxis)
        if x_log and not is_empty:
            axes.set_xscale("log")
            _number(axes.xaxis)
        else:
            whole = all(float(x).is_integer() for xs, _ in series.values() for x in xs)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=whole))
        axes.xaxis.set_inverted(x_falls)
        axes.grid(True, which="major")
        if len(series) > 1:
            axes.legend(handlelength=3.2)
        return _svg(figure)


def inline(svg: str, *, name: str, alt: str) -> str:
    """Prepare SVG text for a page: in its colours, with an alternative text.

    `name` makes the identifiers of several figures on one page distinct.
    """
    ((view, width),) = re.findall(r'<svg[^>]*(viewBox="[^"]* ([0-9.]+) [0-9.]+")', svg)
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    # Keep only the identifiers that are referred to.
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", body)
    body = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", body)
    body = body.replace(INK, "currentColor").replace(PAPER, "none")
    # A figure grows with the page, to at most 1.7 pixels a point.
    size = f'style="--width: {1.7 * float(width):.0f}px"'
    return f'<svg {view} {size} role="img" aria-label="{html.escape(alt)}">{body}'


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", dpi=144, bbox_inches="tight", metadata=_NO_METADATA
    )
    return buffer.getvalue()


def _short(name: str, max_length: int = 28) -> str:
    """Return a name for the legend, cut at its start if it is too long."""
    return name if len(name) <= max_length else f"…{name[1 - max_length :]}"


def _number(axis: Axis) -> None:
    """Label a logarithmic axis; between decades too if it spans few of them."""
    low, high = sorted(axis.get_view_interval())
    subs = (1.0,) if high / low > 50 else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axis.set_major_formatter(FuncFormatter(_tick))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: ""))


def _tick(value: float, _: int) -> str:
    """Format a tick as tables do: 4.85e-3 for 0.00485, but 0.01 as it is."""
    if 0.01 <= abs(value) < 1e5:
        return f"{value:.6g}"
    mantissa, exponent = f"{value:.5e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"
