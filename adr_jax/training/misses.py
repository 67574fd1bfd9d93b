"""Measure how far the extrapolation misses the truth, lead by lead, untrained.

It is the unit of what a network in the moving frame adds to its base: so all leads
count alike in the loss, and where the extrapolation is nearly right little is added.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from adr_jax.data.contract import Dataset
from adr_jax.data.missing import fill_missing
from adr_jax.data.normalisation import Statistics
from adr_jax.data.windows import Windows
from adr_jax.models.moving_frame import extrapolation
from adr_jax.options import Configuration

# Windows looked at, and at a time.
WINDOWS, AT_A_TIME = 32, 4
# Smallest miss, in units of the change from frame to frame: a forecast can be right.
LEAST = 1e-3


def by_lead(
    config: Configuration, dataset: Dataset, statistics: Statistics
) -> list[list[float]]:
    """Return the root mean square miss at each lead, of each channel, at unit scale.

    It is that of some windows of the training split, those from which the longest lead
    can be seen.
    """
    history, longest = config.data.history, config.model.frames_out
    windows = Windows(dataset, "train", history + longest)
    spread = np.linspace(0, len(windows) - 1, WINDOWS).astype(int)
    zero = jnp.asarray(statistics.zero, jnp.float32)
    extrapolate = jax.jit(
        functools.partial(extrapolation, options=config.model, zero=zero)
    )
    squares, counts = [], []
    for chosen in np.split(spread, WINDOWS // AT_A_TIME):
        frames = statistics.normalise(jnp.asarray(windows.read(chosen)))
        seen = fill_missing(frames[:, :history])[:, -config.model.frames_in :]
        error = extrapolate(seen) - frames[:, history:]
        over = (0, *range(2, error.ndim - 1))
        squares.append(jnp.nansum(jnp.square(error), over))
        counts.append(jnp.sum(~jnp.isnan(error), over))
    mean = np.sum(squares, axis=0) / np.maximum(np.sum(counts, axis=0), 1)
    least = LEAST * np.asarray(statistics.first_difference)
    return np.maximum(np.sqrt(mean), least).tolist()
