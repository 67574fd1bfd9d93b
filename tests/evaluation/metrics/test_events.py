"""Scores of events, against counts by hand and loops over cells."""

import numpy as np
import pytest

from adr_jax.evaluation.metrics import Ratio, events


def frames(*rows):
    """One sample, one step, one row of cells."""
    return np.array(rows, float).reshape(1, 1, len(rows), -1, 1)


FORECAST = frames([5, 5, 5, 0, 0, 0, 2])
TARGET = frames([5, 2, 0, 5, 5, 0, 0])


def test_counts_by_hand():
    # At or above 2: hits 2, misses 2, false alarms 2 (one of them of 2 exactly).
    assert [n.item() for n in events.counts(FORECAST, TARGET, 2.0)] == [2, 2, 2]
    assert [n.item() for n in events.counts(FORECAST, TARGET, 5.0)] == [1, 2, 2]
    assert events.csi(FORECAST, TARGET, 5.0).score() == 1 / 5
    assert events.pod(FORECAST, TARGET, 5.0).score() == 1 / 3
    assert events.far(FORECAST, TARGET, 5.0).score() == 2 / 3


def test_samples_are_pooled_before_they_are_divided(generator):
    forecast, target = generator.uniform(size=(2, 50, 2, 4, 4, 1))
    target[:20] = forecast[:20] = 0  # nothing happens, and rightly
    ratio = events.csi(forecast, target, 0.8)
    predicted, observed = forecast >= 0.8, target >= 0.8
    by_step = [
        (predicted & observed)[:, s].sum() / (predicted | observed)[:, s].sum()
        for s in range(2)
    ]
    np.testing.assert_allclose(ratio.by_step(), by_step, rtol=1e-12)
    assert ratio.score() == pytest.approx(np.mean(by_step), rel=1e-12)


def test_without_any_event_there_is_no_score():
    dry = np.zeros((2, 3, 4, 4, 1))
    for metric in (events.csi, events.pod, events.far):
        assert np.isnan(metric(dry, dry, 1.0).score())
        assert np.isnan(metric(dry, dry, 1.0).spread())
    assert events.csi(dry + 2, dry, 1.0).score() == 0
    assert np.isnan(events.pod(dry + 2, dry, 1.0).score())  # nothing to detect
    assert np.isnan(events.far(dry, dry + 2, 1.0).score())  # no alarm


def fss_by_loops(forecast, target, threshold, scale):
    """Roberts and Lean, cell by cell: squares reach outside, where nothing happens."""
    reach = scale // 2
    padded = [np.pad(f >= threshold, reach) for f in (forecast, target)]
    apart = reference = 0.0
    for i, j in np.ndindex(forecast.shape):
        predicted, observed = (p[i : i + scale, j : j + scale].mean() for p in padded)
        apart += (predicted - observed) ** 2
        reference += predicted**2 + observed**2
    return 1 - apart / reference


@pytest.mark.parametrize("scale", events.SCALES)
def test_fss_is_its_formula(generator, scale):
    forecast, target = generator.uniform(size=(2, 1, 2, 20, 31, 1))
    ratio = events.fss(forecast, target, 0.9, scale=scale)
    expected = [
        fss_by_loops(forecast[0, s, ..., 0], target[0, s, ..., 0], 0.9, scale)
        for s in range(2)
    ]
    np.testing.assert_allclose(ratio.by_step(), expected, rtol=1e-10)


def test_fss_accepts_near_events():
    target = np.zeros((1, 1, 40, 40, 1))
    target[0, 0, 15:25, 15:25] = 1
    moved = np.roll(target, 12, axis=3)  # no cell in common
    scores = [events.fss(moved, target, 0.5, scale=s).score() for s in (1, 5, 17)]
    assert scores[0] == 0 and scores[0] < scores[1] < scores[2] < 1
    assert events.fss(target, target, 0.5, scale=5).score() == pytest.approx(1)


def test_ratios_of_batches_join(generator):
    forecast, target = generator.uniform(size=(2, 6, 2, 4, 4, 1))
    whole = events.csi(forecast, target, 0.5)
    parts = [events.csi(forecast[a], target[a], 0.5) for a in (slice(2), slice(2, 6))]
    joined = Ratio.joined(parts)
    for first, second in zip(whole, joined, strict=True):
        np.testing.assert_array_equal(first, second)


def test_spread_is_over_samples_that_have_a_score():
    hits = np.array([1.0, 3.0, 0.0]).reshape(3, 1, 1)
    ratio = Ratio(hits, np.array([4.0, 4.0, 0.0]).reshape(3, 1, 1))
    assert ratio.spread() == pytest.approx(np.std([0.25, 0.75]))
    assert ratio.score() == 0.5
