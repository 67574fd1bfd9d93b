"""Scores at other time intervals: the frames that are read, the scaled model."""

import numpy as np
import pytest

from adr_jax import data
from adr_jax.data.tracers import synthetic
from adr_jax.errors import InputError
from adr_jax.evaluation import protocols
from adr_jax.evaluation.metrics import fields
from adr_jax.evaluation.studies import time_step
from adr_jax.models.baselines import persistence


@pytest.fixture
def flow(config):
    """Return a synthetic flow with 2 test sequences of 20 frames, and its options."""
    config.data.update(name="synthetic", path="", shape="vortex", trajectories=1)
    dataset = data.load(config.data)
    few = dict(dataset.splits) | {"test": dataset.splits["test"][:2]}
    return dataset.__class__(**{**vars(dataset), "splits": few}), config.data


def test_every_nth_frame_is_read(flow):
    dataset, _ = flow
    whole = dataset.trajectories.read(1, 0, 20)
    for stride in (1, 2, 3):
        sampled = time_step.Sampled(dataset.trajectories, stride)
        frames = whole[::stride]
        assert sampled.lengths[1] == len(frames)
        last = len(frames)
        np.testing.assert_array_equal(sampled.read(1, 0, last), frames)
        np.testing.assert_array_equal(sampled.read(1, 2, last - 1), frames[2:-1])


def test_frames_between_those_of_a_synthetic_flow(flow):
    dataset, config = flow
    half = data.source("synthetic").at_interval(config, 0.5)
    frames = half.read(1, 3, 39)
    assert half.lengths[1] == 39
    whole = dataset.trajectories.read(1, 2, 20)
    np.testing.assert_array_equal(frames[1::2], whole)
    (expected,) = synthetic.tracer("vortex", 16, 1, [1.5])
    np.testing.assert_array_equal(frames[0], expected)


@pytest.mark.slow
def test_scores_are_those_of_sampled_frames(flow):
    dataset, config = flow
    result = time_step.score(persistence, dataset, config, batch_size=5)
    assert list(result["scores"]) == [
        "model",
        "persistence",
        "extrapolation",
        "advected",
    ]
    scores = result["scores"]["model"]
    assert scores == result["scores"]["persistence"]
    assert list(scores) == list(result["samples"]) == ["0.5", "1", "2", "3"]
    assert result["samples"]["2"] == 2 * (10 - 4)
    usual = protocols.score(
        persistence, dataset, ["one_step"], model_history=4, batch_size=8
    )
    usual = usual["one_step"]["persistence"]["nrmse"]
    # Sums over samples in another order, in float64.
    assert scores["1"] == pytest.approx(usual, rel=1e-12)
    errors = []
    for index in dataset.splits["test"]:
        frames = dataset.trajectories.read(int(index), 0, 20)[None, ::3]
        errors.append(fields.nrmse(frames[:, 3:-1], frames[:, 4:]))
    assert scores["3"] == pytest.approx(np.mean(errors), rel=1e-6)  # float32
    assert list(scores.values()) == sorted(scores.values())


def test_the_scaled_model_receives_the_interval(flow):
    dataset, config = flow
    intervals = []

    def scaled(interval):
        intervals.append(interval)
        return lambda past, steps: interval * persistence(past, steps)

    result = time_step.score(persistence, dataset, config, batch_size=8, scaled=scaled)
    assert intervals == [0.5, 1, 2, 3]
    scores = result["scores"]
    assert scores["scaled"]["1"] == scores["persistence"]["1"]
    assert scores["scaled"]["2"] > 1 > scores["scaled"]["0.5"] > 0.4


def test_a_file_is_sampled_only_as_coarsely_as_its_frames_last(config):
    dataset = data.load(config.data)  # 16 frames, known at no other time
    for history, expected in ((4, ["1", "2", "3"]), (6, ["1", "2"])):
        config.data.history = history
        result = time_step.score(persistence, dataset, config.data, batch_size=8)
        assert list(result["samples"]) == expected
        assert result["samples"]["1"] == 64
    config.data.history = 8
    with pytest.raises(InputError, match="17 in a row; shallow_water.* has 16"):
        time_step.score(persistence, dataset, config.data, batch_size=8)
