"""Measure how much a forecast multiplies a small perturbation of its history.

A perturbation is a cosine of some wavelength, or a shift of all values ("level"), added
to the last frame of the history or to all of its frames. Its growth is the root mean
square of the change of the forecast over that of the perturbation. It is exact to first
order: the rollout is differentiated along the perturbation, in physical units.

Linear extrapolation multiplies a change of the last frame by 2 in one step and by 11 in
ten, and a change of all frames by 1.
"""

import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from adr_jax.data.contract import Dataset
from adr_jax.data.windows import Windows

# Wavelengths in cells; those longer than the shortest side are left out.
WAVELENGTHS = (64, 32, 16, 8, 4)
LEVEL = "level"
STEPS = (1, 10)
SCOPES = ("last frame", "all frames")
# Histories perturbed, spread evenly over the split.
HISTORIES = 4
# A rollout drifts away if one step multiplies a perturbation of all frames by more, at
# any wavelength. In ten, content that is carried otherwise can be further off: a wave
# over all frames also changes the motion that is measured in them.
STABLE = 1.1


def score(
    forecast: Callable,
    params: PyTree,
    dataset: Dataset,
    *,
    model_history: int,
    split: str = "test",
) -> dict:
    """Measure the growth of each perturbation, as the mean over a few histories.

    Args:
      forecast: `(params, history, num_frames) -> frames`, differentiable by JAX, as
        from `forecaster.physical_rollout`.
      params: the parameters of the network.
      dataset: the data set whose histories are perturbed.
      model_history: the frames of a history.
      split: the split they are taken from.

    Returns:
      `{"split", "samples", "growth": {scope: {wavelength: {step: growth}}}}`, the
      wavelength in cells or "level".
    """
    windows = Windows(dataset, split, model_history)
    indices = np.unique(np.linspace(0, len(windows) - 1, HISTORIES).astype(int))
    histories = windows.read(indices)

    def mean_growth(pattern: np.ndarray, steps: int) -> float:
        growths = [
            _growth(forecast, params, history[None], pattern, steps)
            for history in histories
        ]
        return float(np.mean(growths))

    growth = {scope: {} for scope in SCOPES}
    for name, wave in _waves(histories.shape[2:]).items():
        for scope in SCOPES:
            pattern = np.zeros(histories.shape[1:], np.float32)
            pattern[-1 if scope == "last frame" else slice(None)] = wave
            growth[scope][name] = {
                str(steps): mean_growth(pattern, steps) for steps in STEPS
            }
    return {
        "split": dataset.split_in_words(split),
        "samples": len(histories),
        "growth": growth,
    }


def fastest(result: Mapping) -> tuple[str, float]:
    """Return the wavelength at which all frames grow most in a step, and the factor.

    A forecast is stable if that is STABLE or less.
    """
    factors = (
        (wavelength, by_step["1"])
        for wavelength, by_step in result["growth"]["all frames"].items()
    )
    return max(factors, key=lambda found: found[1])


def _waves(frame_shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return a constant and, for each wavelength, a product of cosines along space."""
    *space, channels = frame_shape
    waves = {LEVEL: np.ones(frame_shape, np.float32)}
    for wavelength in WAVELENGTHS:
        if wavelength <= min(space):
            lines = [np.cos(2 * np.pi / wavelength * np.arange(n)) for n in space]
            wave = functools.reduce(np.multiply.outer, lines)
            repeated = np.repeat(wave[..., None], channels, axis=-1)
            waves[str(wavelength)] = repeated.astype(np.float32)
    return waves


@functools.partial(jax.jit, static_argnames=("forecast", "steps"))
def _growth(
    forecast: Callable,
    params: PyTree,
    history: Float[Array, "1 time *space channels"],
    pattern: Float[Array, "time *space channels"],
    steps: int,
) -> Float[Array, ""]:
    """Return the size of the forecast's change over that of the pattern."""
    _, change = jax.jvp(
        lambda h: forecast(params, h, steps)[:, -1], (history,), (pattern[None],)
    )
    size = jnp.sqrt(jnp.mean(jnp.square(pattern[-1])))
    return jnp.sqrt(jnp.mean(jnp.square(change))) / size
