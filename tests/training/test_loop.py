"""Whole runs: trained, stopped, resumed, scored."""

import dataclasses
import gc
import itertools
import json
import math
import os
import shutil
import signal
import time
import types

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from etils import epath

import adr_jax
from adr_jax import data, models
from adr_jax.errors import InputError
from adr_jax.evaluation.metrics import Ratio, metrics_of
from adr_jax.evaluation.report import examples
from adr_jax.training import (
    configuration,
    loop,
    results,
    setup,
    timing,
    validation,
)
from adr_jax.training.run import checkpoint, locks
from adr_jax.training.run.journal import Journal
from adr_jax.training.run.stopping import Stopped

pytestmark = pytest.mark.slow


def lines(workdir):
    text = (workdir / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def without_times(protocols):
    """Scores alone: what another run of the same model must repeat."""
    for result in protocols.values():
        assert result["model"].pop("ms_per_frame") > 0
    return protocols


def train(config, workdir):
    """Train without scoring."""
    config = configuration.read(config)
    loop.train(config, epath.Path(workdir), data.load(config.data))


def last_checkpoint(workdir):
    checkpoints = checkpoint.Checkpoints(epath.Path(workdir / "checkpoints"), keep=3)
    state, record = checkpoints.restore()
    checkpoints.close()
    return state, record


@pytest.fixture(scope="module")
def finished(tmp_path_factory, make_config):
    """Train six steps without a stop, two frames fed back in the second half."""
    workdir = tmp_path_factory.mktemp("runs") / "finished"
    config = make_config()
    config.train.feedback = 2
    loop.train_and_evaluate(config, workdir)
    return workdir


@pytest.fixture
def resumable(config):
    """Return the configuration of `finished`."""
    config.train.feedback = 2
    return config


def test_a_run_leaves_what_is_promised(finished, resumable):
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "config.json",
        "checkpoints",
        "best",
        "metrics.jsonl",
        "tensorboard",
        "results.json",
        "report.html",
        "model_card.md",
        "figures",
    }
    logged = [line for line in lines(finished) if "loss" in line]
    assert [line["step"] for line in logged] == [2, 4, 6]
    validated = [line for line in lines(finished) if "train_seconds" in line]
    assert [line["step"] for line in validated] == [3, 6]
    metrics = [metric.name for metric in metrics_of(data.load(resumable.data))]
    names = [*metrics, f"{metrics[0]}_first_step"]
    assert list(validated[0])[1:-1] == [f"validation_{name}" for name in names]
    scores = json.loads((finished / "results.json").read_text())
    assert set(scores["protocols"]) == {"one_step", "rollout"}
    assert sum(scores["data"]["trajectories"].values()) == 40
    assert scores["train_seconds"] > 0


def test_resumed_equals_never_stopped(finished, resumable, tmp_path, monkeypatch):
    """Killed after step 4 was saved and step 5 was begun, then started again."""
    read = setup.read_batch

    def kill_at_step_5(windows, seed, step, **options):
        if step == 5:
            raise KeyboardInterrupt
        return read(windows, seed, step, **options)

    workdir = tmp_path / "stopped"
    monkeypatch.setattr(setup, "read_batch", kill_at_step_5)
    with pytest.raises(KeyboardInterrupt):
        loop.train_and_evaluate(resumable, workdir)
    monkeypatch.undo()
    assert last_checkpoint(workdir)[1]["step"] == 4

    loop.train_and_evaluate(resumable, workdir)
    stopped, never = last_checkpoint(workdir), last_checkpoint(finished)
    chex.assert_trees_all_equal(stopped[0], never[0])  # bit for bit
    assert stopped[1]["best_score"] == never[1]["best_score"]
    scores = [json.loads((w / "results.json").read_text()) for w in (workdir, finished)]
    assert without_times(scores[0]["protocols"]) == without_times(
        scores[1]["protocols"]
    )
    steps = [(line["step"], line.get("loss")) for line in lines(workdir)]
    assert steps == [(line["step"], line.get("loss")) for line in lines(finished)]


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 75), ("SIGINT", 130)])
def test_a_signal_saves_and_the_same_command_resumes(
    finished, resumable, tmp_path, monkeypatch, number, code
):
    read = setup.read_batch

    def stop_at_step_3(windows, seed, step, **options):
        if step == 3:
            os.kill(os.getpid(), getattr(signal, number))
        return read(windows, seed, step, **options)

    resumable.train.checkpoint_every = 100
    resumable.eval.protocols = ()
    monkeypatch.setattr(setup, "read_batch", stop_at_step_3)
    with pytest.raises(Stopped, match="is saved: the same command resumes") as stop:
        loop.train_and_evaluate(resumable, tmp_path)
    monkeypatch.undo()
    assert stop.value.exit_code == code
    assert 0 < last_checkpoint(tmp_path)[1]["step"] < 6

    loop.train_and_evaluate(resumable, tmp_path)
    chex.assert_trees_all_equal(
        last_checkpoint(tmp_path)[0], last_checkpoint(finished)[0]
    )
    steps = [(line["step"], line.get("loss")) for line in lines(tmp_path)]
    assert steps == [(line["step"], line.get("loss")) for line in lines(finished)]


def test_two_runs_in_one_workdir_are_refused(finished, resumable):
    with (
        locks.claimed(epath.Path(finished)),
        pytest.raises(InputError, match="in use by process"),
    ):
        loop.train_and_evaluate(resumable, finished)


def test_nothing_is_compiled_or_moved_unasked_between_steps(
    resumable, tmp_path, monkeypatch
):
    """Each kind of step compiles once; arrays go to devices where the code says so."""
    resumable.train.steps = 12
    compiled, counts = [], {}
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: compiled.append(name) if "compile" in name else None
    )
    progress, prefetch = Journal.progress, loop.prefetch

    def count(journal, step, metrics):
        counts[step] = len(compiled)
        progress(journal, step, metrics)

    def guarded(read, steps):
        with jax.transfer_guard("disallow"):
            yield from prefetch(read, steps)

    monkeypatch.setattr(Journal, "progress", count)
    monkeypatch.setattr(loop, "prefetch", guarded)
    try:
        train(resumable, tmp_path)
    finally:
        jax.monitoring.clear_event_listeners()
    # The step and, at step 3, validation; from step 7 on the step with feedback.
    assert counts[2] < counts[4] == counts[6] < counts[8] == counts[12]


def test_it_is_said_from_where_on_forecasts_are_fed_back(
    finished, resumable, tmp_path, capsys
):
    assert [line["feedback"] for line in lines(finished) if "loss" in line] == [0, 2, 2]
    page = (finished / "report.html").read_text()
    assert "From about step 4 on it counts forecasts of forecasts too." in page
    resumable.train.steps = 4
    train(resumable, tmp_path)
    said = capsys.readouterr().out
    assert said.count("forecasts are fed back") == 1
    assert "from step 3 on forecasts are fed back, train.feedback=2" in said


def test_a_lost_best_model_is_found_anew(config, tmp_path, caplog):
    train(config, tmp_path)
    shutil.rmtree(tmp_path / "best")
    config.train.steps = 7
    train(config, tmp_path)
    assert "best is lost" in caplog.text
    assert adr_jax.load(tmp_path).record["step"] == 7


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
        return dataclasses.replace(load(config), fingerprint="another")

    monkeypatch.setattr(data, "load", replaced)
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


# A read that fails leaves tasks of orbax's own event loop behind.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_bit_flipped_in_any_file_is_never_taken_for_a_checkpoint(finished, tmp_path):
    (step,) = (finished / "best").iterdir()
    whole = checkpoint.Checkpoints(epath.Path(finished / "best"), keep=1)
    expected = whole.restore()
    whole.close()
    files = [path.relative_to(finished) for path in step.rglob("*") if path.is_file()]
    assert len(files) > 5
    refused = 0
    for number, file in enumerate(files):
        folder = epath.Path(tmp_path / str(number))
        shutil.copytree(finished / "best", folder / "best")
        content = bytearray((folder / file).read_bytes() or b" ")
        content[len(content) // 2] ^= 1
        (folder / file).write_bytes(content)
        damaged = checkpoint.Checkpoints(folder / "best", keep=1)
        try:
            restored = damaged.restore()
        except InputError:
            refused += 1
        else:  # a file that says nothing of the state
            chex.assert_trees_all_equal(restored, expected)
        damaged.close()
    assert refused >= 4  # those of arrays, their index, and the record
    # What was left behind is told of in this test, not in a later one: reads that end
    # after the loop that asked for them, then the loops.
    time.sleep(1)
    gc.collect()


def test_load_and_evaluate_give_the_stored_numbers(finished):
    run = adr_jax.load(finished)
    scores = results.evaluate(run, data.load(run.config.data))
    stored = json.loads((finished / "results.json").read_text())
    assert without_times(scores["protocols"]) == without_times(stored["protocols"])
    assert scores["parameters"] == stored["parameters"]


def test_best_is_the_step_with_the_best_validation_score(finished):
    validated = [line for line in lines(finished) if "validation_nrmse" in line]
    best = min(validated, key=lambda line: line["validation_nrmse"])
    run = adr_jax.load(finished)
    assert run.record["step"] == best["step"]
    assert run.record["best_score"][0] == best["validation_nrmse"]


class FakeMetric:
    """Better the higher, and highest after the first validation."""

    name = "fake"

    def __init__(self):
        self.values = iter([0.75, 0.5])

    def improves(self, score, on):
        return score > on

    def score(self, ratio):
        return ratio.score()

    def measure(self, forecast, target):
        value = np.full((*target.shape[:2], 1), next(self.values))
        return Ratio(value, np.ones_like(value))


def test_the_first_metric_of_the_data_chooses_the_best(config, tmp_path, monkeypatch):
    metric = FakeMetric()
    monkeypatch.setattr(validation, "metrics_of", lambda dataset: [metric])
    train(config, tmp_path)
    assert [line["validation_fake"] for line in lines(tmp_path) if "loss" not in line]
    best = adr_jax.load(tmp_path).record
    assert (best["step"], best["best_score"]) == (3, [0.75])


def test_minutes_fix_the_number_of_steps_once(config, tmp_path, monkeypatch):
    config.train.minutes = 0.01
    timed = []
    monkeypatch.setattr(
        timing, "_seconds_a_step", lambda *arguments: timed.append(arguments) or 0.15
    )
    for _ in range(2):
        train(config, tmp_path)
    assert len(timed) == 1
    assert last_checkpoint(tmp_path)[1]["step"] == 4  # of 0.15 s in 0.6 s


def test_steps_within_follows_the_measured_rate(config, tmp_path, capsys):
    config.train.minutes = 1e-9
    train(config, tmp_path)
    assert "s a step: 1 steps in" in capsys.readouterr().out


def test_a_step_is_timed_over_many_as_single_ones_vary(monkeypatch):
    seconds = itertools.cycle([0.25, 0.75])
    now = [0.0]

    def step(state, batch):
        now[0] += next(seconds)
        return state, {}

    clock = types.SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr(timing, "time", clock)
    cost = timing._seconds_a_step(step, jnp.zeros(3), lambda _: None, enough=3.0)
    # Of the 1 + 3 // 0.75 timed steps three are fast and two slow.
    assert cost == (3 * 0.25 + 2 * 0.75) / 5


def test_a_loss_that_is_not_finite_stops_the_run(config, tmp_path, monkeypatch):
    config.train.clip = 0.0
    config.train.learning_rate = 1e30
    config.train.steps = 12
    with pytest.raises(InputError, match="_norm at step 1 is not finite; there is no"):
        train(config, tmp_path)


def test_a_workdir_that_cannot_be_written(config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="workdir .* cannot be written .*--workdir"):
        loop.train_and_evaluate(config, tmp_path / "file" / "run")


def test_a_protocol_that_cannot_be_scored_is_refused_before_training(config, tmp_path):
    config.eval.protocols = ("cloudcast",)
    with pytest.raises(InputError, match="32 frames does not fit .* split test"):
        loop.train_and_evaluate(config, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_without_protocols_a_run_ends_trained_and_not_scored(config, tmp_path, capsys):
    config.eval.protocols = ()
    loop.train_and_evaluate(config, tmp_path)
    assert "not scored, as eval.protocols names none" in capsys.readouterr().out
    assert adr_jax.load(tmp_path).record["step"] == 6
    assert not (tmp_path / "results.json").exists()
    config.eval.protocols = ("one_step",)
    loop.train_and_evaluate(config, tmp_path)
    scores = json.loads((tmp_path / "results.json").read_text())
    assert scores["protocols"].keys() == {"one_step"}
    assert adr_jax.load(tmp_path).config.eval.protocols == ("one_step",)


def test_a_loss_of_classes_is_refused_before_training(config, tmp_path):
    config.train.loss = "cross_entropy"
    with pytest.raises(InputError, match="needs a channel for each class"):
        loop.train_and_evaluate(config, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_history_longer_than_the_trajectory(config, tmp_path):
    config.data.history = 16
    with pytest.raises(InputError, match="17 frames does not fit .* which have 16"):
        loop.train_and_evaluate(config, tmp_path)


def test_the_samples_for_the_report(finished):
    kept = examples.read(finished / "figures" / "samples.npz")
    assert kept.protocol == "rollout" and kept.metric == "nrmse"
    n = len(kept.windows)
    assert kept.steps.tolist() == list(range(1, 7))  # 16 frames, 10 of them seen
    assert kept.pictures.shape == (n, 3, 6, 16, 16, 1)
    assert kept.motion.shape == (1, 16, 16, 4, 2)
    assert kept.net_motion.shape == (n, 6, 16, 16, 2)
    np.testing.assert_allclose(kept.shares.sum(axis=1), 1.0, rtol=1e-6)  # float32
    # Six steps of training: near its base, which is right to a few per cent in one.
    assert math.sqrt(np.mean(np.square(kept.pictures[:, 2, 0]))) < 0.1
    written = json.loads((finished / "results.json").read_text())
    assert len(written["protocols"]["rollout"]["best_median_worst"]) == 3


@pytest.mark.parametrize("name", sorted({*models.NETWORKS} - {"adrnet"}))
def test_another_network_trains_by_its_name_alone(config, tmp_path, name):
    config.model.name = name
    config.train.steps = 2
    config.eval.protocols = ("one_step",)
    loop.train_and_evaluate(config, tmp_path / name)
    written = json.loads((tmp_path / name / "results.json").read_text())
    assert math.isfinite(written["protocols"]["one_step"]["model"]["nrmse"])
