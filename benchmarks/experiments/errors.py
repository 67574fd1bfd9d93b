"""Measure where a rollout's error lies: its size by step, and its wavelengths.

    python benchmarks/experiments/errors.py --workdir runs/shallow_water_fine [W2 ...]

Each trajectory of the validation split is forecast to its end. For some steps the table
has the nRMSE, and two parts of it. The first is the part of the error that all eight
reflections and rotations of the square share, where the data have that symmetry. The
second is the error of the total alone. The last columns have the share of the error's
energy by wavelength.
"""

import itertools

import jax
import numpy as np
from outcome import parser, print_table, run

from adr_jax import data
from adr_jax.data.windows import Windows
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.evaluation.metrics.fields import nrmse
from adr_jax.evaluation.metrics.spectra import radial_spectrum
from adr_jax.training import model as trained

STEPS = (1, 10, 50, 91)
# Bounds of the wavelengths, in cells: the shortest is that of a checkerboard.
BANDS = (np.inf, 64, 32, 16, 8, 4, 0)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--workdir", nargs="+", required=True)
    options.add_argument("--trajectories", type=int, default=8)
    arguments = options.parse_args()
    for workdir in arguments.workdir:
        report(trained.load(workdir), arguments.trajectories)


def report(model: trained.TrainedModel, count: int) -> None:
    """Print the table of one model."""
    data.prepare(model.config.data)
    dataset = data.load(model.config.data)
    past, length = model.config.data.history, dataset.trajectories.lengths[0]
    windows = Windows(dataset, "validation", length)
    films = windows.read(np.arange(min(count, len(windows))))
    forecast = physical_rollout(model.network, model.statistics, past)
    frames = jax.jit(forecast, static_argnums=2)(
        model.params, films[:, :past], length - past
    )
    target = films[:, past:]
    errors = np.asarray(frames, np.float64) - target  # keeps a mean this small
    parts = {
        "nRMSE": errors,
        "symmetric": symmetric(errors),
        "of the total": np.mean(errors, axis=(2, 3), keepdims=True),
    }
    parts = {name: nrmse(target + part, target) for name, part in parts.items()}
    bands = [f"{upper:g} to {lower:g}" for upper, lower in itertools.pairwise(BANDS)]
    step = model.record["step"]
    print(f"{model.workdir}: step {step}, {len(films)} of {dataset.name}")
    rows = [
        [step]
        + [f"{np.mean(part[:, step - 1]):.2e}" for part in parts.values()]
        + [f"{share:.0%}" for share in spectrum(errors[:, step - 1 : step])]
        for step in STEPS
        if step <= length - past
    ]
    print_table(["step", *parts, *bands], rows)
    means = ", ".join(f"{name} {np.mean(part):.2e}" for name, part in parts.items())
    print(f"mean of all steps: {means}\n")


def symmetric(errors: np.ndarray) -> np.ndarray:
    """Return the mean over the square's symmetries; (n, time, y, x, channels)."""
    turned = (errors, np.swapaxes(errors, 2, 3))
    flips = itertools.product(turned, (1, -1), (1, -1))
    return np.mean([e[:, :, ::y, ::x] for e, y, x in flips], axis=0)


def spectrum(errors: np.ndarray) -> list[float]:
    """Return the share of energy in each band, of (n, 1, y, x, channels)."""
    energy = radial_spectrum(errors).sum(axis=(0, 1, 3))
    length = max(errors.shape[2:4])
    longest_first = [0 if np.isinf(band) else length // band for band in BANDS[:-1]]
    starts = [*longest_first, len(energy)]
    return [
        float(energy[low:high].sum() / energy.sum())
        for low, high in itertools.pairwise(starts)
    ]


if __name__ == "__main__":
    run(main)
