"""Forecasts that blow up are found at their first step, whichever way they do."""

import numpy as np
import pytest

from adr_jax.evaluation import divergence

DEVIATION = np.array([1.0, 2.0])


@pytest.fixture
def history(generator):
    """Two samples of two channels, the second about 100."""
    frames = generator.uniform(-5, 5, (2, 3, 4, 6, 2))
    frames[..., 0, 0, :] = -5
    frames[..., 1, 1, :] = 5
    frames[..., 1] += 100
    return frames.astype(np.float32)


def test_a_forecast_in_range_is_none(history):
    ahead = np.repeat(history[:, -1:], 7, axis=1)
    assert divergence.find(history, ahead, DEVIATION) is None
    # Nine times the range is still growth.
    ahead[1, 4, 2, 3, 1] = 100 + 9 * 5
    assert divergence.find(history, ahead, DEVIATION) is None


@pytest.mark.parametrize("value", [161.0, 39.0, np.inf, -np.inf, np.nan])
def test_the_first_step_is_named(history, value):
    ahead = np.repeat(history[:, -1:], 7, axis=1)
    ahead[1, 4:, 2, 3, 1] = value
    ahead[0, 6] = 1e9
    found = divergence.find(history, ahead, DEVIATION)
    assert (found.sample, found.step, found.channel) == (1, 5, 1)
    assert (found.least, found.most) == (95, 105)
    assert f"frame 5 of the forecast has {value:.3g}" in str(found)
    assert "between 95 and 105" in str(found)


def test_a_flat_history_may_grow_as_the_training_data_vary(history):
    flat = np.zeros_like(history)
    ahead = np.zeros((2, 4, 4, 6, 2), np.float32)
    ahead[0, 2] = 29
    assert divergence.find(flat, ahead, DEVIATION) is None
    ahead[0, 2] = 31
    assert divergence.find(flat, ahead, DEVIATION).channel == 0


def test_missing_cells_of_a_history_say_nothing(history):
    history[:, :, :2] = np.nan
    history[1] = np.nan
    ahead = np.full((2, 4, 4, 6, 2), 100, np.float32)
    ahead[..., 0] = 0
    assert divergence.find(history, ahead, DEVIATION) is None
