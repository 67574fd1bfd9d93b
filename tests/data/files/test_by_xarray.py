"""Files that xarray reads: as plain files of the same content."""

import sys

import numpy as np
import pytest

from adr_jax.data.own.sequences import open_sequences
from adr_jax.errors import InputError

xarray = pytest.importorskip("xarray")


@pytest.fixture
def film(generator):
    """Return a packed field (time, lat, lon) with a missing value, as a Dataset."""
    values = generator.normal(size=(8, 6, 7)).round(2)
    values[3, 2, 1] = np.nan
    times = np.datetime64("2020-01-01", "ns") + 600 * np.arange(8).astype("m8[s]")
    array = xarray.DataArray(
        values,
        {"time": times, "lat": np.arange(6.0)},
        ("time", "lat", "lon"),
        attrs={"units": "mm"},
    )
    encoding = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -9999}
    array.encoding = encoding
    return array.to_dataset(name="rain")


def check(path, film):
    """Check that a file has the frames, their times and their unit."""
    sequences = open_sequences(path)
    expected = film.rain.to_numpy().astype(np.float32)
    # Packed in hundredths, which float32 multiplies back to half a unit of its last.
    read = sequences.read(0, 0, 8)[..., 0]
    np.testing.assert_allclose(read, expected, rtol=2e-7, atol=0)
    assert np.isnan(read[3, 2, 1])
    part = sequences.read(0, 2, 5)[..., 0]
    np.testing.assert_array_equal(part, read[2:5])
    assert (sequences.variable, sequences.unit) == ("rain", "mm")
    assert sequences.coordinates["t"].step_in_words in ("10 minutes", "600 seconds")


@pytest.mark.filterwarnings("ignore:.*zarr", "ignore:Consolidated metadata")
def test_a_zarr_store_is_a_file(film, tmp_path):
    pytest.importorskip("zarr")
    film.to_zarr(tmp_path / "film.zarr", zarr_format=2)
    check(tmp_path / "film.zarr", film)


def test_netcdf_3_is_read(film, tmp_path):
    film.to_netcdf(tmp_path / "old.nc", format="NETCDF3_CLASSIC", engine="scipy")
    check(tmp_path / "old.nc", film)


def parts(film, folder, **changes):
    """Write the film as two files, whose names are in another order than its times."""
    for name, part, start in (
        ("a", slice(5, 8), "2020-01-01T00:50"),
        ("b", slice(0, 5), "2020-01-01"),
    ):
        found = film.isel(time=part)
        # Each counts its times from its own start.
        encoding = {"time": {"units": f"minutes since {start}"}}
        if name == "b" and changes:
            encoding["rain"] = film.rain.encoding | changes
        found.to_netcdf(folder / f"{name}.nc", engine="h5netcdf", encoding=encoding)


def test_several_files_are_one_in_the_order_of_time(film, tmp_path):
    pytest.importorskip("dask")
    parts(film, tmp_path)
    check(tmp_path / "*.nc", film)
    with pytest.raises(InputError, match="no file has such a name"):
        open_sequences(tmp_path / "*.nc4")


def test_files_that_pack_values_otherwise_are_not_one(film, tmp_path):
    pytest.importorskip("dask")
    parts(film, tmp_path, scale_factor=0.1)
    with pytest.raises(InputError, match=r"b.nc has rain in another unit or packing"):
        open_sequences(tmp_path / "*.nc")


def test_what_is_missing_or_damaged_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "broken.nc").write_bytes(b"CDF\x01" + 99 * b"\xff")
    (tmp_path / "fields.grib2").write_bytes(b"GRIB")
    with pytest.raises(InputError, match="broken.nc: xarray says: .*check that"):
        open_sequences(tmp_path / "broken.nc")
    monkeypatch.setitem(sys.modules, "cfgrib", None)
    with pytest.raises(InputError, match="cfgrib"):
        open_sequences(tmp_path / "fields.grib2")
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(InputError, match=r"pip install 'adr_jax\[xarray\]'"):
        open_sequences(tmp_path / "broken.nc")
