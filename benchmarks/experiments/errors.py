"""Where a rollout's error lies: its size step by step, and what wavelengths it has.

    python benchmarks/experiments/errors.py --workdir runs/shallow_water_fine [W2 ...]

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
from adr_jax.evaluation.metrics.fields import nrmse
from adr_jax.evaluation.metrics.spectra import radial_spectrum
from adr_jax.training import model as trained

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
        report(trained.load(workdir), arguments.trajectories)


def report(run: trained.TrainedModel, count: int) -> None:
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
    errors = np.asarray(frames, np.float64) - target  # so small a mean is kept
    parts = {
        "nRMSE": errors,
        "symmetric": symmetric(errors),
        "of the total": np.mean(errors, axis=(2, 3), keepdims=True),
    }
    parts = {name: nrmse(target + part, target) for name, part in parts.items()}
    bands = [f"{upper:g} to {lower:g}" for upper, lower in itertools.pairwise(BANDS)]
    print(f"{run.workdir}: step {run.record['step']}, {len(films)} of {dataset.name}")
    print(f"| step | {' | '.join([*parts, *bands])} |")
    print("|---" * (1 + len(parts) + len(bands)) + "|")
    for step in (s for s in STEPS if s <= length - past):
        sizes = [f"{np.mean(part[:, step - 1]):.2e}" for part in parts.values()]
        shares = [f"{share:.0%}" for share in spectrum(errors[:, step - 1 : step])]
        print(f"| {step} | {' | '.join(sizes + shares)} |")
    means = ", ".join(f"{name} {np.mean(part):.2e}" for name, part in parts.items())
    print(f"mean of all steps: {means}\n")


def symmetric(errors: np.ndarray) -> np.ndarray:
    """The mean over the eight symmetries of the square; (n, time, y, x, channels)."""
    turned = (errors, np.swapaxes(errors, 2, 3))
    flips = itertools.product(turned, (1, -1), (1, -1))
    return np.mean([e[:, :, ::y, ::x] for e, y, x in flips], axis=0)


def spectrum(errors: np.ndarray) -> list[float]:
    """Share of the energy of (n, 1, y, x, channels) between each two of BANDS."""
    energy = radial_spectrum(errors).sum(axis=(0, 1, 3))
    length = max(errors.shape[2:4])
    longest_first = [0 if np.isinf(band) else length // band for band in BANDS[:-1]]
    starts = [*longest_first, len(energy)]
    return [
        float(energy[low:high].sum() / energy.sum())
        for low, high in itertools.pairwise(starts)
    ]


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
