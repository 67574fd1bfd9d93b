"""Measure the orders of Lie and Strang splitting, in theory and on the grid.

    python benchmarks/experiments/splitting.py [--output docs/images/splitting.svg]

The problem is `q_t + (a(x) q)_x = kappa q_xx + r(x) q` on a periodic line of 128 cells,
in float64: three processes of which no two commute. The truth is the matrix exponential
of all three together, by Fourier differentiation. The table has the largest error at
time 1.
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from outcome import parser, set_style, write_figure
from scipy.linalg import expm

from adr_jax import push
from adr_jax.operators.diffusion import diffuse
from adr_jax.operators.splitting import lie, strang

CELLS, KAPPA = 128, 0.002
CENTRES = np.arange(CELLS) / CELLS
STEPS = [8, 16, 32, 64, 128, 256, 512]


def speed(position):
    return 0.25 + 0.1 * np.sin(2 * np.pi * position)


def growth(position):
    return 0.8 * np.cos(2 * np.pi * position)


def matrices() -> list[np.ndarray]:
    """Return advection, diffusion and reaction as matrices."""
    wave = 2j * np.pi * np.fft.fftfreq(CELLS, 1 / CELLS)
    wave[CELLS // 2] = 0  # the shortest wave has no derivative on the grid
    modes = np.fft.fft(np.eye(CELLS), axis=0)
    derivative = np.fft.ifft(wave[:, None] * modes, axis=0).real
    return [
        -derivative @ np.diag(speed(CENTRES)),
        KAPPA * derivative @ derivative,
        np.diag(growth(CENTRES)),
    ]


def on_matrices(split, part):
    """Return a split step of matrices: `part(matrix, h)` is a process over time h."""
    cache = {}

    def process(matrix):
        def step(q, h):
            key = id(matrix), h
            if key not in cache:
                cache[key] = part(matrix, h)
            return cache[key] @ q

        return step

    return split(*map(process, matrices()))


def on_grid(split):
    """Return a split step of push, diffusion and exact reaction on the grid."""

    def advect(q, h):
        arrival = CENTRES
        # The midpoint rule, whose errors are far below those of the rest.
        for _ in range(64):
            middle = arrival + h / 128 * speed(arrival)
            arrival = arrival + h / 64 * speed(middle)
        u = jnp.asarray(CELLS * (arrival - CENTRES))[None, :, None]
        return push(q[None, :, None], u, boundary="periodic", order=3)[0, :, 0]

    def spread(q, h):
        amount = h * KAPPA * CELLS**2
        return diffuse(q[None, :, None], amount, method="exact", boundary="periodic")[
            0, :, 0
        ]

    def react(q, h):
        return q * jnp.exp(h * growth(CENTRES))

    return split(advect, spread, react)


def errors(step) -> list[float]:
    """Return the largest error at time 1 for each of STEPS."""
    start = np.exp(-(((CENTRES - 0.3) / 0.08) ** 2))
    truth = expm(sum(matrices())) @ start
    found = []
    for count in STEPS:
        state = start
        for _ in range(count):
            state = step(state, 1 / count)
        found.append(float(np.abs(state - truth).max()))
    return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--output", type=pathlib.Path, help="also draw the errors into this file"
    )
    arguments = options.parse_args()
    jax.config.update("jax_enable_x64", True)

    def euler(matrix, h):
        return np.eye(CELLS) + h * matrix

    schemes = {
        "Lie, exact parts": on_matrices(lie, lambda m, h: expm(h * m)),
        "Strang, exact parts": on_matrices(strang, lambda m, h: expm(h * m)),
        "Strang, Euler parts": on_matrices(strang, euler),
        "Lie, on the grid": on_grid(lie),
        "Strang, on the grid": on_grid(strang),
    }
    print(f"{'':22}" + "".join(f"{n:>5} steps" for n in STEPS))
    rows = {}
    for name, step in schemes.items():
        rows[name] = errors(step)
        shown = "".join(f"{value:11.2e}" for value in rows[name])
        print(f"{name:22}{shown}", flush=True)
    if arguments.output:
        write_figure(draw(rows), arguments.output)


def draw(rows: dict):
    import matplotlib.pyplot as plt

    set_style(font_size=10)
    figure, axes = plt.subplots(figsize=(6.5, 4), layout="tight")
    styles = ("--o", "-o", "-^", "--s", "-s")
    colours = ("#0072b2", "#0072b2", "#999999", "#d55e00", "#d55e00")
    for (name, row), style, colour in zip(rows.items(), styles, colours, strict=True):
        axes.loglog(STEPS, row, style, color=colour, label=name, markersize=4)
    axes.set(xlabel="steps to time 1", ylabel="largest error", ylim=(1e-7, 1))
    axes.set_xticks(STEPS, [str(n) for n in STEPS])
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=8)
    return figure


if __name__ == "__main__":
    main()
