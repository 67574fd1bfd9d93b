"""How much a forecast multiplies a small perturbation of its input.

    python benchmarks/experiments/growth.py --workdir runs/shallow_water [W2 ...]
        [--data FILE]

For cosines of several wavelengths, and for a shift of the whole level, added to the
last frame of the history or to all of it: the root mean square of the change of the
forecast over that of the input, after one step and after ten. Exact to first order, by
forward-mode differentiation of the rollout in physical units.

Linear extrapolation multiplies a change of the last frame by 2 in one step and 11 in
ten; a shift of every frame is multiplied by 1 in physics that know no absolute level. A
model that makes more than 1.1 of it in one step is reported as unstable: its rollouts
drift away.
"""

import argparse
import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np

from adr_jax import data
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.training import model as trained

WAVELENGTHS = (None, 64, 32, 16, 8, 4)  # cells; None is a shift of the level
STEPS = (1, 10)
STABLE = 1.1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workdir", nargs="+", required=True)
    parser.add_argument("--data", help="take histories from this file")
    parser.add_argument("--histories", type=int, default=4, help="from the test split")
    arguments = parser.parse_args()
    for workdir in arguments.workdir:
        run = trained.load(workdir)
        if arguments.data:
            run.config.data.path, run.config.data.split = arguments.data, "all"
        report(run, data.load(run.config.data), arguments.histories)


def report(run: trained.TrainedModel, dataset: data.Dataset, count: int) -> None:
    """Prints the table of one run."""
    history_length = run.config.data.history
    windows = Windows(dataset, "test", history_length)
    numbers = np.linspace(0, len(windows) - 1, count).astype(int)
    histories = windows.read(numbers)
    forecast = physical_rollout(run.model.apply, run.statistics, history_length)

    @functools.partial(jax.jit, static_argnames="steps")
    def growth(pattern, history, steps):
        """RMS of the forecast's change over RMS of the pattern's last frame."""
        _, change = jax.jvp(
            lambda h: forecast(run.params, h, steps)[:, -1], (history,), (pattern,)
        )
        size = jnp.sqrt(jnp.mean(jnp.square(pattern[:, -1])))
        return jnp.sqrt(jnp.mean(jnp.square(change))) / size

    print(
        f"{run.workdir}: step {run.record['step']}, {count} histories of {dataset.name}"
    )
    print("wavelength  on           1 step   10 steps")
    level_growth = 0.0
    for wavelength in WAVELENGTHS:
        wave = pattern_of(wavelength, histories.shape[2:])
        for where in ("last frame", "all frames"):
            pattern = np.zeros(histories.shape[1:], np.float32)
            pattern[-1 if where == "last frame" else slice(None)] = wave
            factors = [
                np.mean([growth(pattern[None], h[None], steps) for h in histories])
                for steps in STEPS
            ]
            if wavelength is None and where == "all frames":
                level_growth = factors[0]
            name = "level" if wavelength is None else f"{wavelength} cells"
            print(f"{name:>10}  {where}  {factors[0]:8.3f}  {factors[1]:9.3f}")
    verdict = "stable" if level_growth <= STABLE else "UNSTABLE"
    print(f"a shift of the level grows {level_growth:.3f} times a step: {verdict}\n")


def pattern_of(wavelength: int | None, frame_shape: tuple[int, ...]) -> np.ndarray:
    """A cosine along both axes, or a constant; (*space, channels)."""
    if wavelength is None:
        return np.ones(frame_shape, np.float32)
    rows, columns = np.indices(frame_shape[:2])
    phase = 2 * np.pi / wavelength
    wave = np.cos(phase * rows) * np.cos(phase * columns)
    return np.repeat(wave[..., None], frame_shape[-1], axis=-1).astype(np.float32)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
