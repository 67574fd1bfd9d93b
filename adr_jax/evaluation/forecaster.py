"""Forecasts in physical units from a network in normalised units, and their timing."""

import time
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Array, Float

from adr_jax.data.missing import fill_missing
from adr_jax.data.normalisation import Statistics
from adr_jax.evaluation.rollout import rollout
from adr_jax.models.frames import FrameNetwork

# Maps a history (batch, time, *space, channels) and a number of frames to those frames.
Forecast = Callable[[np.ndarray, int], np.ndarray]


def physical_rollout(
    network: FrameNetwork, statistics: Statistics, history_length: int
) -> Callable:
    """Return a rollout between physical units, to be mapped over devices.

    Args:
      network: forecasts between frames at unit scale.
      statistics: mean and standard deviation of each channel.
      history_length: frames the network takes; of a longer history, the last count.

    Returns:
      `(params, history, num_frames) -> frames`, (batch, num_frames, *space, channels).
      Missing cells of the history, NaN, are filled.
    """

    def forecast(
        params: Mapping,
        history: Float[Array, "batch time *space channels"],
        num_frames: int,
    ) -> Float[Array, "batch num_frames *space channels"]:
        seen = see(history, statistics, history_length)
        at_once = min(num_frames, network.options.frames_out)

        def step(past):
            return network.apply(params, past, at_once)

        return statistics.restore(rollout(step, seen, num_frames))

    return forecast


def see(
    history: Float[Array, "batch time *space channels"],
    statistics: Statistics,
    history_length: int,
) -> Float[Array, "batch history_length *space channels"]:
    """Return what a network takes: the last frames at unit scale, gaps filled."""
    return fill_missing(statistics.normalise(history[:, -history_length:]))


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
