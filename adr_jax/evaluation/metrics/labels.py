"""Scores of labelled frames, in which every cell belongs to one class.

Frames are (samples, steps, *space, channels): labels 0, 1, ... in a single channel, or
a channel with the score of each class. A cell whose target is NaN does not count.
"""

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.metrics.ratio import Ratio


def labels(
    frames: Float[np.ndarray, "samples steps *space channels"], classes: int
) -> Float[np.ndarray, "samples steps *space 1"]:
    """Return the label of each cell: the nearest integer, or the best-scoring class.

    Missing cells are NaN.
    """
    if frames.shape[-1] == 1:
        return np.clip(np.rint(frames), 0, classes - 1)
    best = frames.argmax(axis=-1, keepdims=True).astype(np.float32)
    return np.where(np.isnan(frames).any(axis=-1, keepdims=True), np.nan, best)


def accuracy(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    *,
    classes: int,
) -> Ratio:
    """Return the share of cells with the right label."""
    predicted, observed = labels(forecast, classes), labels(target, classes)
    axes = tuple(range(2, observed.ndim - 1))
    right, counted = predicted == observed, ~np.isnan(observed)
    return Ratio(*(cases.sum(axes, dtype=np.float64) for cases in (right, counted)))


def iou(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    *,
    classes: int,
) -> Ratio:
    """Return intersection over union of each class, (samples, steps, classes).

    Counts are summed over samples before they are divided; the score is the mean over
    classes. A class that neither forecast nor target contains does not count.
    """
    predicted, observed = labels(forecast, classes), labels(target, classes)
    predicted = np.where(np.isnan(observed), np.nan, predicted) == np.arange(classes)
    observed = observed == np.arange(classes)
    axes = tuple(range(2, observed.ndim - 1))
    both, either = predicted & observed, predicted | observed
    return Ratio(*(cases.sum(axes, dtype=np.float64) for cases in (both, either)))
