"""Scores of pictures and video.

Frames are (samples, steps, *space, channels). `data_range` is the minimum and maximum
that a frame can show; it has no default, since scores depend on it. A cell whose target
is NaN does not count; an undefined score is NaN.
"""

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.metrics import cells


def mse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """Return the mean square error over space."""
    squares = np.square(cells.difference(forecast, target))
    return cells.mean(squares, ~np.isnan(target), cells.space(target))


def mse_sum(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps 1"]:
    """Return the square error summed over space and channels.

    Tables of Moving MNIST and KITTI print its mean over samples and steps as "MSE".
    """
    squares = np.square(cells.difference(forecast, target))
    return cells.total(squares, ~np.isnan(target), cells.frame(target))[..., None]


def mae_sum(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps 1"]:
    """Return the absolute error summed over space and channels, "MAE" in tables."""
    sizes = np.abs(cells.difference(forecast, target))
    return cells.total(sizes, ~np.isnan(target), cells.frame(target))[..., None]


def psnr(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    data_range: tuple[float, float],
) -> Float[np.ndarray, "samples steps 1"]:
    """Return the peak signal-to-noise ratio in dB: 10 log10(range^2 / MSE).

    The mean square error is over space and channels of a frame; a perfect frame has
    infinity.
    """
    squares = np.square(cells.difference(forecast, target))
    error = cells.mean(squares, ~np.isnan(target), cells.frame(target))
    return _decibels(error, data_range[1] - data_range[0])


def psnr_wrapped(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    data_range: tuple[float, float],
) -> Float[np.ndarray, "samples steps 1"]:
    """Return the PSNR of some public code, which subtracts and squares in uint8.

    Both operations wrap around at 256. A square error is then at most 255 instead of
    255^2, and no forecast scores below 24 dB. Use it only to compare with published
    numbers of that code; `psnr` is the correct metric. Frames are scaled to 0..1 by the
    data range, clipped, multiplied by 255 and converted to uint8.
    """
    missing = np.isnan(target)
    pair = [
        (255 * np.clip(_scaled(frames, data_range), 0, 1)).astype(np.uint8)
        for frames in (np.where(missing, data_range[0], f) for f in (forecast, target))
    ]
    wrapped = np.square(pair[0] - pair[1])  # in uint8, as that code does
    return _decibels(cells.mean(wrapped, ~missing, cells.frame(target)), 255.0)


def _decibels(mean_square: np.ndarray, peak: float) -> np.ndarray:
    with np.errstate(divide="ignore"):  # a perfect frame: infinity
        return 10 * np.log10(peak**2 / mean_square)[..., None]


def _scaled(frames: np.ndarray, data_range: tuple[float, float]) -> np.ndarray:
    low, high = data_range
    return (frames.astype(np.float64) - low) / (high - low)
