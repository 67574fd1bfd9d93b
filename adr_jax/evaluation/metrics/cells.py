"""Which cells of a frame count: those whose target is not missing, NaN."""

import numpy as np
from jaxtyping import Bool, Float


def space(field: np.ndarray) -> tuple[int, ...]:
    """The spatial axes of (samples, steps, *space, channels)."""
    return tuple(range(2, field.ndim - 1))


def frame(field: np.ndarray) -> tuple[int, ...]:
    """All axes of one frame, channels among them."""
    return tuple(range(2, field.ndim))


def difference(
    forecast: Float[np.ndarray, "*shape"], target: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Forecast - target, in float64."""
    return forecast.astype(np.float64) - target


def total(
    values: np.ndarray, there: Bool[np.ndarray, "..."], axes: tuple[int, ...]
) -> np.ndarray:
    """The sum over the cells that are there; NaN where there is none."""
    sums = np.sum(values, axes, where=there, dtype=np.float64)
    return np.where(there.any(axes), sums, np.nan)


def mean(
    values: np.ndarray, there: Bool[np.ndarray, "..."], axes: tuple[int, ...]
) -> np.ndarray:
    """The mean over the cells that are there; NaN where there is none."""
    return total(values, there, axes) / np.maximum(there.sum(axes), 1)


def fraction(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient, NaN where the denominator is zero: it is not defined there."""
    safe = np.where(denominator == 0, np.nan, denominator)
    return numerator / safe
