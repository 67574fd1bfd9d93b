"""Scores on other grids."""

import dataclasses

import numpy as np
import pytest

from adr_jax import data
from adr_jax.errors import InputError
from adr_jax.evaluation.studies import resolution
from adr_jax.models.baselines import persistence

pytestmark = pytest.mark.slow


@pytest.fixture
def result(config, monkeypatch):
    """Return the scores of persistence as the model, on three grids."""
    monkeypatch.setattr(resolution, "CELLS", (24, 48, 96))
    seen = []

    def model(past, steps):
        seen.append(past)
        return persistence(past, steps)

    scores = resolution.score(model, data.load(config.data), config.data)
    return scores, seen


def test_the_same_problem_on_every_grid(result):
    scores, seen = result
    assert scores["scores"]["model"] == scores["scores"]["persistence"]
    model = scores["scores"]["model"]
    assert list(model) == ["24", "48", "96"]
    # Fronts are a few cells wide, so they are steeper on finer grids.
    assert model["24"] < model["48"] < model["96"] < 2 * model["24"]
    first = {past.shape[2]: past for past in reversed(seen)}
    assert first[96].shape == (2, 4, 96, 96, 1)
    coarse = first[96].reshape(2, 4, 24, 4, 24, 4, 1).mean(axis=(3, 5))
    # The initial states differ in the cells at the edge of the dam, which is 1 high.
    assert np.abs(coarse - first[24]).mean() < 0.02


def test_windows_are_spread_over_two_dams(result):
    scores, seen = result
    assert scores["samples"] == 16
    assert len(seen) == 3 * 16 / resolution.BATCH
    assert all(cost > 0 for cost in scores["ms_per_frame"]["model"].values())


def test_data_without_other_grids_are_refused(config):
    dataset = dataclasses.replace(data.load(config.data), name="radar")
    with pytest.raises(InputError, match="shallow_water; this one is of radar"):
        resolution.score(persistence, dataset, config.data)
