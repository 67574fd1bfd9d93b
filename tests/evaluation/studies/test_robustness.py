"""Scores with noise and missing cells, the same in every run."""

import numpy as np
import pytest

from adr_jax import data
from adr_jax.data.normalisation import Statistics
from adr_jax.data.windows import Windows
from adr_jax.evaluation import protocols
from adr_jax.evaluation.studies import robustness
from adr_jax.models.baselines import persistence

pytestmark = pytest.mark.slow


@pytest.fixture
def dataset(config):
    return data.load(config.data)


def score(dataset, forecast=persistence, batch_size=8):
    statistics = Statistics.of(dataset)
    return robustness.score(
        forecast, dataset, statistics, model_history=4, batch_size=batch_size
    )


def filled(past, num_frames):
    """Forecast persistence, missing cells filled with their last value."""
    frames = past.copy()
    for step in range(1, frames.shape[1]):
        gaps = np.isnan(frames[:, step])
        frames[:, step][gaps] = frames[:, step - 1][gaps]
    return np.nan_to_num(persistence(frames, num_frames), nan=1.0)


@pytest.fixture
def result(dataset):
    return score(dataset, filled)


def test_level_zero_is_the_protocol_itself(dataset, result):
    assert result["samples"] == 64 < len(Windows(dataset, "test", 5))
    assert (result["protocol"], result["metric"]) == ("one_step", "nrmse")
    few = dict(dataset.splits) | {"test": dataset.splits["test"][:2]}
    few = dataset.__class__(**{**vars(dataset), "splits": few})
    clean = protocols.score(
        persistence, few, ["one_step"], model_history=4, batch_size=8
    )
    again = score(few)
    assert again["samples"] == clean["one_step"]["samples"] == 24
    for kind in ("noise", "missing"):
        # Normalised and back, in float32.
        expected = pytest.approx(clean["one_step"]["persistence"]["nrmse"], rel=1e-4)
        assert again[kind]["persistence"]["0"] == expected


def test_scores_get_worse_level_by_level(result):
    for kind, levels in robustness.LEVELS.items():
        for forecaster in ("model", "persistence", "extrapolation"):
            scores = result[kind][forecaster]
            assert list(scores) == [f"{level:g}" for level in levels]
            values = list(scores.values())
            assert values == sorted(values) and values[-1] > 1.2 * values[0]


def test_missing_cells_are_filled_for_baselines(result):
    # `filled` does the same, except in the 0.2 % of cells missing in all four frames.
    for level in ("0.05", "0.2"):
        scores = result["missing"]
        expected = pytest.approx(scores["model"][level], rel=0.1)
        assert scores["persistence"][level] == expected


def test_noise_is_in_units_of_the_datas_standard_deviation(dataset):
    levels = []

    def forecast(past, num_frames):
        levels.append(past)
        return persistence(past, num_frames)

    score(dataset, forecast, batch_size=64)
    std = Statistics.of(dataset).std[0]
    noise = [past - levels[0] for past in levels[:5]]
    for level, values in zip(robustness.LEVELS["noise"], noise, strict=True):
        # 65,536 values: 1 % is more than three standard errors of a deviation.
        assert values.std() == pytest.approx(level * std, rel=0.01, abs=1e-6)
    # One scaled pattern, to float32; each window has its own.
    np.testing.assert_allclose(noise[4], 3 * noise[3], atol=1e-5)
    assert abs(np.corrcoef(noise[4][:2].reshape(2, -1))[0, 1]) < 0.1
    for share, past in zip(robustness.LEVELS["missing"], levels[5:], strict=True):
        assert np.isnan(past).mean() == pytest.approx(share, abs=0.01)


def test_scores_are_the_same_in_every_run_and_batch_size(dataset, result):
    again = score(dataset, filled, batch_size=16)
    for kind in robustness.LEVELS:
        for forecaster, scores in result[kind].items():
            # A sum over samples in another order, in float64.
            assert again[kind][forecaster] == pytest.approx(scores, rel=1e-12)
