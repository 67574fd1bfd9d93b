"""Scores of events, such as rain above a threshold.

An event is a value at or above `threshold`, in the data's unit. Forecast and target
are (samples, steps, *space, channels). Hits, misses and false alarms are counted over
space and channels. They are summed over samples before they are divided, so each score
is a Ratio, (samples, steps, 1). A cell whose target is NaN does not count.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import uniform_filter

from adr_jax.evaluation.metrics import cells
from adr_jax.evaluation.metrics.ratio import Ratio

# Widths, in cells, of the neighbourhoods of FSS.
SCALES = (1, 5, 17)


class Counts(NamedTuple):
    """The contingency table, without correct negatives, which no score here uses."""

    hits: Float[np.ndarray, "samples steps 1"]
    misses: Float[np.ndarray, "samples steps 1"]
    false_alarms: Float[np.ndarray, "samples steps 1"]


def counts(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    threshold: float,
) -> Counts:
    """Return the contingency table of each frame."""
    predicted, observed = _events(forecast, target, threshold)
    outcomes = (predicted & observed, ~predicted & observed, predicted & ~observed)
    sums = (cases.sum(cells.frame(target)) for cases in outcomes)
    return Counts(*(cases.astype(np.float64)[..., None] for cases in sums))


def csi(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    threshold: float,
) -> Ratio:
    """Return the critical success index: hits / (hits + misses + false alarms)."""
    n = counts(forecast, target, threshold)
    return Ratio(n.hits, n.hits + n.misses + n.false_alarms)


def pod(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    threshold: float,
) -> Ratio:
    """Return the probability of detection: hits / (hits + misses)."""
    n = counts(forecast, target, threshold)
    return Ratio(n.hits, n.hits + n.misses)


def far(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    threshold: float,
) -> Ratio:
    """Return the false alarm ratio: false alarms / (hits + false alarms)."""
    n = counts(forecast, target, threshold)
    return Ratio(n.false_alarms, n.hits + n.false_alarms)


def fss(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    threshold: float,
    *,
    scale: int,
) -> Ratio:
    """Return the fractions skill score, which accepts events near their place.

    With f and o the shares of event cells in the square of `scale` cells around each
    cell, 1 - sum (f - o)^2 / sum (f^2 + o^2), which is sum 2 f o / sum (f^2 + o^2).
    Cells outside the grid, and those without a target, count as without an event.
    Source: Roberts and Lean, Mon. Wea. Rev. 136, 2008, equations 5 to 7.
    """
    axes = cells.space(target)
    predicted, observed = (
        uniform_filter(events.astype(np.float64), scale, mode="constant", axes=axes)
        for events in _events(forecast, target, threshold)
    )
    counted = ~np.isnan(target)
    products, squares = 2 * predicted * observed, predicted**2 + observed**2
    sums = (np.sum(s, cells.frame(target), where=counted) for s in (products, squares))
    return Ratio(*(s[..., None] for s in sums))


def _events(
    forecast: np.ndarray, target: np.ndarray, threshold: float
) -> tuple[Bool[np.ndarray, "..."], Bool[np.ndarray, "..."]]:
    """Return masks of forecast and observed events, both false in missing cells."""
    counted = ~np.isnan(target)
    return counted & (forecast >= threshold), counted & (target >= threshold)
