"""Whole runs: trained, stopped, resumed, scored."""

import json
import math
import shutil

import chex
import numpy as np
import pytest
from etils import epath

import adr_jax
from adr_jax import data, models
from adr_jax.errors import InputError
from adr_jax.training import checkpoint, loop, results


def lines(workdir):
    text = (workdir / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def last_checkpoint(workdir):
    checkpoints = checkpoint.Checkpoints(epath.Path(workdir / "checkpoints"), keep=3)
    state, record = checkpoints.restore()
    checkpoints.close()
    return state, record


@pytest.fixture(scope="module")
def finished(tmp_path_factory, make_config):
    """A run of six steps that never stopped, two frames fed back in its second half."""
    workdir = tmp_path_factory.mktemp("runs") / "finished"
    config = make_config()
    config.train.feedback = 2
    loop.train_and_evaluate(config, workdir)
    return workdir


@pytest.fixture
def resumable(config):
    """The configuration of `finished`."""
    config.train.feedback = 2
    return config


def test_a_run_leaves_what_is_promised(finished):
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "config.json",
        "checkpoints",
        "best",
        "metrics.jsonl",
        "tensorboard",
        "results.json",
        "report.html",
        "figures",
    }
    logged = [line for line in lines(finished) if "loss" in line]
    assert [line["step"] for line in logged] == [2, 4, 6]
    validated = [line for line in lines(finished) if "validation_nrmse" in line]
    assert [line["step"] for line in validated] == [3, 6]
    scores = json.loads((finished / "results.json").read_text())
    assert set(scores["protocols"]) == {"one_step", "rollout"}
    assert sum(scores["data"]["trajectories"].values()) == 40
    assert scores["train_seconds"] > 0


def test_resumed_equals_never_stopped(finished, resumable, tmp_path, monkeypatch):
    """Killed after step 4 was saved and step 5 was begun, then started again."""
    read = loop.read_batch

    def kill_at_step_5(windows, seed, step, batch_size):
        if step == 5:
            raise KeyboardInterrupt
        return read(windows, seed, step, batch_size)

    workdir = tmp_path / "stopped"
    monkeypatch.setattr(loop, "read_batch", kill_at_step_5)
    with pytest.raises(KeyboardInterrupt):
        loop.train_and_evaluate(resumable, workdir)
    monkeypatch.undo()
    assert last_checkpoint(workdir)[1]["step"] == 4

    loop.train_and_evaluate(resumable, workdir)
    stopped, never = last_checkpoint(workdir), last_checkpoint(finished)
    chex.assert_trees_all_equal(stopped[0], never[0])  # bit for bit
    assert stopped[1]["best_score"] == never[1]["best_score"]
    scores = [json.loads((w / "results.json").read_text()) for w in (workdir, finished)]
    assert scores[0]["protocols"] == scores[1]["protocols"]
    steps = [(line["step"], line.get("loss")) for line in lines(workdir)]
    assert steps == [(line["step"], line.get("loss")) for line in lines(finished)]


def test_a_finished_run_says_so_and_more_steps_continue_it(
    finished, resumable, tmp_path, capsys
):
    workdir = tmp_path / "copy"
    shutil.copytree(finished, workdir)
    loop.train_and_evaluate(resumable, workdir)
    assert "has its 6 steps; set train.steps higher" in capsys.readouterr().out
    resumable.train.steps = 8
    loop.train_and_evaluate(resumable, workdir)
    assert last_checkpoint(workdir)[1]["step"] == 8
    assert lines(workdir)[-1]["step"] == 8


def test_another_configuration_is_refused_and_nothing_is_overwritten(
    finished, resumable, tmp_path
):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    resumable.model.channels = 8
    resumable.train.learning_rate = 0.1
    with pytest.raises(
        InputError,
        match=r"step 6 of another configuration \(model.channels: 4 -> 8; "
        r"train.learning_rate: 0.002 -> 0.1\)",
    ):
        loop.train_and_evaluate(resumable, finished)
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_other_data_under_the_same_name_is_refused(finished, resumable, monkeypatch):
    load = data.load

    def replaced(config):
        return loop.dataclasses.replace(load(config), fingerprint="another")

    monkeypatch.setattr(loop.data, "load", replaced)
    with pytest.raises(InputError, match="the data file's content"):
        loop.train_and_evaluate(resumable, finished)


def test_a_damaged_checkpoint_is_skipped_for_the_one_before(
    finished, resumable, tmp_path, caplog
):
    workdir = tmp_path / "copy"
    shutil.copytree(finished, workdir)
    for path in (workdir / "checkpoints" / "6" / "state").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:10])
    loop.train_and_evaluate(resumable, workdir)
    assert "checkpoints/6 cannot be read" in caplog.text
    chex.assert_trees_all_equal(
        last_checkpoint(workdir)[0], last_checkpoint(finished)[0]
    )


def test_load_and_evaluate_give_the_stored_numbers(finished):
    run = adr_jax.load(finished)
    scores = results.evaluate(run, data.load(run.config.data))
    stored = json.loads((finished / "results.json").read_text())
    assert scores["protocols"] == stored["protocols"]
    assert scores["parameters"] == stored["parameters"]


def test_best_is_the_step_with_the_best_validation_score(finished):
    validated = [line for line in lines(finished) if "validation_nrmse" in line]
    best = min(validated, key=lambda line: line["validation_nrmse"])
    run = adr_jax.load(finished)
    assert run.record["step"] == best["step"]
    assert run.record["best_score"] == best["validation_nrmse"]


def test_minutes_fix_the_number_of_steps_once(config, tmp_path, monkeypatch):
    config.train.minutes = 0.01
    seconds = []
    monkeypatch.setattr(
        loop, "_steps_within", lambda budget, *_: seconds.append(budget) or 4
    )
    for _ in range(2):
        loop.train(config, tmp_path, data.load(config.data))
    assert seconds == [0.6]
    assert last_checkpoint(tmp_path)[1]["step"] == 4


def test_steps_within_follows_the_measured_rate(config, tmp_path, capsys):
    config.train.minutes = 1e-9
    loop.train(config, tmp_path, data.load(config.data))
    assert "s a step: 1 steps in" in capsys.readouterr().out


def test_a_loss_that_is_not_finite_stops_the_run(config, tmp_path, monkeypatch):
    config.train.clip = 0.0
    config.train.learning_rate = 1e30
    config.train.steps = 12
    with pytest.raises(InputError, match="loss.* at step .* is not finite; the last"):
        loop.train(config, tmp_path, data.load(config.data))


def test_a_workdir_that_cannot_be_written(config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="workdir .* cannot be written .*--workdir"):
        loop.train_and_evaluate(config, tmp_path / "file" / "run")


def test_history_longer_than_the_trajectory(config, tmp_path):
    config.data.history = 16
    with pytest.raises(InputError, match="17 frames does not fit .* which have 16"):
        loop.train_and_evaluate(config, tmp_path)


def test_the_example_for_the_report(finished):
    with np.load(finished / "figures" / "forecast.npz") as example:
        assert example["steps"].tolist() == [1, 10]
        assert example["target"].shape == example["forecast"].shape == (2, 16, 16, 1)
        assert example["displacement"].shape == (2, 16, 16, 4, 2)
        error = example["forecast"] - example["target"]
    # Six steps of training: near its base, which is right to a few per cent in one.
    assert math.sqrt(np.mean(np.square(error[0]))) < 0.1


@pytest.mark.parametrize("name", sorted({*models.NAMES} - {"adrnet", "cnn"}))
def test_another_network_trains_by_its_name_alone(config, tmp_path, name):
    config.model.name = name
    config.train.steps = 2
    config.eval.protocols = ("one_step",)
    loop.train_and_evaluate(config, tmp_path / name)
    written = json.loads((tmp_path / name / "results.json").read_text())
    assert math.isfinite(written["protocols"]["one_step"]["model"]["nrmse"])
