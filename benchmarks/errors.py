"""Where a rollout's error lies: its size step by step, and what wavelengths it has.

    python benchmarks/errors.py --workdir runs/shallow_water_fine [W2 ...]

On the validation split, one rollout of each trajectory to its end. Beside the nRMSE of
each step: that of the part of the error that all eight reflections and turns of the
square share, where the data have that symmetry; that of the error of the total alone;
and the share of the error's energy by wavelength.
"""

import argparse
import itertools
import sys

import jax
import numpy as np

from adr_jax import data
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.training import checkpoint

STEPS = (1, 10, 50, 91)
# Bounds of the wavelengths, in cells: the shortest is that of a checkerboard.
BANDS = (np.inf, 64, 32, 16, 8, 4, 0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workdir", nargs="+", required=True)
    parser.add_argument("--trajectories", type=int, default=8)
    arguments = parser.parse_args()
    for workdir in arguments.workdir:
        report(checkpoint.load(workdir), arguments.trajectories)


def report(run: checkpoint.Run, count: int) -> None:
    """Prints the table of one run."""
    data.prepare(run.config.data)
    dataset = data.load(run.config.data)
    past, length = run.config.data.history, dataset.trajectories.lengths[0]
    windows = Windows(dataset, "validation", length)
    films = windows.read(np.arange(min(count, len(windows))))
    forecast = physical_rollout(run.model.apply, run.statistics, past)
    frames = jax.jit(forecast, static_argnums=2)(
        run.params, films[:, :past], length - past
    )
    target = films[:, past:]
    errors = np.asarray(frames) - target
    size = np.sqrt(np.mean(np.square(target), axis=(2, 3, 4)))

    def nrmse(part):
        return np.sqrt(np.mean(np.square(part), axis=(2, 3, 4))) / size

    parts = {
        "nRMSE": nrmse(errors),
        "symmetric": nrmse(symmetric(errors)),
        "of the total": nrmse(np.mean(errors, axis=(2, 3), keepdims=True)),
    }
    bands = [f"{upper:g} to {lower:g}" for upper, lower in itertools.pairwise(BANDS)]
    print(f"{run.workdir}: step {run.record['step']}, {len(films)} of {dataset.name}")
    print(f"| step | {' | '.join([*parts, *bands])} |")
    print("|---" * (1 + len(parts) + len(bands)) + "|")
    for step in (s for s in STEPS if s <= length - past):
        sizes = [f"{np.mean(part[:, step - 1]):.2e}" for part in parts.values()]
        shares = [f"{share:.0%}" for share in spectrum(errors[:, step - 1])]
        print(f"| {step} | {' | '.join(sizes + shares)} |")
    means = ", ".join(f"{name} {np.mean(part):.2e}" for name, part in parts.items())
    print(f"mean of all steps: {means}\n")


def symmetric(errors: np.ndarray) -> np.ndarray:
    """The mean over the eight symmetries of the square; (n, time, y, x, channels)."""
    turned = (errors, np.swapaxes(errors, 2, 3))
    flips = itertools.product(turned, (1, -1), (1, -1))
    return np.mean([e[:, :, ::y, ::x] for e, y, x in flips], axis=0)


def spectrum(errors: np.ndarray) -> list[float]:
    """Share of the energy of (n, y, x, channels) between each two of BANDS."""
    power = np.sum(np.square(np.abs(np.fft.fft2(errors, axes=(1, 2)))), axis=(0, 3))
    frequencies = (np.fft.fftfreq(n) for n in power.shape)
    wavenumber = np.hypot(*np.meshgrid(*frequencies, indexing="ij"))
    edges = [0 if np.isinf(band) else np.divide(1, band) for band in BANDS[:-1]]
    edges.append(np.inf)
    total = np.sum(power)
    return [
        float(np.sum(power[(wavenumber >= low) & (wavenumber < high)]) / total)
        for low, high in itertools.pairwise(edges)
    ]


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
