"""Scores of events: whether it rains where it was said to rain.

An event is a value at or above `threshold`, in the data's unit. Forecast and target
are (samples, steps, *space, channels); hits, misses and false alarms are counted over
space and channels, and summed over samples before they are divided, so each score is a
Ratio, (samples, steps, 1). A cell whose target is NaN does not count.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import uniform_filter

from adr_jax.evaluation.metrics import cells
from adr_jax.evaluation.metrics.ratio import Ratio

# Widths, in cells, of the neighbourhoods that FSS is given for.
SCALES = (1, 5, 17)


class Counts(NamedTuple):
    """Cells by what was forecast and what came; neither is no news."""

    hits: Float[np.ndarray, "samples steps 1"]
    misses: Float[np.ndarray, "samples steps 1"]
    false_alarms: Float[np.ndarray, "samples steps 1"]


def counts(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    threshold: float,
) -> Counts:
    """The contingency table of each frame."""
    said, came = _events(forecast, target, threshold)
    outcomes = (said & came, ~said & came, said & ~came)
    sums = (cases.sum(cells.frame(target)) for cases in outcomes)
    return Counts(*(cases.astype(np.float64)[..., None] for cases in sums))


def csi(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    threshold: float,
) -> Ratio:
    """Critical success index: hits / (hits + misses + false alarms)."""
    n = counts(forecast, target, threshold)
    return Ratio(n.hits, n.hits + n.misses + n.false_alarms)


def pod(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    threshold: float,
) -> Ratio:
    """Probability of detection: hits / (hits + misses)."""
    n = counts(forecast, target, threshold)
    return Ratio(n.hits, n.hits + n.misses)


def far(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    threshold: float,
) -> Ratio:
    """False alarm ratio: false alarms / (hits + false alarms)."""
    n = counts(forecast, target, threshold)
    return Ratio(n.false_alarms, n.hits + n.false_alarms)


def fss(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    threshold: float,
    *,
    scale: int,
) -> Ratio:
    """Fractions skill score: whether it rains near where it was said to rain.

    With f and o the shares of event cells in the square of `scale` cells around each
    cell, 1 - sum (f - o)^2 / sum (f^2 + o^2), which is sum 2 f o / sum (f^2 + o^2).
    Outside the grid, and where the target is missing, nothing happens, in either.
    Source: Roberts and Lean, Mon. Wea. Rev. 136, 2008, equations 5 to 7.
    """
    axes = cells.space(target)
    said, came = (
        uniform_filter(events.astype(np.float64), scale, mode="constant", axes=axes)
        for events in _events(forecast, target, threshold)
    )
    there = ~np.isnan(target)
    products, squares = 2 * said * came, said**2 + came**2
    sums = (np.sum(s, cells.frame(target), where=there) for s in (products, squares))
    return Ratio(*(s[..., None] for s in sums))


def _events(
    forecast: np.ndarray, target: np.ndarray, threshold: float
) -> tuple[Bool[np.ndarray, "..."], Bool[np.ndarray, "..."]]:
    """Where an event was forecast, and where one came; never in a missing cell."""
    there = ~np.isnan(target)
    return there & (forecast >= threshold), there & (target >= threshold)
