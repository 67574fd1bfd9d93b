"""Scores of labelled frames, in which every cell belongs to one class.

Frames are (samples, steps, *space, channels): labels 0, 1, ... in a single channel, or
one channel a class with a score for it. A cell whose target is NaN does not count.
"""

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.metrics.ratio import Ratio


def labels(
    frames: Float[np.ndarray, "samples steps *space channels"], classes: int
) -> Float[np.ndarray, "samples steps *space 1"]:
    """The label of each cell: the nearest to the number, or that of the highest score.

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
    """The share of cells whose label is right."""
    said, came = labels(forecast, classes), labels(target, classes)
    axes = tuple(range(2, came.ndim - 1))
    right, there = said == came, ~np.isnan(came)
    return Ratio(*(cases.sum(axes, dtype=np.float64) for cases in (right, there)))


def iou(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    *,
    classes: int,
) -> Ratio:
    """Intersection over union of each class, (samples, steps, classes).

    Its score is the mean over classes of what is summed over samples; a class that
    neither forecast nor target ever shows has none and is left out.
    """
    said, came = labels(forecast, classes), labels(target, classes)
    said = np.where(np.isnan(came), np.nan, said) == np.arange(classes)
    came = came == np.arange(classes)
    axes = tuple(range(2, came.ndim - 1))
    both, either = said & came, said | came
    return Ratio(*(cases.sum(axes, dtype=np.float64) for cases in (both, either)))
