"""Protocols: which windows, which frames, which means."""

import numpy as np
import pytest

from adr_jax import data
from adr_jax.errors import InputError
from adr_jax.evaluation import metrics, protocols
from adr_jax.models.baselines import extrapolation, persistence


@pytest.fixture
def dataset(config):
    return data.load(config.data)


def run(dataset, names, forecast=persistence, history=4, batch_size=3):
    return protocols.score(
        forecast, dataset, names, model_history=history, batch_size=batch_size
    )


def test_one_step_scores_every_window_of_the_split(dataset):
    result = run(dataset, ["one_step"])["one_step"]
    errors = []
    for number in dataset.splits["test"]:
        frames = dataset.trajectories.read(int(number), 0, 16)
        for start in range(16 - 4):
            pair = frames[start + 3 : start + 5]
            errors.append(metrics.nrmse(pair[None, None, 0], pair[None, None, 1]))
    assert result["samples"] == len(errors)
    assert (result["history"], result["horizon"]) == (4, 1)
    assert result["model"]["nrmse"] == pytest.approx(np.mean(errors), rel=1e-12)
    assert result["model"] == result["persistence"]
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
    expected = metrics.nrmse(frames[:, 9:10] + ahead * change, frames[:, 10:])
    by_step = expected.mean(axis=(0, 2))
    # The forecast itself is float32.
    np.testing.assert_allclose(result["model"]["nrmse_by_step"], by_step, rtol=1e-4)
    assert result["model"]["nrmse"] == pytest.approx(by_step.mean(), rel=1e-4)
    assert result["model"]["nrmse_at"] == {}  # six steps: no milestone is reached


def test_scores_do_not_depend_on_the_batch_size(dataset):
    results = [run(dataset, ["one_step"], batch_size=n)["one_step"] for n in (1, 7)]
    assert results[0] == results[1]


def test_a_history_longer_than_the_protocol_is_refused(dataset):
    with pytest.raises(InputError, match="gives 10 frames of history; .* is 11"):
        run(dataset, ["rollout"], history=11)


def test_the_table_names_protocol_and_baselines(dataset):
    text = protocols.table(run(dataset, ["one_step", "rollout"]))
    for word in ("one_step: 4 frames in, 1 out", "rollout: 10 frames in, 6 out"):
        assert word in text
    assert text.count("persistence") == text.count("extrapolation") == 2
