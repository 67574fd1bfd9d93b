"""Measure how far one cell of the output looks, by depth, beside the formula.

    python benchmarks/experiments/reach.py [--output runs/reach]

Networks of 1 to 6 blocks, with random parameters, run on a line of cells. The reach is
the distance to the farthest cell with any influence, by gradient. The root mean square
in the norm, which all cells share, is held fixed. docs/model.md has the proof of the
formula that is drawn beside it. Writes reach.json and reach.svg.
"""

import math

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
from flax import linen as nn
from outcome import parser, set_style, write

from adr_jax.models import measurement
from adr_jax.models.adrnet import ADRNet
from adr_jax.models.layers import Norm
from adr_jax.options import ModelOptions

CELLS = 512
DEPTHS = range(1, 7)
# Displacement of every block, in cells; None is the CNN, which has no transport.
DISPLACEMENTS = (None, 2.5, 10.5, 30.5)
COLORS = ("#999999", "#0072b2", "#009e73", "#d55e00")


def main() -> None:
    arguments = parser(__doc__, "reach").parse_args()
    rows = []
    print("displacement  blocks  longest u  measured  formula")
    for displacement in DISPLACEMENTS:
        for blocks in DEPTHS:
            measured, longest = measure(blocks, displacement)
            formula = blocks * (4 + math.ceil(longest))
            rows.append(
                {
                    "displacement": displacement,
                    "blocks": blocks,
                    "longest": longest,
                    "measured": measured,
                    "formula": formula,
                }
            )
            print(
                f"{displacement!s:>12}  {blocks:6}  {longest:9.2f}  {measured:8}  "
                f"{formula:7}"
            )
    write("reach", arguments, {"rows": rows}, draw(rows))


def measure(blocks: int, displacement: float | None) -> tuple[int, float]:
    """Return the reach in cells, and the longest displacement of a block."""
    options = ModelOptions(
        channels=4,
        num_blocks=blocks,
        transport="none" if displacement is None else "push",
        boundary="periodic",
        head="frames",
    )
    network = ADRNet(options)
    history = jax.random.normal(jax.random.key(0), (1, 1, CELLS, 1))
    params: dict = {"params": network.init(jax.random.key(1), history)["params"]}
    if displacement is not None:  # per unit of time, of which a block has a share
        last = params["params"]["blocks"]["velocity"]["Conv_2"]["Conv_0"]
        last["bias"] = last["bias"] + displacement * blocks

    def output_cell(history):
        with nn.intercept_methods(hold_norm):
            frames = jnp.asarray(network.apply(params, history))
        return frames[0, 0, CELLS // 2, 0]

    influence = jax.grad(output_cell)(history)
    seen = jnp.flatnonzero(influence[0, 0, :, 0]) - CELLS // 2
    longest = 0.0
    if displacement is not None:
        u = measurement.block_displacements(network, params, history)
        longest = float(jnp.abs(u).max())
    return int(jnp.abs(seen).max()), longest


def hold_norm(call, arguments, options, context):
    """Apply a norm, its root mean square a constant of differentiation."""
    if not isinstance(context.module, Norm):
        return call(*arguments, **options)
    (z,) = arguments
    return z * jax.lax.stop_gradient(call(z) / z)


def draw(rows: list[dict]):
    """Draw the measured reach as points, the formula as lines."""
    set_style(font_size=10)
    figure, axes = plt.subplots(figsize=(8, 4), layout="tight")
    for displacement, color in zip(DISPLACEMENTS, COLORS, strict=True):
        chosen = [row for row in rows if row["displacement"] == displacement]
        blocks = [row["blocks"] for row in chosen]
        name = "CNN" if displacement is None else f"ADRNet, u = {displacement:g} cells"
        axes.plot(blocks, [row["formula"] for row in chosen], color=color, label=name)
        axes.plot(blocks, [row["measured"] for row in chosen], "o", color=color)
    axes.set(xlabel="blocks", ylabel="reach in cells", yscale="log")
    axes.legend(
        title="points: measured; lines: formula",
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )
    return figure


if __name__ == "__main__":
    main()
