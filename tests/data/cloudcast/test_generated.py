"""The stand-in for CloudCast: clouds that winds carry, in CloudCast's layout."""

import dataclasses
import json

import h5py
import jax
import numpy as np
import pytest
from etils import epath

import adr_jax
from adr_jax.__main__ import main
from adr_jax.data.cloudcast import generated
from adr_jax.data.cloudcast.source import CLASS_OF_RAW
from adr_jax.data.contract import SPLITS
from adr_jax.errors import InputError
from adr_jax.training import configuration, loop
from configs import base
from configs import cloudcast as cloudcast_config

pytestmark = pytest.mark.slow

CELLS = 32
WORLD = 48


def labels_of(seed, frames=40, cells=64):
    """Return the classes of a sky from its first frame on."""
    key = jax.random.key(seed)
    raw = generated.raw_frames(key, cells, frames, lambda _=1: None)
    return CLASS_OF_RAW[raw]


def correlation(first, second):
    """Return the correlation of each layer."""
    first, second = (np.asarray(f).reshape(-1, f.shape[-1]) for f in (first, second))
    first, second = first - first.mean(0), second - second.mean(0)
    return (first * second).mean(0) / first.std(0) / second.std(0)


def shifted(field, u):
    """Move a periodic field by `u` cells, exactly: a phase of its waves."""
    k = 2 * np.pi * np.fft.fftfreq(len(field))
    phase = k[:, None, None] * u[..., 0] + k[None, :, None] * u[..., 1]
    waves = np.fft.fft2(field, axes=(0, 1)) * np.exp(-1j * phase)
    return np.fft.ifft2(waves, axes=(0, 1)).real


def shorten(monkeypatch, train, test):
    """Make files of this many frames."""
    files = zip(generated.FILES, (train, test), strict=True)
    short = [file._replace(frames=frames) for file, frames in files]
    monkeypatch.setattr(generated, "FILES", short)


@pytest.fixture
def short(monkeypatch):
    shorten(monkeypatch, 60, 33)


@pytest.fixture
def config(tmp_path):
    data = base.get_config().data
    data.update(name="cloud_sample", root=str(tmp_path), cells=CELLS)
    data.update(split="mid_2018", history=4, horizon=1)
    return data


def test_the_sky_is_the_same_where_numbers_are_double():
    def raw():
        key = jax.random.key(3)
        return generated.raw_frames(key, 16, 3, lambda: None)

    single = raw()
    with jax.enable_x64(True):
        np.testing.assert_array_equal(raw(), single)


def test_clouds_move_with_their_layers_wind():
    """A steady uniform wind, whose shift is known without interpolation."""
    sky = generated.first_sky(jax.random.key(3), WORLD)
    sky = sky._replace(stream=np.zeros_like(sky.stream))
    uniform = np.asarray(generated.wind(sky))[0, 0]
    later = generated.next_sky(jax.random.key(4), sky)
    moved = correlation(later.moisture, shifted(sky.moisture, uniform))
    stayed = correlation(later.moisture, sky.moisture)
    against = correlation(later.moisture, shifted(sky.moisture, -uniform))
    # exp(-1/100) of it is left, less what the finest waves lose to interpolation.
    assert (moved > 0.96).all()
    # The slowest moves 0.7 cells, a small part of a cloud.
    assert (1 - moved < 0.7 * (1 - stayed)).all() and (stayed > against).all()


def test_winds_have_their_speed_and_do_not_diverge():
    speeds = [layer.speed for layer in generated.LAYERS]
    mean_squares = []
    for seed in range(8):
        sky = generated.first_sky(jax.random.key(seed), WORLD)
        u = np.asarray(generated.wind(sky), np.float64)
        k = 2j * np.pi * np.fft.fftfreq(WORLD)
        waves = np.fft.fft2(u, axes=(0, 1))
        divergence = k[:, None, None] * waves[..., 0] + k[None, :, None] * waves[..., 1]
        # Rounding of float32, of a sum over WORLD**2 cells.
        assert np.abs(divergence).max() < 1e-4 * np.abs(waves).max()
        mean_squares.append(np.square(u).sum(-1).mean((0, 1)))
    # Eddies are few, so that eight worlds tell their strength to a third.
    assert np.sqrt(np.mean(mean_squares, 0)) == pytest.approx(speeds, rel=0.33)


def test_a_sky_stays_as_cloudy_as_it_began_and_forgets_its_clouds():
    sky = first = generated.first_sky(jax.random.key(0), WORLD)
    variances = []
    for step in range(300):
        sky = generated.next_sky(jax.random.key(step), sky)
        variances.append(np.var(sky.moisture))
    # Interpolation takes some of the finest waves, chance moves the coarsest.
    assert 0.6 < np.mean(variances[100:]) < 1.3
    assert np.abs(correlation(sky.moisture, first.moisture)).max() < 0.5


def test_the_highest_cloudy_layer_is_seen():
    moisture = np.array([[9, 9, 9], [9, 9, -9], [9, -9, -9], [-9, -9, -9]], np.float32)
    sky = generated.Sky(moisture.reshape(2, 2, 3), None, None)
    assert np.asarray(generated.seen(sky)).tolist() == [[8, 7], [6, 1]]


def test_statistics_are_of_the_order_of_the_real(cloudcast):
    real = cloudcast["label"][0, ..., 0].astype(int)
    skies = [labels_of(seed) for seed in range(3)]
    for lag in (1, 4):
        change = np.mean([sky[lag:] != sky[:-lag] for sky in skies])
        # Real clouds move less, and flicker.
        assert 0.5 < change / np.mean(real[lag:] != real[:-lag]) < 2
    made = np.bincount(np.ravel(skies), minlength=4) / np.size(skies)
    assert (np.abs(made - np.bincount(real.ravel()) / real.size) < 0.15).all()
    assert (made > 0.03).all()


def test_a_sample_is_a_function_of_its_seed(short, tmp_path):
    def bytes_of(name, seed):
        generated.generate(tmp_path / name, CELLS, seed)
        return [path.read_bytes() for path in sorted((tmp_path / name).iterdir())]

    first = bytes_of("first", 0)
    assert bytes_of("same", 0) == first
    other = bytes_of("other", 1)
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_train_and_test_are_different_skies(short, config):
    generated.prepare(config)
    dataset = generated.load(config)
    train, test = (int(dataset.splits[split][0]) for split in ("train", "test"))
    frames = [dataset.trajectories.read(index, 0, 30) for index in (train, test)]
    assert dataset.trajectories.lengths[test] == 33
    assert not np.array_equal(*frames)
    assert dataset.name == "cloud_sample" and dataset.cell_size is None


def test_files_are_in_the_layout_of_the_real(short, config, tmp_path):
    generated.prepare(config)
    with h5py.File(tmp_path / f"cloud_sample_{CELLS}" / "TestCloud.nc") as file:
        labels = file["__xarray_dataarray_variable__"]
        assert labels.shape == (CELLS, CELLS, 33) and labels.dtype == np.uint8
        assert [labels.dims[axis][0].name for axis in range(3)] == [
            "/lat",
            "/lon",
            "/time",
        ]
        assert set(np.unique(labels)) == {1, 6, 7, 8}
        # From 2018-07-01 on, 546 days after the first of 2017.
        assert file["time"][:3].tolist() == [
            546 * 1440,
            546 * 1440 + 15,
            546 * 1440 + 30,
        ]


def test_it_is_made_once_and_only_without_a_path(short, config, tmp_path):
    config.path = "typo"
    generated.prepare(config)
    assert list(tmp_path.iterdir()) == []
    config.path = ""
    generated.prepare(config)
    (folder,) = tmp_path.iterdir()
    before = [path.stat().st_mtime_ns for path in folder.iterdir()]
    generated.prepare(config)
    assert [path.stat().st_mtime_ns for path in folder.iterdir()] == before


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), KeyboardInterrupt()],
    ids=["full", "interrupted"],
)
def test_nothing_half_written_is_left(short, config, tmp_path, monkeypatch, error):
    write = generated._write

    def fail_at_the_second_file(path, *rest):
        write(path, *rest)
        if path.name == "TestCloud.nc":
            raise error

    monkeypatch.setattr(generated, "_write", fail_at_the_second_file)
    with pytest.raises((InputError, KeyboardInterrupt)) as raised:
        generated.prepare(config)
    if isinstance(error, OSError):
        assert "No space left on device" in str(raised.value)
        assert "make room" in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_the_command_makes_a_folder_and_overwrites_none(short, tmp_path, capsys):
    folder = tmp_path / "new" / "clouds"
    arguments = ["data", "cloudcast_sample", f"--output={folder}", f"--cells={CELLS}"]
    main(arguments)
    assert capsys.readouterr().out.strip() == str(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "TestCloud.nc",
        "TrainCloud.nc",
    ]
    with pytest.raises(SystemExit, match="exists; name another folder"):
        main(arguments)
    with pytest.raises(
        SystemExit, match="at least 16 cells and a seed from 0 up; got 4"
    ):
        main(["data", "cloudcast_sample", f"--output={tmp_path / 'x'}", "--cells=4"])


@pytest.mark.parametrize(("head", "feedback"), [("advection", 0), ("persistence", 1)])
def test_classes_are_forecast_as_probabilities_that_can_be_fed_back(
    short, tmp_path, head, feedback
):
    config = cloudcast_config.get_config("sample")
    config.data.update(root=str(tmp_path / "data"), cells=16, history=2, split="all")
    config.data.path = "sky"
    generated.generate(tmp_path / "data" / "sky", cells=16)
    dataset = generated.load(config.data)
    dataset = dataclasses.replace(
        dataset, splits=dict.fromkeys(SPLITS, dataset.splits["test"])
    )
    config.model.update(channels=4, num_blocks=1, frames_in=2, frames_out=1, head=head)
    config.train.update(loss="cross_entropy", steps=2, batch_size=2)
    config.train.update(feedback=feedback, feedback_after=0.0, validation_windows=1)
    config = configuration.read(config)
    loop.train(config, epath.Path(tmp_path / "run"), dataset)
    run = adr_jax.load(tmp_path / "run")
    ahead = run.forecast(dataset.trajectories.read(0, 0, 2), steps=12)
    assert ahead.min() >= 0
    np.testing.assert_allclose(ahead.sum(axis=-1), 1.0, atol=1e-5)  # float32
    assert tuple(run.statistics.std) == (1.0,) * 4


def test_the_first_command_of_a_new_user_is_complete(tmp_path, capsys, monkeypatch):
    """Small and short, all else as configs/cloudcast.py:sample has it."""
    shorten(monkeypatch, 360, 33)  # a tenth of it holds a window
    config = cloudcast_config.get_config("sample")
    config.data.update(root=str(tmp_path / "data"), cells=16)
    config.model.update(channels=4, num_blocks=1)
    config.train.update(steps=2, batch_size=2, validate_every=2, validation_windows=1)
    loop.train_and_evaluate(config, tmp_path / "run")
    shown = capsys.readouterr().out
    assert "cloud_sample_16 is missing: making it" in shown
    assert all(name in shown for name in ("model", "persistence", "extrapolation"))
    scores = json.loads((tmp_path / "run" / "results.json").read_text())
    assert scores["data"]["name"] == "cloud_sample"
    assert (tmp_path / "run" / "report.html").exists()
