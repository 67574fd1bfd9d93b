"""Figures of push.md and motion.md; `python docs/figures.py` draws them."""

import pathlib

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

import adr_jax

IMAGES = pathlib.Path(__file__).parent / "images"
# Distinct without colour vision.
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#999999"


def main() -> None:
    """Draw all figures into docs/images."""
    plt.rcParams |= {"font.size": 10, "svg.hashsalt": "adr_jax", "savefig.dpi": 120}
    IMAGES.mkdir(exist_ok=True)
    for draw in (one_cell, push_against_pull, boundaries, orders, motion):
        figure = draw()
        figure.savefig(IMAGES / f"{draw.__name__}.svg", metadata={"Date": None})
        plt.close(figure)
        print(IMAGES / f"{draw.__name__}.svg")


def grid(axes, values, title):
    """Draw a small field with its values, rows downward."""
    rows, columns = values.shape
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1.4)
    for (row, column), value in np.ndenumerate(values):
        if value:
            axes.text(column, row, f"{value:.3g}", ha="center", va="center")
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=GREY, linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    axes.set(title=title, xlabel="column, axis 1", ylabel="row, axis 0")
    axes.set_xticks(range(columns))
    axes.set_yticks(range(rows))


def arrow(axes, start, move):
    """Draw an arrow from the middle of cell `start` by `move`, both (rows, columns)."""
    axes.annotate(
        "",
        xy=(start[1] + move[1], start[0] + move[0]),
        xytext=(start[1], start[0]),
        arrowprops={"arrowstyle": "-|>", "color": ORANGE, "linewidth": 2},
    )


def one_cell():
    """Draw one full cell before and after a push."""
    x = np.zeros((5, 6), np.float32)
    x[1, 1] = 1
    move = (2.25, 3.5)
    u = np.broadcast_to(np.array(move, np.float32), (5, 6, 2))
    figure, (before, after) = plt.subplots(1, 2, figsize=(9, 3.6), layout="tight")
    grid(before, x, "x, and u = (2.25, 3.5) at its one full cell")
    arrow(before, (1, 1), move)
    grid(after, np.asarray(adr_jax.push(x[..., None], u))[..., 0], "push(x, u)")
    return figure


def push_against_pull():
    """Draw a stretched field: push keeps the sum, pull keeps the values."""
    n = 60
    cells = np.arange(n)
    x = np.exp(-(((cells - 30) / 9.0) ** 2)).astype(np.float32)[:, None]
    u = (0.3 * (cells - 30)).astype(np.float32)[:, None]  # away from the middle
    pushed = adr_jax.push(x, u)
    figure, axes = plt.subplots(figsize=(9, 3.2), layout="tight")
    curves = {
        "x": (x, GREY, ":"),
        "push(x, u)": (pushed, BLUE, "-"),
        "push(x, u) / push(1, u)": (pushed / adr_jax.push(x * 0 + 1, u), GREEN, "-."),
        "pull(x, -u)": (adr_jax.pull(x, -u), ORANGE, "--"),
    }
    for name, (values, colour, style) in curves.items():
        label = f"{name}, sum {float(jnp.sum(values)):.1f}"
        axes.plot(cells, values, style, color=colour, label=label)
    axes.set(xlabel="cell", ylabel="content", title="u = 0.3 (cell - 30)")
    axes.legend(loc="upper left", frameon=False)
    return figure


def boundaries():
    """Draw one cell pushed over the edge under each boundary rule."""
    rules = ("clamp", "periodic", "reflect", "open")
    x = np.zeros((3, 6), np.float32)
    x[1, 4] = 1
    u = np.broadcast_to(np.array([0, 2.75], np.float32), (3, 6, 2))
    figure, panels = plt.subplots(2, 2, figsize=(9, 4.8), layout="tight")
    for axes, rule in zip(panels.flat, rules, strict=True):
        out = np.asarray(adr_jax.push(x[..., None], u, boundary=rule))[..., 0]
        grid(axes, out, f'boundary="{rule}", sum {out.sum():.3g}')
        arrow(axes, (0.7, 4), (0, 2.75))
        axes.set_xlim(-0.5, 7.2)
    return figure


def orders():
    """Draw a step and a bump after a hundred pushes by 0.3 cells."""
    n, count = 100, 100
    cells = np.arange(n)
    x = np.where((cells > 10) & (cells < 30), 1.0, 0.0)
    x = (x + np.exp(-(((cells - 55) / 3.0) ** 2))).astype(np.float32)[:, None]
    u = np.full((n, 1), 0.3, np.float32)
    figure, axes = plt.subplots(figsize=(9, 3.2), layout="tight")
    axes.plot(cells, np.roll(x, 30), ":", color=GREY, label="exact")
    for order, colour, style in ((1, ORANGE, "--"), (3, BLUE, "-")):
        moved = x
        for _ in range(count):
            moved = adr_jax.push(moved, u, boundary="periodic", order=order)
        axes.plot(cells, moved, style, color=colour, label=f"order={order}")
    axes.set(xlabel="cell", ylabel="content", title="100 pushes by 0.3 cells")
    axes.legend(frameon=False)
    return figure


def motion():
    """Draw the last of four frames, their motion, and two leads along it."""
    n, seen, leads = 160, slice(40, 120), (4, 12)
    rng = np.random.default_rng(2)
    waves = rng.normal(size=(n, n, 1)).astype(np.float32)
    scene = np.asarray(adr_jax.pull(waves, np.zeros((n, n, 2), np.float32)))
    for _ in range(40):  # smooth
        for axis in (0, 1):
            scene = (np.roll(scene, 1, axis) + 2 * scene + np.roll(scene, -1, axis)) / 4
    scene = np.maximum(scene / scene.std(), 0)
    rows, columns = np.mgrid[:n, :n] - n / 2
    true = np.stack([0.8 - 0.02 * columns, 1.6 + 0.02 * rows], -1).astype(np.float32)
    count = 3 + leads[-1]
    film = adr_jax.extrapolate(scene, true, count, order=3, boundary="clamp")
    film = np.concatenate([scene[None], film])[:, seen, seen]
    u = np.asarray(adr_jax.estimate_motion(film[:4]))
    ahead = np.asarray(adr_jax.extrapolate(film[3], u, leads[-1]))
    figure, panels = plt.subplots(
        1, 4, figsize=(11, 3.3), layout="constrained", sharey=True
    )
    shown = {"last of four frames, and u": film[3]}
    shown |= {f"extrapolate, {lead} intervals": ahead[lead - 1] for lead in leads}
    shown |= {f"observed, after {leads[-1]} intervals": film[3 + leads[-1]]}
    for axes, (title, values) in zip(panels, shown.items(), strict=True):
        axes.set_facecolor("#dddddd")
        axes.imshow(values[..., 0], cmap="Blues", vmin=0, vmax=3, rasterized=True)
        axes.set_title(title, fontsize=9)
        axes.set(xticks=[], yticks=[])
    y, x = np.mgrid[5:80:10, 5:80:10]
    for field, colour, label, width in (
        (true[seen, seen], GREY, "true", 0.012),
        (u, ORANGE, "measured", 0.005),
    ):
        v = field[y, x]
        panels[0].quiver(
            *(x, y, v[..., 1], v[..., 0]),
            **{"angles": "xy", "scale_units": "xy", "scale": 0.3},
            **{"color": colour, "width": width, "label": label},
        )
    handles, labels = panels[0].get_legend_handles_labels()
    grey = Rectangle((0, 0), 1, 1, color="#dddddd")
    figure.legend(
        *([*handles, grey], [*labels, "not known: came from outside"]),
        **{"loc": "outside lower center", "ncols": 3, "frameon": False, "fontsize": 9},
    )
    return figure


if __name__ == "__main__":
    main()
