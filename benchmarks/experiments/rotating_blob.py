"""Measure the error of the operators, without a network, on a blob with a solution.

    python benchmarks/experiments/rotating_blob.py
        [--output docs/images/rotating_blob.svg]

A Gaussian turns half a circle about the middle while it diffuses and decays; its
solution is known. Every step is `lie(advect, diffuse, react)` of adr_jax's operators.
The displacement of the solid rotation is exact: forwards in time for push, backwards
for pull. The table has the largest error over the blob's largest value at the end, by
cells and steps.
"""

import itertools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from outcome import parser, set_style, write_figure

from adr_jax import pull, push
from adr_jax.operators.diffusion import diffuse
from adr_jax.operators.splitting import lie

# Lengths in sides of the square, time in half turns.
START, VARIANCE, DIFFUSIVITY, DECAY = (0.3, 0.5), 0.005, 0.001, 0.5
TRANSPORTS = {"push": (push, 1), "pull": (pull, -1)}  # operator, direction in time


def blob(cells: int, time: float) -> jax.Array:
    """Return the solution, (1, cells, cells, 1)."""
    angle = np.pi * time
    centres = (np.arange(cells) + 0.5) / cells
    from_middle = np.array(START) - 0.5
    middle = 0.5 + rotation(angle) @ from_middle
    square = (centres[:, None] - middle[0]) ** 2 + (centres[None] - middle[1]) ** 2
    spread = VARIANCE + 2 * DIFFUSIVITY * time
    height = VARIANCE / spread * np.exp(-DECAY * time)
    return jnp.asarray(height * np.exp(-square / (2 * spread)))[None, ..., None]


def rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def error(transport: str, order: int, cells: int, steps: int) -> float:
    """Return the largest error after half a turn, over the largest value."""
    h = 1 / steps
    offset = np.moveaxis(np.indices((cells, cells)), 0, -1) - (cells - 1) / 2
    operator, direction = TRANSPORTS[transport]
    turn = rotation(direction * np.pi * h)
    u = jnp.asarray(offset @ (turn - np.eye(2)).T)[None]

    def advect(q, _):
        return operator(q, u, order=order)

    def spread(q, h):
        return diffuse(q, h * DIFFUSIVITY * cells**2, method="exact")

    def decay(q, h):
        return jnp.exp(-DECAY * h) * q

    step = lie(advect, spread, decay)
    march = jax.jit(
        lambda q: jax.lax.scan(lambda q, _: (step(q, h), None), q, length=steps)[0]
    )
    truth = blob(cells, 1.0)
    return float(jnp.abs(march(blob(cells, 0.0)) - truth).max() / truth.max())


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--output", type=pathlib.Path, help="also draw the errors into this file"
    )
    options.add_argument("--cells", type=int, nargs="+", default=[32, 64, 128])
    options.add_argument("--steps", type=int, nargs="+", default=[8, 16, 32, 64, 128])
    arguments = options.parse_args()
    jax.config.update("jax_enable_x64", True)  # rounding does not count
    errors = {}
    print(
        "transport  order  cells  "
        + "  ".join(f"{n:>4} steps" for n in arguments.steps)
    )
    for transport, order, cells in itertools.product(
        TRANSPORTS, (1, 3), arguments.cells
    ):
        row = [error(transport, order, cells, steps) for steps in arguments.steps]
        errors[transport, order, cells] = row
        shown = "  ".join(f"{value:10.2e}" for value in row)
        print(f"{transport:>9}  {order:>5}  {cells:>5}  {shown}", flush=True)
    if arguments.output:
        write_figure(draw(errors, arguments.steps), arguments.output)


def draw(errors: dict, steps: list[int]):
    import matplotlib.pyplot as plt

    set_style(font_size=10)
    figure, panels = plt.subplots(1, 2, figsize=(10, 3.6), layout="tight", sharey=True)
    colours = ("#d55e00", "#009e73", "#0072b2", "#cc79a7")
    sizes = sorted({cells for _, _, cells in errors})
    for axes, transport in zip(panels, TRANSPORTS, strict=True):
        for (name, order, cells), row in errors.items():
            if name == transport:
                axes.loglog(
                    steps,
                    row,
                    {1: "--o", 3: "-s"}[order],
                    color=colours[sizes.index(cells) % len(colours)],
                    label=f"{cells} cells, order {order}",
                    markersize=4,
                )
        axes.set(title=transport, xlabel="steps for half a turn")
        axes.set_xticks(steps, [str(n) for n in steps])
        axes.minorticks_off()
    panels[0].set_ylabel("largest error / largest value")
    panels[1].legend(
        frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5)
    )
    return figure


if __name__ == "__main__":
    main()
