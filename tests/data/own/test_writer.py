"""What `forecast` writes, as netCDF4 and xarray read it."""

import h5py
import numpy as np
import pytest

from adr_jax.data.own import writer
from adr_jax.data.own.sequences import open_sequences

netCDF4 = pytest.importorskip("netCDF4")
xarray = pytest.importorskip("xarray")
STEPS = 3


def written(source_path, output, **options):
    """Write the last frame, repeated, after each trajectory of a file."""
    source = open_sequences(source_path, **options)
    shape = (STEPS, *source.frame_shape)
    count = len(source.keys)
    last = [
        source.read(n, source.lengths[n] - 1, source.lengths[n]) for n in range(count)
    ]
    forecasts = ((n, np.repeat(last[n], STEPS, axis=0)) for n in range(count))
    writer.write(output, output.suffix, source, forecasts, shape, {"forecast": "3"})
    return output


@pytest.fixture
def rain_file(tmp_path, generator):
    """Write rain as the netCDF library does, on hours of a calendar of 360 days."""
    path = tmp_path / "in.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.institution = "here"
        sizes = {"time": 30, "level": 1, "y": 6, "lon": 7}
        for name, size in sizes.items():
            file.createDimension(name, size)
        time = file.createVariable("time", "i4", ("time",))
        time.units, time.calendar = "hours since 2000-02-29 12:00", "360_day"
        time[:] = 6 * np.arange(30)
        lon = file.createVariable("lon", "f4", ("lon",))
        lon.units, lon.bounds = "degrees_east", "lon_bounds"
        lon[:] = np.arange(7)
        lat = file.createVariable("lat", "f4", ("y", "lon"))
        lat.units = "degrees_north"
        lat[:] = 50.0
        file.createVariable("crs", "i4").grid_mapping_name = "latitude_longitude"
        rain = file.createVariable("rain", "i2", ("time", "level", "y", "lon"))
        rain.scale_factor, rain.units, rain.grid_mapping = 0.01, "mm h-1", "crs"
        rain.coordinates = "lat absent"
        rain[:] = generator.uniform(0, 9, (30, 1, 6, 7))
        rain[-1, 0, 2, 3] = np.ma.masked
    return path


@pytest.mark.parametrize("suffix", ["nc", "h5"])
def test_netcdf4_and_xarray_read_it(suffix, rain_file, tmp_path):
    output = written(rain_file, tmp_path / f"out.{suffix}", variable="rain")
    with netCDF4.Dataset(output) as file:
        rain = file["rain"]
        assert rain.dimensions == ("time", "level", "y", "lon")
        assert rain.shape == (STEPS, 1, 6, 7)
        assert (rain.units, rain.grid_mapping, rain.coordinates) == (
            "mm h-1",
            "crs",
            "lat",
        )
        assert file["crs"].grid_mapping_name == "latitude_longitude"
        assert "bounds" not in file["lon"].ncattrs()
        assert (file.Conventions, file.institution) == ("CF-1.8", "here")
        times = netCDF4.num2date(
            file["time"][:], file["time"].units, file["time"].calendar
        )
        # In a year of 360 days February has 30.
        assert str(times[0]) == "2000-03-07 00:00:00"
        assert np.isnan(rain[:, 0, 2, 3]).all()
    with xarray.open_dataset(output, engine="netcdf4") as file:
        assert file.rain.dims == ("time", "level", "y", "lon")
        assert file.time.dt.calendar == "360_day"
        assert np.isnan(file.rain).sum() == STEPS
        assert file.lat.dims == ("y", "lon")
        assert "y" not in file.coords


@pytest.mark.parametrize("axes", ["tyx", "xtyc", "ntx"])
def test_dimensions_without_a_name_get_one(axes, tmp_path, generator):
    sizes = {"n": 5, "t": 30, "y": 8, "x": 9, "c": 2}
    np.save(tmp_path / "f.npy", generator.normal(size=[sizes[a] for a in axes]))
    output = written(tmp_path / "f.npy", tmp_path / "out.nc", axes=axes)
    names = {"n": "trajectory", "t": "time", "c": "channel"}
    with xarray.open_dataset(output, engine="netcdf4") as file:
        assert file.frames.dims == tuple(names.get(a, a) for a in axes)
        assert not file.coords  # a dimension is no variable


def test_dates_continue_to_the_fraction_of_a_second(tmp_path, generator):
    times = np.datetime64("2020-01-01") + 250 * np.arange(30) * np.timedelta64(1, "ms")
    np.savez(tmp_path / "f.npz", rain=generator.normal(size=(30, 8, 8)), time=times)
    output = written(tmp_path / "f.npz", tmp_path / "out.nc")
    with xarray.open_dataset(output, engine="netcdf4") as file:
        expected = np.datetime64("2020-01-01T00:00:07.500", "ns")
        assert file.time.values[0] == expected


def test_pdebench_layout_opens_too(tmp_path, water_file):
    output = written(water_file, tmp_path / "out.nc")
    with netCDF4.Dataset(output) as file:
        assert file["0000"]["data"].shape == (STEPS, 16, 16, 1)


def test_a_film_with_times_alone(tmp_path, generator):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["rain"] = generator.normal(size=(30, 8, 9))
        file["time"] = 300 * np.arange(30)
        file["time"].attrs["units"] = np.bytes_(b"seconds since 1970-01-01")
        file["time"].make_scale("time")
        file["rain"].dims[0].attach_scale(file["time"])
    output = written(tmp_path / "f.h5", tmp_path / "out.nc")
    with xarray.open_dataset(output, engine="netcdf4") as file:
        assert file.rain.dims == ("time", "y", "x")
        assert file.time.values[0] == np.datetime64("1970-01-01T02:30:00", "ns")
