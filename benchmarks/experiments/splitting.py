"""Lie and Strang splitting: the order that theory promises, and what is left of it.

    python benchmarks/experiments/splitting.py [--output docs/images/splitting.svg]

`q_t + (a(x) q)_x = kappa q_xx + r(x) q` on a periodic line of 128 cells, in float64:
three processes of which no two commute. The truth is the matrix exponential of all
three together, by Fourier differentiation. Printed is the largest error at time 1.
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import expm

from adr_jax import push
from adr_jax.operators.diffusion import diffuse
from adr_jax.operators.splitting import lie, strang

CELLS, KAPPA = 128, 0.002
PLACE = np.arange(CELLS) / CELLS
STEPS = [8, 16, 32, 64, 128, 256, 512]


def speed(place):
    return 0.25 + 0.1 * np.sin(2 * np.pi * place)


def growth(place):
    return 0.8 * np.cos(2 * np.pi * place)


def matrices() -> list[np.ndarray]:
    """Advection, diffusion and reaction as matrices."""
    wave = 2j * np.pi * np.fft.fftfreq(CELLS, 1 / CELLS)
    wave[CELLS // 2] = 0  # the shortest wave has no derivative on the grid
    modes = np.fft.fft(np.eye(CELLS), axis=0)
    derivative = np.fft.ifft(wave[:, None] * modes, axis=0).real
    return [
        -derivative @ np.diag(speed(PLACE)),
        KAPPA * derivative @ derivative,
        np.diag(growth(PLACE)),
    ]


def on_matrices(split, part):
    """Steps of matrices: `part(matrix, h)` is a process over the time h."""
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
    """adr_jax's operators: push with exact displacements, diffusion, exact reaction."""

    def advect(q, h):
        place = PLACE
        for _ in range(64):  # Runge-Kutta's midpoint rule: exact beside the rest
            middle = place + h / 128 * speed(place)
            place = place + h / 64 * speed(middle)
        u = jnp.asarray(CELLS * (place - PLACE))[None, :, None]
        return push(q[None, :, None], u, boundary="periodic", order=3)[0, :, 0]

    def spread(q, h):
        amount = h * KAPPA * CELLS**2
        return diffuse(q[None, :, None], amount, method="exact", boundary="periodic")[
            0, :, 0
        ]

    def react(q, h):
        return q * jnp.exp(h * growth(PLACE))

    return split(advect, spread, react)


def errors(step) -> list[float]:
    start = np.exp(-(((PLACE - 0.3) / 0.08) ** 2))
    truth = expm(sum(matrices())) @ start
    found = []
    for count in STEPS:
        state = start
        for _ in range(count):
            state = step(state, 1 / count)
        found.append(float(np.abs(state - truth).max()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", help="also draw the errors into this file")
    arguments = parser.parse_args()
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
        draw(rows, arguments.output)


def draw(rows: dict, output: str) -> None:
    import matplotlib.pyplot as plt

    plt.rcParams |= {"font.size": 10, "svg.hashsalt": "adr_jax"}
    figure, axes = plt.subplots(figsize=(6.5, 4), layout="tight")
    styles = ("--o", "-o", "-^", "--s", "-s")
    colours = ("#0072b2", "#0072b2", "#999999", "#d55e00", "#d55e00")
    for (name, row), style, colour in zip(rows.items(), styles, colours, strict=True):
        axes.loglog(STEPS, row, style, color=colour, label=name, markersize=4)
    axes.set(xlabel="steps to time 1", ylabel="largest error", ylim=(1e-7, 1))
    axes.set_xticks(STEPS, [str(n) for n in STEPS])
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(output, metadata={"Date": None})


if __name__ == "__main__":
    main()
