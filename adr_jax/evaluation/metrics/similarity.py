"""Structural similarity of pictures, SSIM and MS-SSIM; 1 is perfect.

Wang et al., IEEE Trans. Image Process. 13, 2004, with K1 = 0.01 and K2 = 0.03. Frames,
(samples, steps, *space, channels), are scaled to 0..1 by `data_range`, the minimum and
maximum that they can show. Only windows within the frame and without a missing cell
(NaN in the target) count.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.ndimage import correlate1d

from adr_jax.errors import InputError
from adr_jax.evaluation.metrics import cells

C1, C2 = 0.01**2, 0.03**2
_bell = np.exp(-0.5 * np.square(np.arange(-5, 6) / 1.5))
GAUSSIAN = _bell / _bell.sum()
# Exponent of each scale in MS-SSIM, finest first.
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# Minimum side for which a window fits into the coarsest scale.
MULTISCALE_CELLS = len(GAUSSIAN) * 2 ** (len(SCALES) - 1)


def ssim(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    data_range: tuple[float, float],
) -> Float[np.ndarray, "samples steps channels"]:
    """Return SSIM with a Gaussian window of 11 cells, standard deviation 1.5 cells.

    It is that of the paper, and of scikit-image with `gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False`.
    """
    return _per_frame(_gaussian_ssim, forecast, target, data_range, len(GAUSSIAN))


def ms_ssim(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
    data_range: tuple[float, float],
) -> Float[np.ndarray, "samples steps channels"]:
    """Return SSIM over five scales, each half the one before, with the same window.

    It is the product of contrast and structure at the first four scales and SSIM at
    the last, to the powers SCALES; a negative factor counts as 0. Source: Wang,
    Simoncelli and Bovik, Asilomar 2003.

    Raises:
      InputError: a side of the frames is shorter than 176 cells.
    """
    return _per_frame(_multiscale_ssim, forecast, target, data_range, MULTISCALE_CELLS)


def check_size(space: Sequence[int], min_cells: int) -> None:
    """Raise InputError for frames too small for a window."""
    if min(space) < min_cells:
        raise InputError(
            f"SSIM needs frames of at least {min_cells} cells along each axis; got "
            f"{tuple(space)}: leave it out of the metrics, or use larger frames"
        )


def _per_frame(function, forecast, target, data_range, min_cells) -> np.ndarray:
    """Apply `function` to one pair of frames at a time, which stays in the cache."""
    check_size(target.shape[2:-1], min_cells)
    low, high = data_range
    pairs = (
        [((frame.astype(np.float64) - low) / (high - low)) for frame in pair]
        for sample in zip(forecast, target, strict=True)
        for pair in zip(*sample, strict=True)
    )
    scores = [function(*pair) for pair in pairs]
    return np.reshape(scores, (*target.shape[:2], target.shape[-1]))


def _gaussian_ssim(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    luminance, structure, counted = _similarities(x, y)
    return _mean(luminance * structure, counted)


def _multiscale_ssim(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    product = np.ones(x.shape[-1])
    for scale, power in enumerate(SCALES, start=1):
        luminance, structure, counted = _similarities(x, y)
        last = scale == len(SCALES)
        factor = _mean(luminance * structure if last else structure, counted)
        product *= np.maximum(factor, 0.0) ** power
        x, y = _halved(x), _halved(y)
    return product


def _similarities(
    x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return luminance, contrast times structure, and the windows that count."""
    mean_x, mean_y = _local_mean(x), _local_mean(y)
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance = _local_mean(x * y) - product
    variances = _local_mean(x * x + y * y) - squares
    luminance = (2 * product + C1) / (squares + C1)
    structure = (2 * covariance + C2) / (variances + C2)
    return luminance, structure, ~np.isnan(mean_y)


def _local_mean(field: np.ndarray) -> np.ndarray:
    """Return weighted means over the windows within a frame, (*space, channels)."""
    reach = len(GAUSSIAN) // 2
    for axis in range(field.ndim - 1):
        # A direct sum, unlike a running one, keeps a NaN in the windows that hold it.
        field = correlate1d(field, GAUSSIAN, axis, mode="constant")
        inside = [slice(None)] * field.ndim
        inside[axis] = slice(reach, field.shape[axis] - reach)
        field = field[tuple(inside)]
    return field


def _mean(windows: np.ndarray, counted: np.ndarray) -> np.ndarray:
    return cells.mean(windows, counted, tuple(range(windows.ndim - 1)))


def _halved(field: np.ndarray) -> np.ndarray:
    """Average pairs of cells along each axis of space; an odd last cell is dropped."""
    for axis in range(field.ndim - 1):
        even = np.moveaxis(field, axis, 0)[: field.shape[axis] // 2 * 2]
        field = np.moveaxis((even[::2] + even[1::2]) / 2, 0, axis)
    return field
