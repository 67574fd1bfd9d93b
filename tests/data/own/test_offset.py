"""Values that vary little about a large number keep what varies."""

import numpy as np
import pytest

import adr_jax
from adr_jax.__main__ import main
from adr_jax.data.normalisation import Statistics
from adr_jax.data.own.source import load
from adr_jax.training import loop
from configs import own


def waves(offset, scale):
    """Return a wave that moves half a cell a frame, (60, 16, 16)."""
    times, _, columns = np.meshgrid(np.arange(60), *[np.arange(16)] * 2, indexing="ij")
    return offset + scale * np.sin(2 * np.pi * (columns - times / 2) / 16)


def saved(path, values):
    np.save(path / "f.npy", values)
    config = own.get_config()
    config.data.path = str(path / "f.npy")
    config.data.axes = "tyx"
    return config


@pytest.mark.parametrize("dtype", ["f8", "i8"])
def test_normalised_frames_are_those_without_the_offset(dtype, tmp_path):
    offset, scale = 10**9, 1000 if dtype == "i8" else 1
    values = waves(offset, scale).astype(dtype)
    dataset = load(saved(tmp_path, values).data)
    assert dataset.offset == pytest.approx((offset,), abs=scale)
    assert any("counted from" in note for note in dataset.notes)
    statistics = Statistics.of(dataset)
    frames = statistics.normalise(dataset.trajectories.read(0, 0, 30))[..., 0]
    expected = values[:30] - float(offset)
    expected = (expected - expected.mean()) / expected.std()
    # float32 of order one.
    np.testing.assert_allclose(frames, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize(("offset", "dtype"), [(100, "f8"), (10**9, "f4")])
def test_others_stay_as_they_are(offset, dtype, tmp_path):
    values = waves(offset, 1000 if dtype == "f4" else 1).astype(dtype)
    assert load(saved(tmp_path, values).data).offset == ()


@pytest.mark.slow
def test_a_model_forecasts_in_the_unit_of_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = waves(1e9, 1.0)
    config = saved(tmp_path, values)
    config.model.head = "persistence"
    config.model.channels, config.model.num_blocks = 4, 1
    config.train.minutes, config.train.steps = 0.0, 2
    config.train.validate_every, config.train.validation_windows = 1, 2
    loop.train_and_evaluate(config, tmp_path / "run")
    model = adr_jax.load(tmp_path / "run")
    ahead = model.forecast(values[..., None], 1)
    assert ahead.dtype == np.float64
    # A wave of height one, half a cell on: not the step of 64 that float32 has here.
    assert np.abs(ahead[0, ..., 0] - values[-1]).max() < 1
    counted = (values - model.offset[0])[..., None]
    counted = (values - model.offset[0])[..., None]
    rest = model.relative_to(model.offset).forecast(counted, 1)
    np.testing.assert_allclose(ahead - model.offset[0], rest, rtol=0, atol=1e-6)
    files = ["--input=f.npy", "--output=out.npz"]
    main(["forecast", "--workdir=run", "--steps=1", *files])
    np.testing.assert_array_equal(np.load("out.npz")["frames"], ahead[..., 0])
