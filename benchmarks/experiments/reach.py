"""How far one cell of the output looks, against depth: measured and by formula.

    python benchmarks/experiments/reach.py [--output runs/reach]

Networks of 1 to 6 blocks on a line of cells, with random parameters; the reach is the
distance to the farthest cell whose value has any influence, by gradient. The norm's one
number, which all cells share, is held fixed. docs/model.md has the proof of the formula
that is drawn beside it. Writes reach.json and reach.svg.
"""

import argparse
import json
import math
import pathlib

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
from flax import linen as nn

from adr_jax.models.adrnet import ADRNet
from adr_jax.models.layers import Norm

CELLS = 512
DEPTHS = range(1, 7)
# Displacement of every block, in cells; None is the CNN, which has no transport.
DISPLACEMENTS = (None, 2.5, 10.5, 30.5)
COLORS = ("#999999", "#0072b2", "#009e73", "#d55e00")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=pathlib.Path, default="runs/reach")
    output = parser.parse_args().output
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
    output.mkdir(parents=True, exist_ok=True)
    (output / "reach.json").write_text(json.dumps(rows, indent=1) + "\n")
    draw(rows).savefig(output / "reach.svg", metadata={"Date": None})
    print(output / "reach.svg")


def measure(blocks: int, displacement: float | None) -> tuple[int, float]:
    """The reach in cells, and the longest displacement that a block made."""
    model = ADRNet(
        channels=4,
        num_blocks=blocks,
        transport="none" if displacement is None else "push",
        boundary="periodic",
        head="frames",
    )
    history = jax.random.normal(jax.random.key(0), (1, 1, CELLS, 1))
    params: dict = {"params": model.init(jax.random.key(1), history)["params"]}
    if displacement is not None:  # per unit of time, of which a block has a share
        last = params["params"]["blocks"]["velocity"]["Conv_2"]["Conv_0"]
        last["bias"] = last["bias"] + displacement * blocks

    def output_cell(history):
        with nn.intercept_methods(hold_norm):
            frames, sown = model.apply(params, history, mutable=["intermediates"])
        return frames[0, 0, CELLS // 2, 0], sown

    influence, sown = jax.grad(output_cell, has_aux=True)(history)
    seen = jnp.flatnonzero(influence[0, 0, :, 0]) - CELLS // 2
    longest = max((float(jnp.abs(u).max()) for u in jax.tree.leaves(sown)), default=0.0)
    return int(jnp.abs(seen).max()), longest


def hold_norm(call, arguments, options, context):
    """The norm with its root mean square as a constant of differentiation."""
    if not isinstance(context.module, Norm):
        return call(*arguments, **options)
    (z,) = arguments
    return z * jax.lax.stop_gradient(call(z) / z)


def draw(rows: list[dict]):
    """Measured reach as points, the formula as lines."""
    plt.rcParams |= {"font.size": 10, "svg.hashsalt": "adr_jax"}
    figure, axes = plt.subplots(figsize=(8, 4), layout="tight")
    for displacement, color in zip(DISPLACEMENTS, COLORS, strict=True):
        of = [row for row in rows if row["displacement"] == displacement]
        blocks = [row["blocks"] for row in of]
        name = "CNN" if displacement is None else f"ADRNet, u = {displacement:g} cells"
        axes.plot(blocks, [row["formula"] for row in of], color=color, label=name)
        axes.plot(blocks, [row["measured"] for row in of], "o", color=color)
    axes.set(xlabel="blocks", ylabel="reach in cells", yscale="log")
    axes.legend(
        title="points: measured; lines: formula",
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )
    return figure


if __name__ == "__main__":
    main()
