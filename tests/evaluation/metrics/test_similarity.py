"""SSIM against scikit-image, MS-SSIM against its formula, window by window."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from skimage.metrics import structural_similarity

from adr_jax.errors import InputError
from adr_jax.evaluation.metrics import similarity

RANGE = (-1.0, 3.0)
# Both compute in float64.
EXACT = {"rtol": 1e-10}


def pictures(generator, *shape):
    """Return a forecast and its smooth target, which differ by noise."""
    target = generator.uniform(*RANGE, shape).cumsum(2).cumsum(3)
    target = RANGE[0] + 4 * (target - target.min()) / np.ptp(target)
    return target + generator.normal(0, 0.3, shape), target


def scaled(frame):
    return (frame - RANGE[0]) / (RANGE[1] - RANGE[0])


def test_ssim_is_that_of_scikit_image(generator):
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    forecast, target = pictures(generator, 2, 3, 21, 33, 2)
    expected = [
        [
            [
                structural_similarity(
                    scaled(f[..., c]), scaled(t[..., c]), data_range=1.0, **options
                )
                for c in range(2)
            ]
            for f, t in zip(*frames, strict=True)
        ]
        for frames in zip(forecast, target, strict=True)
    ]
    assert 0.1 < np.mean(expected) < 0.9  # the case has something to compare
    found = similarity.ssim(forecast, target, RANGE)
    np.testing.assert_allclose(found, expected, **EXACT)


def multiscale(x, y):
    """MS-SSIM of two frames in 0..1, each window's moments by their definition."""
    distance = np.square(np.arange(11) - 5.0)
    weights = np.exp(-(distance[:, None] + distance) / (2 * 1.5**2))
    weights /= weights.sum()
    product = 1.0
    for scale, power in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        windows = [sliding_window_view(f, (11, 11)) for f in (x, y)]
        means = [np.einsum("ijab,ab->ij", w, weights) for w in windows]
        apart = [w - m[..., None, None] for w, m in zip(windows, means, strict=True)]
        xx, yy, xy = (
            np.einsum("ijab,ijab,ab->ij", apart[i], apart[j], weights)
            for i, j in ((0, 0), (1, 1), (0, 1))
        )
        factor = (2 * xy + 0.0009) / (xx + yy + 0.0009)
        if scale == 4:
            squares = means[0] ** 2 + means[1] ** 2
            factor *= (2 * means[0] * means[1] + 0.0001) / (squares + 0.0001)
        product *= factor.mean() ** power
        halves = [f[: f.shape[0] // 2 * 2, : f.shape[1] // 2 * 2] for f in (x, y)]
        x, y = (
            f.reshape(f.shape[0] // 2, 2, f.shape[1] // 2, 2).mean((1, 3))
            for f in halves
        )
    return product


def test_ms_ssim_is_its_formula(generator):
    forecast, target = pictures(generator, 1, 2, 177, 182, 1)
    scores = similarity.ms_ssim(forecast, target, RANGE)
    for step in range(2):
        frames = (scaled(f[0, step, ..., 0]) for f in (forecast, target))
        expected = multiscale(*frames)
        assert 0.1 < expected < 0.95
        np.testing.assert_allclose(scores[0, step, 0], expected, **EXACT)


def test_a_negative_factor_counts_as_zero(generator):
    _, target = pictures(generator, 1, 1, 176, 176, 1)
    target += generator.normal(0, 1, target.shape)
    opposite = 2 * target.mean() - target
    assert similarity.ssim(opposite, target, RANGE) < 0
    assert similarity.ms_ssim(opposite, target, RANGE) == 0


@pytest.mark.parametrize(
    ("metric", "min_cells"),
    [(similarity.ssim, 11), (similarity.ms_ssim, 176)],
)
def test_frames_too_small_for_a_window_are_refused(metric, min_cells):
    frames = np.zeros((1, 1, min_cells, min_cells + 3, 1))
    assert metric(frames, frames, RANGE) == 1.0
    with pytest.raises(
        InputError, match=rf"at least {min_cells} cells .* got \({min_cells - 1}"
    ):
        metric(frames[:, :, 1:], frames[:, :, 1:], RANGE)


def test_windows_that_touch_a_missing_cell_do_not_count(generator):
    forecast, target = pictures(generator, 1, 1, 24, 30, 1)
    whole = target.copy()
    target[0, 0, 20, 25] = np.nan
    scores = similarity.ssim(forecast, target, RANGE)
    _, structure, _ = similarity._similarities(
        scaled(forecast[0, 0]), scaled(whole[0, 0])
    )
    luminance, _, counted = similarity._similarities(
        scaled(forecast[0, 0]), scaled(target[0, 0])
    )
    # The window at (i, j) covers rows i to i + 10 and columns j to j + 10.
    expected = np.ones((14, 20), bool)
    expected[10:, 15:] = False
    np.testing.assert_array_equal(counted[..., 0], expected)
    assert np.isfinite(scores).all() and np.isfinite(structure).all()
    assert np.isfinite(luminance[expected]).all()
