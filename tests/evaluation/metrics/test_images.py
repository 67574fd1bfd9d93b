"""PSNR against scikit-image and in uint8, and both conventions of MSE and MAE."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from adr_jax.evaluation.metrics import images

RANGE = (-1.0, 3.0)


@pytest.fixture
def pair(generator):
    target = generator.uniform(*RANGE, (2, 3, 8, 9, 3))
    return target + generator.normal(0, 0.2, target.shape), target


def test_mse_and_mae_in_both_conventions(pair):
    error = pair[0] - pair[1]
    np.testing.assert_allclose(images.mse(*pair), np.square(error).mean((2, 3)))
    for summed, size in (
        (images.mse_sum, np.square(error)),
        (images.mae_sum, np.abs(error)),
    ):
        # As printed for video: mean over samples and steps, then sum over the rest.
        printed = size.mean((0, 1)).sum()
        assert summed(*pair).mean() == pytest.approx(printed, rel=1e-12)


def test_psnr_is_that_of_scikit_image(pair):
    forecast, target = pair
    scores = images.psnr(forecast, target, RANGE)
    assert scores.shape == (2, 3, 1)
    for sample, step in np.ndindex(2, 3):
        frames = target[sample, step], forecast[sample, step]
        expected = peak_signal_noise_ratio(*frames, data_range=4.0)
        assert scores[sample, step, 0] == pytest.approx(expected, rel=1e-12)


def test_psnr_of_a_perfect_frame_is_infinite(pair):
    assert np.isposinf(images.psnr(pair[1], pair[1], RANGE)).all()


def test_wrapped_psnr_is_right_for_small_errors_only(generator):
    target = generator.uniform(0.2, 0.8, (1, 4, 32, 32, 1))
    near = target + generator.choice([-10, 10], target.shape) / 255
    bounds = (0.0, 1.0)
    # Off by about 10 of 255 in every cell, where the square, 100, still fits.
    assert images.psnr(near, target, bounds) == pytest.approx(28.1, abs=0.05)
    below = np.minimum(near, target)  # a negative difference wraps, its square does not
    for forecast in (near, below):
        np.testing.assert_allclose(
            images.psnr_wrapped(forecast, target, bounds),
            images.psnr(forecast, target, bounds),
            atol=0.5,  # uint8 cuts off fractions: up to 1 of these 10
        )
    for worst in (np.zeros_like(target), np.ones_like(target), 1 - np.rint(target)):
        assert images.psnr(worst, target, bounds).max() < 10
        assert images.psnr_wrapped(worst, target, bounds).min() > 24


def test_wrapped_psnr_clips_to_the_data_range(pair):
    forecast, target = pair
    assert forecast.max() > RANGE[1] and forecast.min() < RANGE[0]
    found = images.psnr_wrapped(forecast, target, RANGE)
    expected = images.psnr_wrapped(np.clip(forecast, *RANGE), target, RANGE)
    np.testing.assert_array_equal(found, expected)


def test_uniform_noise_on_real_labels(cloudcast, generator):
    """Check the wrapped PSNR of a forecast without skill."""
    noise = generator.uniform(0, 3, cloudcast["label"].shape)
    label = cloudcast["label"]
    assert images.psnr_wrapped(noise, label, (0, 3)).mean() == pytest.approx(
        27.9, abs=0.05
    )
    assert images.psnr(noise, label, (0, 3)).mean() == pytest.approx(5.8, abs=0.05)


@pytest.mark.parametrize(
    ("steps", "wrapped", "correct"),
    [(1, 37.6, 16.0), (4, 36.4, 14.4)],
)
def test_persistence_of_real_labels(cloudcast, steps, wrapped, correct):
    """Check that persistence reaches the published PSNR of 38 if it is wrapped.

    Mean over `steps` frames, forecast after as many, from every start.
    """
    label = cloudcast["label"][0]
    starts = range(steps, len(label) - steps + 1)
    target = np.stack([label[start : start + steps] for start in starts])
    last = np.stack([label[start - 1 : start] for start in starts])
    pair = np.broadcast_to(last, target.shape), target
    # To the digits that are stated.
    assert images.psnr_wrapped(*pair, (0, 3)).mean() == pytest.approx(wrapped, abs=0.05)
    assert images.psnr(*pair, (0, 3)).mean() == pytest.approx(correct, abs=0.05)
