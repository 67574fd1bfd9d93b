"""Scores of labels, and those of a published forecast of real labels."""

import numpy as np
import pytest

from adr_jax.evaluation.metrics import labels


@pytest.fixture
def pair(generator):
    forecast, target = generator.integers(0, 4, (2, 3, 2, 5, 6, 1)).astype(np.float32)
    return np.where(
        generator.uniform(size=target.shape) < 0.5, target, forecast
    ), target


def one_hot(frames):
    return (frames == np.arange(4)).astype(np.float32)


def test_labels_are_the_nearest_and_the_likeliest():
    numbers = np.array([-3.0, 0.4, 0.6, 2.0, 7.5, np.nan]).reshape(1, 1, 6, 1)
    expected = [0, 0, 1, 2, 3, np.nan]
    np.testing.assert_array_equal(labels.labels(numbers, 4).ravel(), expected)
    scores = np.array([[0.1, 0.7, 0.2], [5.0, -1.0, 4.0], [np.nan] * 3])
    found = labels.labels(scores.reshape(1, 1, 3, 3), 3).ravel()
    np.testing.assert_array_equal(found, [1, 0, np.nan])


def test_accuracy_is_the_share_of_right_cells(pair):
    forecast, target = pair
    expected = (forecast == target).mean()
    ratio = labels.accuracy(forecast, target, classes=4)
    assert ratio.score() == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(ratio.by_step(), (forecast == target).mean((0, 2, 3, 4)))


def test_iou_is_the_mean_over_classes(pair):
    forecast, target = (field[:, :1] for field in pair)
    predicted, observed = (
        [field == k for k in range(4)] for field in (forecast, target)
    )
    expected = [
        (f & t).sum() / (f | t).sum() for f, t in zip(predicted, observed, strict=True)
    ]
    ratio = labels.iou(forecast, target, classes=4)
    assert ratio.score() == pytest.approx(np.mean(expected), rel=1e-12)
    # A fifth class that no frame contains does not lower the mean.
    assert labels.iou(forecast, target, classes=5).score() == ratio.score()


def test_a_channel_a_class_is_the_same_as_labels(pair):
    for metric in (labels.accuracy, labels.iou):
        expected = metric(*pair, classes=4)
        found = metric(*(one_hot(field) for field in pair), classes=4)
        for first, second in zip(expected, found, strict=True):
            np.testing.assert_array_equal(first, second)


def test_a_missing_cell_is_neither_right_nor_wrong(pair):
    forecast, target = pair
    target = target.copy()
    target[:, :, 0] = np.nan
    for metric in (labels.accuracy, labels.iou):
        expected = metric(forecast[:, :, 1:], target[:, :, 1:], classes=4)
        found = metric(forecast, target, classes=4)
        for first, second in zip(expected, found, strict=True):
            np.testing.assert_array_equal(first, second)


def test_the_published_forecast_of_real_labels(cloudcast):
    """Accuracy of CloudCast's own ConvLSTM, 15 minutes and 4 hours ahead."""
    pair = cloudcast["convlstm_prediction"], cloudcast["label"]
    by_step = labels.accuracy(*pair, classes=4).by_step()
    assert by_step[0] == pytest.approx(0.869, abs=5e-4)
    assert by_step[15] == pytest.approx(0.680, abs=5e-4)
