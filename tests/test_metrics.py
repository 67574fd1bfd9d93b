"""Scores against their formulas, worked out another way."""

import numpy as np
import pytest

from adr_jax.evaluation.metrics import METRICS, mass_drift, nrmse, rmse


@pytest.fixture
def fields(generator):
    target = generator.normal(2.0, 1.0, (3, 4, 6, 5, 2)).astype(np.float32)
    return target + generator.normal(0, 0.1, target.shape).astype(np.float32), target


def test_one_number_per_sample_step_and_channel(fields):
    for metric in METRICS.values():
        assert metric(*fields).shape == (3, 4, 2)


def test_rmse_and_nrmse(fields):
    forecast, target = (field[1, 2, ..., 1].astype(np.float64) for field in fields)
    error = np.linalg.norm(forecast - target)
    # The functions sum in float64 as well.
    assert rmse(*fields)[1, 2, 1] == pytest.approx(error / np.sqrt(30), rel=1e-12)
    expected = error / np.linalg.norm(target)
    assert nrmse(*fields)[1, 2, 1] == pytest.approx(expected, rel=1e-12)


def test_mass_drift_sees_mass_and_not_shape(fields):
    _, target = fields
    # Summing float32 in another order, in float64, is exact to 1e-12.
    assert mass_drift(target[:, :, ::-1], target).max() < 1e-12
    grown = mass_drift(1.01 * target.astype(np.float64), target)
    np.testing.assert_allclose(grown, 0.01, rtol=1e-9)
    np.testing.assert_allclose(
        mass_drift(0.99 * target.astype(np.float64), target), 0.01
    )


def test_a_perfect_forecast_scores_zero(fields):
    _, target = fields
    for metric in METRICS.values():
        assert not metric(target, target).any()
