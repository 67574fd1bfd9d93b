"""From a network in normalised units to forecasts in physical ones."""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from adr_jax.data.corruption import fill_missing
from adr_jax.data.statistics import Statistics
from adr_jax.evaluation.rollout import rollout

# History (batch, time, *space, channels) and a number of frames, to those frames.
Forecast = Callable[[np.ndarray, int], np.ndarray]


def physical_rollout(
    apply: Callable, statistics: Statistics, history_length: int
) -> Callable:
    """A network's rollout between physical units, to be mapped over devices.

    Args:
      apply: `(params, normalised history) -> normalised frames`.
      statistics: what normalised means.
      history_length: frames the network takes; a longer history is cut to its end.

    Returns:
      `(params, history, num_frames) -> frames`, (batch, num_frames, *space, channels);
      cells that are missing in the history, NaN, are filled in.
    """
    mean = np.asarray(statistics.mean, np.float32)
    std = np.asarray(statistics.std, np.float32)

    def forecast(
        params: Mapping,
        history: Float[Array, "batch time *space channels"],
        num_frames: int,
    ) -> Float[Array, "batch num_frames *space channels"]:
        normalised = fill_missing((history[:, -history_length:] - mean) / std)
        frames = rollout(lambda h: apply(params, h), normalised, num_frames)
        kept = frames.shape[-1]  # a network may forecast the first channels only
        return frames * jnp.asarray(std[:kept]) + mean[:kept]

    return forecast
