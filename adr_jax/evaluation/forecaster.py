"""Forecasts in physical units from a network in normalised units, and their timing."""

import time
from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from adr_jax.data.missing import fill_missing
from adr_jax.data.normalisation import Statistics
from adr_jax.evaluation.rollout import rollout

# Maps a history (batch, time, *space, channels) and a number of frames to those frames.
Forecast = Callable[[np.ndarray, int], np.ndarray]


def physical_rollout(
    apply: Callable, statistics: Statistics, history_length: int
) -> Callable:
    """Return a network's rollout in physical units, to be mapped over devices.

    Args:
      apply: `(params, normalised history) -> normalised frames`.
      statistics: mean and standard deviation of each channel.
      history_length: frames the network takes; of a longer history, the last count.

    Returns:
      `(params, history, num_frames) -> frames`, (batch, num_frames, *space, channels).
      Missing cells of the history, NaN, are filled.
    """
    mean = np.asarray(statistics.mean, np.float32)
    std = np.asarray(statistics.std, np.float32)
    normalised = normaliser(statistics, history_length)

    def forecast(
        params: Mapping,
        history: Float[Array, "batch time *space channels"],
        num_frames: int,
    ) -> Float[Array, "batch num_frames *space channels"]:
        frames = rollout(lambda h: apply(params, h), normalised(history), num_frames)
        kept = frames.shape[-1]  # a network may forecast the first channels only
        return frames * jnp.asarray(std[:kept]) + mean[:kept]

    return forecast


def normaliser(statistics: Statistics, history_length: int) -> Callable:
    """Return a function from a physical history to the input of a network.

    It takes the last frames, normalises them and fills missing cells.
    """
    mean = np.asarray(statistics.mean, np.float32)
    std = np.asarray(statistics.std, np.float32)

    def normalised(
        history: Float[Array, "batch time *space channels"],
    ) -> Float[Array, "batch history_length *space channels"]:
        return fill_missing((history[:, -history_length:] - mean) / std)

    return normalised


class Timed:
    """A forecaster that measures its time.

    The first call with histories of one shape compiles and does not count.
    """

    def __init__(self, forecast: Forecast):
        self._forecast = forecast
        self._seconds, self._frames = 0.0, 0
        self._compiled = set()

    def __call__(self, history: np.ndarray, num_frames: int) -> np.ndarray:
        """Return the forecast."""
        start = time.perf_counter()
        frames = np.asarray(self._forecast(history, num_frames))
        seconds = time.perf_counter() - start
        if (history.shape, num_frames) in self._compiled:
            self._seconds += seconds
            self._frames += len(history) * num_frames
        self._compiled.add((history.shape, num_frames))
        self._last = history, num_frames
        return frames

    def ms_per_frame(self) -> float:
        """Return milliseconds per frame; repeat the last call if none was counted."""
        if not self._frames:
            self(*self._last)
        return 1e3 * self._seconds / self._frames
