"""Scores of pictures and video.

Frames are (samples, steps, *space, channels); `data_range` is the least and greatest
value they can show and has no default: another range is another number. A cell whose
target is NaN does not count; what is not defined is NaN.
"""

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.metrics import cells


def mse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """Mean square error over space."""
    squares = np.square(cells.difference(forecast, target))
    return cells.mean(squares, ~np.isnan(target), cells.space(target))


def mse_sum(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps 1"]:
    """Square error summed over space and channels: the "MSE" of video forecasting.

    Tables of Moving MNIST, KITTI and the like print its mean over samples and steps.
    """
    squares = np.square(cells.difference(forecast, target))
    return cells.total(squares, ~np.isnan(target), cells.frame(target))[..., None]


def mae_sum(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps 1"]:
    """Absolute error summed over space and channels: the "MAE" of video forecasting."""
    sizes = np.abs(cells.difference(forecast, target))
    return cells.total(sizes, ~np.isnan(target), cells.frame(target))[..., None]


def psnr(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    data_range: tuple[float, float],
) -> Float[np.ndarray, "samples steps 1"]:
    """Peak signal-to-noise ratio in dB: 10 log10(range^2 / mean square error).

    The mean is over space and channels of a frame; a perfect frame has infinity.
    """
    squares = np.square(cells.difference(forecast, target))
    error = cells.mean(squares, ~np.isnan(target), cells.frame(target))
    return _decibels(error, data_range[1] - data_range[0])


def psnr_wrapped(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    data_range: tuple[float, float],
) -> Float[np.ndarray, "samples steps 1"]:
    """A PSNR as public code prints it by a slip: subtracted and squared in uint8.

    Both wrap around at 256, so no error is larger than 255 where it can be 255^2, and
    no forecast, however wrong, scores below 24 dB. Good for nothing but standing
    beside numbers that were made like this; `psnr` is the true one. Frames are scaled
    to 0..1 by the data range, cut to it, and turned into uint8 as 255 times that.
    """
    missing = np.isnan(target)
    bytes_of = [
        (255 * np.clip(_scaled(frames, data_range), 0, 1)).astype(np.uint8)
        for frames in (np.where(missing, data_range[0], f) for f in (forecast, target))
    ]
    wrapped = np.square(bytes_of[0] - bytes_of[1])  # uint8, on purpose
    return _decibels(cells.mean(wrapped, ~missing, cells.frame(target)), 255.0)


def _decibels(mean_square: np.ndarray, peak: float) -> np.ndarray:
    with np.errstate(divide="ignore"):  # a perfect frame: infinity
        return 10 * np.log10(peak**2 / mean_square)[..., None]


def _scaled(frames: np.ndarray, data_range: tuple[float, float]) -> np.ndarray:
    low, high = data_range
    return (frames.astype(np.float64) - low) / (high - low)
