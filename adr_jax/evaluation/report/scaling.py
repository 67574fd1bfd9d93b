"""Values to shares of a range and to colours: what all drawings of frames share.

It needs NumPy only: training draws its pictures without the report's extra packages.
"""

import numpy as np
from jaxtyping import Float, UInt8


def value_range(values: Float[np.ndarray, "*shape"]) -> tuple[float, float]:
    """Return the finite minimum and maximum; a range of width 1 if they are equal."""
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def scale(
    values: Float[np.ndarray, "*shape"], low: float, high: float
) -> Float[np.ndarray, "*shape"]:
    """Return values as shares of a range, clipped to 0..1; NaN stays NaN."""
    return np.clip((values - low) / (high - low), 0, 1)


def colour_bytes(
    frames: Float[np.ndarray, "*shape 3"], missing: tuple[int, int, int]
) -> UInt8[np.ndarray, "*shape 3"]:
    """Return red, green and blue of 0..1 as bytes, cells with a NaN as `missing`."""
    colours = (255 * np.nan_to_num(frames.clip(0, 1))).astype(np.uint8)
    is_missing = np.isnan(frames).any(-1, keepdims=True)
    return np.where(is_missing, np.array(missing, np.uint8), colours)
