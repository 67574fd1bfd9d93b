"""The command `forecast` for rain radar: what it reads, says and writes."""

import pathlib
from types import SimpleNamespace

import h5py
import netCDF4
import numpy as np
import pytest
import xarray
from PIL import Image

from adr_jax.__main__ import main
from adr_jax.commands import forecast_rain
from adr_jax.data.weather import rain
from configs import radar

PAST, STEPS, LONGEST = 4, 3, 24
START = 1530446400  # 2018-07-01 12:00


class Model:
    """A stand-in for a trained model: the last frame, 1 dBZ more in each."""

    def __init__(self, growth=1.0):
        self.config = radar.get_config()
        self.record = {"step": 7, "cell_size": "2 km", "frame_interval": "5 min"}
        self.statistics = SimpleNamespace(std=[8.0])
        self.thresholds = tuple(rain.reflectivity(np.array([0.1, 1.0])))
        self.growth = growth

    def forecast(self, frames, steps):
        assert frames.shape[0] == PAST
        ahead = self.growth * np.arange(1, steps + 1, dtype=np.float32)
        return np.nan_to_num(frames[-1:]) + ahead.reshape(-1, 1, 1, 1)

    def nowcast(self, frames, steps):
        likely = np.full((steps, *frames.shape[1:3], 2), (0.75, 0.25), np.float32)
        return self.forecast(frames, steps), likely


@pytest.fixture
def use(tmp_path, monkeypatch):
    """Return a function that puts a model into the workdir."""

    def use_model(**changes):
        model = Model(**changes)
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / "config.json").write_text(model.config.to_json())
        monkeypatch.setattr(forecast_rain, "load", lambda _: model)
        # The tests have two devices already; a nowcast is of one sample.
        monkeypatch.setattr(forecast_rain.host, "prepare_host", lambda _: None)
        return model

    return use_model


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the command and returns its output path."""

    def run_command(source, output="ahead.nc", *flags, steps=STEPS):
        output = tmp_path / output
        arguments = f"forecast --workdir {tmp_path / 'run'} --output {output}"
        arguments = [*arguments.split(), "--steps", str(steps), "--input", str(source)]
        main([*arguments, *flags])
        return output

    return run_command


def frames(count=6):
    """Return rain that moves, in dBZ, with a corner that is never seen."""
    field = np.random.default_rng(1).uniform(0, 40, (12, 9)).astype(np.float32)
    film = np.stack([np.roll(field, k, axis=1) for k in range(count)])
    film[:, :2, :3] = np.nan
    return film


def folder(tmp_path, count=6, minutes=5, cell=2.0, placed=True, film=None):
    """Write a file a frame, with coordinates and a projection."""
    films = tmp_path / "films"
    films.mkdir(exist_ok=True)
    for index, frame in enumerate(frames(count) if film is None else film):
        name = films / f"{minutes}_{cell}_{index}.nc"
        with h5py.File(name, "w") as file:
            file["dbz"] = frame
            file["dbz"].attrs.update({"units": "dBZ", "grid_mapping": "proj"})
            file["time"] = np.array(START + 60 * minutes * index)
            for axis, sign in (("y", -1), ("x", 1)):
                along = frame.shape[0 if axis == "y" else 1]
                file[axis] = sign * cell * (0.5 + np.arange(along))
                file[axis].attrs["units"] = "km"
            file["proj"] = 0
            if placed:
                mapping = {
                    "grid_mapping_name": "stereographic",
                    "latitude_of_projection_origin": 90.0,
                    "longitude_of_projection_origin": 0.0,
                    "scale_factor_at_projection_origin": 1.0,
                }
                file["proj"].attrs.update(mapping)
    return films


def rates(dbz):
    return np.where(dbz > 0, rain.rain_rate(dbz), 0 * dbz)


def test_the_file_opens_in_xarray_with_times_places_and_probabilities(
    tmp_path, use, run
):
    use()
    films = folder(tmp_path)
    with xarray.open_dataset(run(films)) as ahead:
        assert ahead.rain_rate.dims == ("time", "y", "x")
        # A probability of 0.75 of 0.1 mm/h, and of 0.25 of 1 mm/h.
        between = ahead.rain_rate.values[np.isfinite(ahead.rain_rate.values)]
        assert ((between > 0.1) & (between < 1)).all()
        assert ahead.probability.dims == ("threshold", "time", "y", "x")
        last = np.datetime64("2018-07-01T12:25")
        expected = last + np.timedelta64(5, "m") * np.arange(1, STEPS + 1)
        np.testing.assert_array_equal(ahead.time, expected)
        assert ahead.forecast_reference_time == last
        np.testing.assert_allclose(ahead.y, -2000 * (0.5 + np.arange(12)))
        np.testing.assert_allclose(ahead.x, 2000 * (0.5 + np.arange(9)))
        np.testing.assert_allclose(ahead.threshold, [0.1, 1])
        assert ahead.rain_rate.attrs["units"] == "mm h-1"
        assert ahead.crs.attrs["grid_mapping_name"] == "stereographic"
        last_frame = frames()[-1]
        expected = rates(last_frame + np.arange(1, STEPS + 1)[:, None, None])
        # Rounding of float32 through a power of ten, and to three digits.
        close = {"rtol": 1e-5, "atol": 0.5e-3}
        np.testing.assert_allclose(ahead.rain_rate_mean, expected, **close)
        # What was never observed is missing in all of it.
        for name in ("rain_rate", "rain_rate_matched", "probability"):
            hidden = np.isnan(ahead[name].values)
            np.testing.assert_array_equal(
                hidden, np.broadcast_to(np.isnan(last_frame), hidden.shape)
            )
        # Amounts are those of the last frame.
        np.testing.assert_allclose(
            np.sort(ahead.rain_rate_matched[0].values.ravel()),
            np.sort(rates(last_frame).ravel()),
            **close,
        )
    with netCDF4.Dataset(tmp_path / "ahead.nc") as file:
        assert set(file.dimensions) == {"time", "y", "x", "threshold"}
        assert file.Conventions == "CF-1.8"


def test_without_a_place_on_earth_lengths_are_written(tmp_path, use, run):
    use()
    with xarray.open_dataset(run(folder(tmp_path, placed=False))) as ahead:
        assert "crs" not in ahead
        assert ahead.x.attrs["units"] == "m"


def test_finer_cells_are_averaged_and_another_interval_is_told(
    tmp_path, use, run, caplog
):
    use()
    with xarray.open_dataset(
        run(folder(tmp_path, minutes=10, cell=1.0), "ahead.nc")
    ) as ahead:
        assert ahead.rain_rate_mean.shape == (STEPS, 6, 4)
        np.testing.assert_allclose(np.diff(ahead.x), 2000)
        np.testing.assert_array_equal(np.diff(ahead.time), np.timedelta64(10, "m"))
    assert "cells of 1 km are averaged to 2 km" in caplog.text
    assert "frames are 10 min apart, those of the training 5" in caplog.text


def test_no_rain_is_forecast_as_none_and_told(tmp_path, use, run, caplog):
    use(growth=0.0)
    film = np.zeros((5, 12, 9), np.float32)
    with xarray.open_dataset(run(folder(tmp_path, film=film))) as ahead:
        assert (ahead.rain_rate_mean == 0).all()
    assert "no rain in the last 4 frames" in caplog.text


def test_a_film_is_made(tmp_path, use, run):
    use()
    film = tmp_path / "film.gif"
    run(folder(tmp_path), "ahead.nc", "--gif", str(film))
    with Image.open(film) as gif:
        assert gif.n_frames == PAST + STEPS


def test_the_input_is_looked_for_where_one_is(tmp_path, use, run, monkeypatch):
    use()
    folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADR_JAX_DATA", str(tmp_path / "elsewhere"))
    assert run("films").exists()


def test_beyond_the_longest_lead_there_are_no_probabilities(tmp_path, use, run, caplog):
    use(growth=0.1)
    steps = LONGEST + 1
    with xarray.open_dataset(run(folder(tmp_path), steps=steps)) as ahead:
        assert not {"probability", "rain_rate"} & set(ahead)
        assert len(ahead.time) == steps
    assert "no probabilities" in caplog.text


def test_what_it_cannot_start_from_is_one_line_and_writes_nothing(tmp_path, use, run):
    def refused(source, output="ahead.nc"):
        with pytest.raises(SystemExit) as error:
            run(source, output)
        return " ".join(str(error.value).split())

    use()
    films = folder(tmp_path, count=3)
    assert "has 3 frames in a row; the model starts from 4" in refused(films)
    folder(tmp_path, film=np.full((5, 12, 9), np.nan, np.float32))
    assert "every cell of the last 4 frames is missing" in refused(films)
    folder(tmp_path)
    folder(tmp_path, cell=4.0)
    assert "holds frames of several places" in refused(films)
    assert "expected a name in .nc" in refused(films, "ahead.png")
    assert not (tmp_path / "ahead.nc").exists()


def test_a_forecast_that_blows_up_is_not_written(tmp_path, use, run, capsys):
    use(growth=1e4)
    with pytest.raises(SystemExit) as error:
        run(folder(tmp_path))
    assert error.value.code == 3
    assert "it has blown up" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "ahead.nc").exists()


# From here on, real data.


@pytest.mark.parametrize("name", ["odim_rmi", "netcdf_bom", "hdf5_knmi"])
def test_real_files_are_forecast_where_they_lie(real_data, use, run, name):
    use()
    source = pathlib.Path(real_data) / "radar" / "raw" / name
    with xarray.open_dataset(run(source)) as ahead:
        assert ahead.rain_rate.shape[0] == STEPS
        np.testing.assert_allclose(np.diff(ahead.x), 2000)
        assert "grid_mapping_name" in ahead.crs.attrs
        assert 0 < float(ahead.rain_rate_mean.max()) < 500
