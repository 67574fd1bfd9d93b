"""Sums and means over the observed cells of frames, those whose target is not NaN."""

import numpy as np
from jaxtyping import Bool, Float


def space(field: np.ndarray) -> tuple[int, ...]:
    """Return the spatial axes of (samples, steps, *space, channels)."""
    return tuple(range(2, field.ndim - 1))


def frame(field: np.ndarray) -> tuple[int, ...]:
    """Return all axes of one frame, including channels."""
    return tuple(range(2, field.ndim))


def difference(
    forecast: Float[np.ndarray, "*shape"], target: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Return forecast - target in float64."""
    return forecast.astype(np.float64) - target


def total(
    values: np.ndarray, observed: Bool[np.ndarray, "..."], axes: tuple[int, ...]
) -> np.ndarray:
    """Return the sum over observed cells; NaN if there is none."""
    sums = np.sum(values, axes, where=observed, dtype=np.float64)
    return np.where(observed.any(axes), sums, np.nan)


def mean(
    values: np.ndarray, observed: Bool[np.ndarray, "..."], axes: tuple[int, ...]
) -> np.ndarray:
    """Return the mean over observed cells; NaN if there is none."""
    return total(values, observed, axes) / np.maximum(observed.sum(axes), 1)


def fraction(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return the quotient; NaN where the denominator is zero."""
    safe = np.where(denominator == 0, np.nan, denominator)
    return numerator / safe
