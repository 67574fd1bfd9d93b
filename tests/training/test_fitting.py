"""Training from Python: what `fit` takes, what it returns, and how it ends."""

import os
import pathlib
import signal

import jax.numpy as jnp
import numpy as np
import pytest

import adr_jax
from adr_jax.data.own.sequences import open_sequences
from adr_jax.data.own.source import load
from adr_jax.errors import InputError
from adr_jax.training import fitting, loop
from adr_jax.training.run.journal import Journal

# A run of seconds.
SMALL = {
    "history": 2,
    "head": "persistence",
    "model__channels": 4,
    "model__num_blocks": 1,
    "model__frames_out": 1,
    "train__feedback": 0,
    "train__log_every": 1,
}


@pytest.fixture(scope="module")
def frames():
    """Return a blob that moves, (time, rows, columns), float64."""
    rows, columns = np.mgrid[:12, :16]
    return np.stack(
        [
            np.exp(-((rows - 4 - 0.1 * n) ** 2 + (columns - 3 - 0.3 * n) ** 2) / 8)
            for n in range(30)
        ]
    )


@pytest.fixture(scope="module")
def model(frames, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("fit") / "run"
    return adr_jax.fit(frames, steps=3, seed=1, workdir=workdir, **SMALL)


@pytest.fixture
def asked_for(monkeypatch):
    """Return the configurations that `fit` would have trained."""
    configs = []

    def note(config, workdir):
        configs.append((config, pathlib.Path(workdir)))
        raise RuntimeError("far enough")

    monkeypatch.setattr(loop, "train_and_evaluate", note)

    def ask(*args, **kwargs):
        with pytest.raises(RuntimeError, match="far enough"):
            adr_jax.fit(*args, **kwargs)
        return configs[-1]

    return ask


@pytest.mark.slow
def test_a_model_of_an_array_forecasts_in_its_form(model, frames):
    assert model.config.seed == 1 and model.record["step"] <= 3
    bare = model.forecast(frames, steps=2)
    assert bare.shape == (2, 12, 16)
    with_channel = model.forecast(frames[..., None], steps=2)
    np.testing.assert_array_equal(bare, with_channel[..., 0])
    assert "3 parameters" not in repr(model) and "\n" not in repr(model)


@pytest.mark.slow
def test_it_is_scored_and_shown(model):
    scores = model.scores["one_step"]
    assert scores["model"]["rmse"] > 0 and "advected" in scores
    shown = model._repr_html_()
    assert "persistence" in shown and shown.count("<table>") == 1
    assert "&lt;!doctype html" in model.report()._repr_html_().lower()


@pytest.mark.slow
def test_a_saved_run_has_all_it_needs(model, frames, tmp_path):
    saved = model.save(tmp_path / "saved")
    expected = model.forecast(frames, steps=1)
    np.testing.assert_array_equal(saved.forecast(frames, steps=1), expected)
    assert saved.config.data.root == str(tmp_path / "saved")
    assert saved.scores == model.scores
    # The frames are beside it, so that it can go on.
    more = adr_jax.fit(frames, steps=4, seed=1, workdir=saved.workdir, **SMALL)
    assert more.config.train.steps == 4
    with pytest.raises(InputError, match="not empty"):
        model.save(tmp_path / "saved")


@pytest.mark.slow
def test_the_frames_of_a_run_are_not_lost_to_others(model, frames):
    stored = (model.workdir / fitting.FRAMES_FILE).read_bytes()
    with pytest.raises(InputError, match="holds a run of other frames"):
        adr_jax.fit(frames + 1, steps=4, seed=1, workdir=model.workdir, **SMALL)
    assert (model.workdir / fitting.FRAMES_FILE).read_bytes() == stored
    assert not list(model.workdir.glob("*.new.h5"))


@pytest.mark.slow
def test_interrupted_it_returns_what_there_is(frames, tmp_path, monkeypatch, capfd):
    record = Journal.progress

    def interrupt(self, step, metrics):
        record(self, step, metrics)
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Journal, "progress", interrupt)
    model = adr_jax.fit(frames, steps=50, workdir=tmp_path / "run", **SMALL)
    assert 2 <= model.record["step"] < 50
    assert model.scores["one_step"]["model"]["rmse"] > 0
    assert "stopping after a step" in capfd.readouterr().err


def stored(config, workdir):
    return open_sequences(workdir / fitting.FRAMES_FILE, axes=config.data.axes)


def test_arrays_are_stored_as_they_are(frames, tmp_path, asked_for):
    both = [frames, frames[::-1]]
    masked = np.ma.masked_less(frames, 0.5)
    for number, (given, shape, expected) in enumerate(
        (
            (frames, (12, 16, 1), frames),
            (jnp.asarray(frames), (12, 16, 1), frames),
            (frames[..., None], (12, 16, 1), frames),
            (both, (12, 16, 1), frames),
            (masked, (12, 16, 1), np.where(frames < 0.5, np.nan, frames)),
            (frames.reshape(30, -1), (192, 1), frames.reshape(30, -1)),
        )
    ):
        config, workdir = asked_for(given, workdir=tmp_path / str(number))
        sequences = stored(config, workdir)
        assert sequences.frame_shape == shape
        read = sequences.read(0, 0, 30)[..., 0]
        np.testing.assert_array_equal(read, expected.astype(np.float32))
        assert len(sequences.keys) == (2 if given is both else 1)


def test_sequences_of_different_lengths(generator, tmp_path, asked_for):
    pictures = generator.integers(0, 256, (3, 30, 12, 16)).astype(np.uint8)
    given = [pictures[0], pictures[1, :17], pictures[2, :25]]
    config, workdir = asked_for(given, workdir=tmp_path / "run")
    sequences = stored(config, workdir)
    assert sequences.lengths == [30, 17, 25]
    assert sequences.data_range == (0, 255)
    for index, member in enumerate(given):
        read = sequences.read(index, 0, len(member))[..., 0]
        np.testing.assert_array_equal(read, member)
    dataset = load(config.data)
    assert sorted(dataset.trajectories.lengths) == [17, 25, 30]


def test_the_axes_that_are_named_are_those_of_each_array(frames, tmp_path, asked_for):
    given = [frames.transpose(1, 2, 0), frames.transpose(1, 2, 0)[..., :20]]
    config, workdir = asked_for(given, workdir=tmp_path / "run", data__axes="yxt")
    assert config.data.axes == "nyxt"
    sequences = stored(config, workdir)
    assert sequences.lengths == [30, 20]
    np.testing.assert_array_equal(
        sequences.read(1, 0, 20)[..., 0], frames[:20].astype(np.float32)
    )


def test_labelled_arrays_are_known_by_their_names(frames, tmp_path, asked_for):
    xarray = pytest.importorskip("xarray")
    times = np.datetime64("2020-01-01", "ns") + 300 * np.arange(30).astype("m8[s]")
    array = xarray.DataArray(
        frames.transpose(1, 2, 0),
        {"time": times, "lat": 60 - np.arange(12.0)},
        ("lat", "lon", "time"),
        name="rain",
        attrs={"units": "mm/h"},
    )
    config, workdir = asked_for(array, workdir=tmp_path / "run")
    sequences = stored(config, workdir)
    assert (sequences.variable, sequences.unit) == ("rain", "mm/h")
    read = sequences.read(0, 0, 30)[..., 0]
    np.testing.assert_array_equal(read, frames.astype(np.float32))
    assert sequences.coordinates["t"].step_in_words == "5 minutes"


def test_options_are_those_of_the_configuration(frames, tmp_path, asked_for):
    config, _ = asked_for(frames, workdir=tmp_path / "a")
    assert (config.train.minutes, config.model.head, config.seed) == (5.0, "auto", 0)
    config, _ = asked_for(
        *(frames,),
        **{"steps": 7, "head": "advection", "seed": 3, "history": 5},
        **{"workdir": tmp_path / "b", "model__channels": 8},
        options={"train": {"noise": 0.2}, "model": {"num_blocks": 3}},
    )
    assert (config.train.steps, config.train.minutes, config.seed) == (7, 0.0, 3)
    assert (config.model.head, config.data.history) == ("advection", 5)
    assert (config.model.channels, config.model.num_blocks) == (8, 3)
    assert config.train.noise == 0.2


def test_a_path_and_a_name_are_told_apart(frames, tmp_path, asked_for, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("mine.npy", frames)
    config, _ = asked_for("mine.npy")
    assert config.data.name == "arrays"
    assert config.data.path == str(tmp_path / "mine.npy")
    config, _ = asked_for("synthetic:vortex", data__trajectories=20)
    assert (config.data.name, config.data.shape) == ("synthetic", "vortex")
    assert config.data.trajectories == 20
    pathlib.Path("radar").mkdir()
    with pytest.raises(InputError, match="a file here and a configuration"):
        adr_jax.fit("radar")


def test_what_cannot_be_meant_is_refused(frames, tmp_path):
    cube = np.zeros((30, 12, 16, 16))
    for given, options, message in (
        ("absent.npy", {}, "no such file, and no configuration"),
        (frames, {"steps": 3, "minutes": 1.0}, "expected one"),
        (frames, {"model__chanels": 3}, "unknown field model.chanels"),
        (frames, {"channels": 3}, "model__channels=32"),
        (frames, {"model": 3}, "their section before"),
        (frames, {"options": {"modell": {}}}, "unknown field modell"),
        (cube, {}, "may be tyxc or ntyx or tzyx: say which, data__axes"),
        (frames[..., :2], {}, "may be tyx or txc or ntx"),
        (np.array(["a", "b"]), {}, "expected real numbers"),
        ([], {}, "empty list"),
        ([frames, frames[:, :9]], {}, "the same numbers of cells"),
        (frames, {"data__axes": "tzyx"}, "names 4, 'tzyx'"),
        (None, {}, "expected real numbers"),
    ):
        with pytest.raises(InputError, match=message):
            adr_jax.fit(given, workdir=tmp_path / "run", **options)


def test_a_whole_dataset_has_to_be_chosen_from(frames, tmp_path):
    xarray = pytest.importorskip("xarray")
    array = xarray.DataArray(frames, dims=("time", "y", "x"), name="rain")
    with pytest.raises(InputError, match="the variables rain; expected one of them"):
        adr_jax.fit(array.to_dataset(), workdir=tmp_path / "run")
