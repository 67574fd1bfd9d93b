"""Protocols: windows, frames and means."""

import dataclasses
import time

import numpy as np
import pytest

from adr_jax import data
from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.evaluation import protocols
from adr_jax.evaluation.metrics import fields
from adr_jax.models.baselines import extrapolation, persistence


@pytest.fixture
def dataset(config):
    return data.load(config.data)


class Counting:
    """Trajectories whose frames, of 2 x 3 cells, show their own number."""

    frame_shape = (2, 3, 1)

    def __init__(self, *lengths):
        self.lengths = lengths

    def read(self, index, start, stop):
        frames = 1000 * index + np.arange(start, stop, dtype=np.float32)
        shape = (stop - start, *self.frame_shape)
        return np.broadcast_to(frames[:, None, None, None], shape).copy()


def counting(*lengths, metrics=("rmse", "mse")):
    numbers = np.arange(len(lengths))
    return Dataset(
        name="counting",
        trajectories=Counting(*lengths),
        splits={"test": numbers},
        states={},
        split_name="by hand",
        fingerprint="",
        channels=("a",),
        metrics=metrics,
        thresholds=(2.0,),
    )


def run(dataset, names, forecast=persistence, history=4, batch_size=3):
    return protocols.score(
        forecast, dataset, names, model_history=history, batch_size=batch_size
    )


def scores_of(row):
    """Without the time, which no two runs share."""
    return {name: value for name, value in row.items() if name != "ms_per_frame"}


@pytest.mark.slow
def test_one_step_scores_every_window_of_the_split(dataset):
    result = run(dataset, ["one_step"])["one_step"]
    errors = []
    for number in dataset.splits["test"]:
        frames = dataset.trajectories.read(int(number), 0, 16)
        for start in range(16 - 4):
            pair = frames[start + 3 : start + 5]
            errors.append(fields.nrmse(pair[None, None, 0], pair[None, None, 1]))
    assert result["samples"] == len(errors)
    assert (result["history"], result["horizon"]) == (4, 1)
    assert result["model"]["nrmse"] == pytest.approx(np.mean(errors), rel=1e-12)
    assert result["model"]["spread"]["nrmse"] == pytest.approx(np.std(errors), rel=1e-9)
    assert scores_of(result["model"]) == result["persistence"]
    assert "nrmse_by_step" not in result["model"]


def test_rollout_starts_after_ten_frames_and_goes_to_the_end(dataset):
    result = run(dataset, ["rollout"], extrapolation)["rollout"]
    assert result["samples"] == len(dataset.splits["test"])
    assert (result["history"], result["horizon"]) == (10, 6)
    frames = np.stack(
        [dataset.trajectories.read(int(n), 0, 16) for n in dataset.splits["test"]]
    )
    change = frames[:, 9:10] - frames[:, 8:9]
    ahead = np.arange(1, 7).reshape(1, 6, 1, 1, 1)
    forecast, target = frames[:, 9:10] + ahead * change, frames[:, 10:]
    for metric in (fields.nrmse, fields.rmse):
        name = metric.__name__
        by_step = metric(forecast, target).mean(axis=(0, 2))
        # The forecast itself is float32.
        np.testing.assert_allclose(result["model"][f"{name}_by_step"], by_step, 1e-4)
        assert result["model"][name] == pytest.approx(by_step.mean(), rel=1e-4)
    assert result["model"]["nrmse_at"] == {}  # six steps: no milestone is reached


def test_results_have_the_documented_keys(dataset):
    result = run(dataset, ["rollout"])["rollout"]
    by_step = {"nrmse_by_step", "rmse_by_step", "mass_drift_by_step"}
    metrics = {"nrmse", "rmse", "mass_drift"}
    expected = metrics | by_step | {"nrmse_at", "spread"}
    assert result["persistence"].keys() == expected
    assert result["model"].keys() == expected | {"ms_per_frame"}
    assert result["model"]["spread"].keys() == metrics


@pytest.mark.slow
def test_scores_do_not_depend_on_the_batch_size(dataset):
    results = [run(dataset, ["one_step"], batch_size=n)["one_step"] for n in (1, 7)]
    for result in results:
        result["model"] = scores_of(result["model"])
    assert results[0] == results[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lengths", "history", "first_targets", "horizon"),
    [
        ("one_step", (6, 5), 4, [4, 5, 1004], 1),
        ("rollout", (13, 15), 4, [10, 1010], 3),
        # A start every 16 frames: each frame is a target once.
        ("cloudcast", (64, 40), 10, [16, 32, 48, 1016], 16),
        ("moving_mnist", (20, 20, 20), 10, [10, 1010, 2010], 10),
        # One window a sequence, whatever its length.
        ("moving_mnist", (20, 45), 10, [10, 1010], 10),
        ("kitti_caltech", (25, 11), 10, [10, 21, 1010], 1),
        ("kitti_dmvfn", (8, 6, 7), 2, [2, 3, 2002], 5),
        ("hour", (17, 16), 4, [4, 5, 1004], 12),
        ("nowcast", (40, 3, 28), 4, [4, 10, 16, 2004], 24),
    ],
)
def test_windows_of_a_protocol(name, lengths, history, first_targets, horizon):
    dataset, asked = counting(*lengths), []

    def forecast(past, num_frames):
        assert num_frames == horizon
        asked.extend(past[:, -1, 0, 0, 0] + 1)
        return persistence(past, num_frames)

    result = run(dataset, [name], forecast, history, batch_size=2)[name]
    assert sorted(set(asked)) == first_targets
    assert (result["samples"], result["horizon"]) == (len(first_targets), horizon)
    # Frame n has the value n: the error of persistence is the lead.
    steps = np.arange(1, horizon + 1)
    assert result["model"]["rmse"] == pytest.approx(steps.mean())
    reached = {str(m): m for m in protocols.PROTOCOLS[name].milestones if m <= horizon}
    assert result["model"].get("rmse_at", {}) == reached


@pytest.mark.parametrize(
    ("name", "lengths", "history", "message"),
    [
        ("rollout", (30,), 11, "has 10 frames of history; .* is 11"),
        ("kitti_dmvfn", (30,), 10, "has 2 frames of history; .* is 10"),
        ("rollout", (8, 10), 4, "11 frames does not fit .* which have 10"),
        ("cloudcast", (31,), 4, "32 frames does not fit .* which have 31"),
        ("one_step", (), 4, "test split of counting .* is empty"),
    ],
)
def test_data_that_a_protocol_cannot_score(name, lengths, history, message):
    dataset = counting(*lengths)
    with pytest.raises(InputError, match=message):
        run(dataset, [name], history=history)
    with pytest.raises(InputError, match=message):
        protocols.check(dataset, ["one_step", name], model_history=history)


def test_the_first_metric_is_the_headline(dataset):
    dataset = counting(20, 20, metrics=("csi", "rmse"))
    model = run(dataset, ["moving_mnist"])["moving_mnist"]["model"]
    assert list(model)[:2] == ["csi_2", "rmse"]
    assert model["csi_2_at"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert "rmse_at" not in model


def test_missing_cells_of_a_history_are_filled_in_for_the_baselines():
    holes, seen = Counting(20), []

    def read(index, start, stop):
        frames = Counting.read(holes, index, start, stop)
        frames[7:10, 0, 0] = np.nan  # in the history
        frames[12:, 1, 1] = np.nan  # in the target
        return frames

    def forecast(past, num_frames):
        seen.append(past)
        return persistence(np.nan_to_num(past, nan=6.0), num_frames)

    holes.read = read
    dataset = dataclasses.replace(counting(20), trajectories=holes)
    result = run(dataset, ["moving_mnist"], forecast)["moving_mnist"]
    # The model receives NaN; baselines receive the last observed value, of frame 6.
    assert np.isnan(seen[0][:, 7:, 0, 0]).all()
    steps = np.arange(1, 11)
    cells = np.where(steps < 3, 6, 5)  # without the one that is missing from then on
    expected = np.sqrt(((cells - 1) * steps**2 + (steps + 3) ** 2) / cells)
    for forecaster in ("model", "persistence"):
        assert result[forecaster]["rmse_by_step"] == pytest.approx(expected)


def test_compilation_is_not_timed(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    shapes = set()

    def forecast(past, num_frames):
        now[0] += 0.002 * len(past) * num_frames
        if past.shape not in shapes:  # as XLA would
            now[0] += 100.0
        shapes.add(past.shape)
        return persistence(past, num_frames)

    # Nine windows in batches of 4, 4 and 1, then a single batch of all of them.
    for batch_size in (4, 16):
        shapes.clear()
        result = run(counting(13), ["one_step"], forecast, batch_size=batch_size)
        assert result["one_step"]["model"]["ms_per_frame"] == pytest.approx(2.0)
