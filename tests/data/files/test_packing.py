"""Packed values and missing ones, in every way in which a format states them."""

import h5py
import numpy as np
import pytest

from adr_jax.data.files.packing import Packing, stated_fills
from adr_jax.data.own.sequences import open_sequences
from adr_jax.errors import InputError

netCDF4 = pytest.importorskip("netCDF4")


def unpacked(stored, fills=(), **attributes):
    stored = np.asarray(stored)
    packing = Packing.from_attributes(stored.dtype, attributes, "x", fills)
    return packing.unpack(stored).tolist()


@pytest.mark.parametrize(
    ("stored", "attributes", "expected"),
    [
        # Limits in the numbers stored, of which the ends are values.
        (np.int16([0, 1, 5, 6]), {"valid_range": np.int16([1, 5])}, [None, 1, 5, None]),
        (np.int16([0, 1, 5]), {"valid_min": np.int16(1)}, [None, 1, 5]),
        (np.float32([0.1, 0.2]), {"valid_max": 0.1}, [0.1, None]),
        # Of a wider type than the numbers they are in the unit.
        (np.int16([0, 9, 11]), {"scale_factor": 0.5, "valid_max": 5.0}, [0, 4.5, None]),
        (np.int16([0, 9]), {"scale_factor": 0.5, "valid_max": np.int16(5)}, [0, None]),
        # Signs: a number, its fill value and its limits.
        (np.int8([-1, -56, 7]), {"_Unsigned": "true"}, [255, 200, 7]),
        (np.int8([-1, -56]), {"_Unsigned": "true", "_FillValue": -1}, [None, 200]),
        (np.int8([-1, -56]), {"_Unsigned": "true", "_FillValue": 255}, [None, 200]),
        (
            np.int8([-1, -56]),
            {"_Unsigned": "true", "valid_range": np.int8([0, -2])},
            [None, 200],
        ),
        (np.uint8([255, 7]), {"_Unsigned": "false"}, [-1, 7]),
        # Both attributes, several values, and text.
        (
            np.int16([3, 4, 5]),
            {"_FillValue": 3, "missing_value": [4, 9]},
            [None, None, 5],
        ),
        (np.float32([1, -9999]), {"missing_value": "-9999"}, [1, None]),
        # As GPM, ODIM and people who write HDF5 by hand state it.
        (np.float32([1, -9999.9]), {"CodeMissingValue": "-9999.9"}, [1, None]),
        (np.uint8([1, 255]), {"nodata": 255.0}, [1, None]),
        (np.int16([1, -1]), {"fill_value": -1}, [1, None]),
    ],
    ids=str,
)
def test_what_attributes_state(stored, attributes, expected):
    wanted = [np.nan if value is None else np.float32(value) for value in expected]
    np.testing.assert_array_equal(unpacked(stored, **attributes), wanted)


def test_masked_numbers_are_missing():
    stored = np.ma.MaskedArray(np.uint8([1, 2, 3]), [False, True, False])
    packing = Packing.from_attributes(stored.dtype, {}, "x")
    np.testing.assert_array_equal(packing.unpack(stored), [1, np.nan, 3])


def test_a_fill_of_64_bits_is_exact():
    """As float64 it would be another number."""
    fill = -9223372036854775806
    found = unpacked(np.array([fill, fill - 2]), fills=[fill])
    assert np.isnan(found[0]) and not np.isnan(found[1])


def test_attributes_that_say_nothing_of_missing_values_may_be_anything():
    assert unpacked([1.0], actual_range="unknown") == [1]


@pytest.mark.parametrize("limits", [[1], [1, 2, 3]])
def test_a_range_has_two_ends(limits):
    with pytest.raises(InputError, match="valid_range .* expected two numbers"):
        unpacked(np.zeros(3), valid_range=limits)


def test_numbers_that_a_user_names():
    assert stated_fills("") == stated_fills("none") == []
    assert stated_fills("-9999, 1e20") == [-9999, 1e20]
    with pytest.raises(InputError, match=r"config.data.fill is 'NA'; .*fill=-9999"):
        stated_fills("NA")


@pytest.mark.parametrize("dtype", ["i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_cells_of_netcdf_that_were_never_written(dtype, tmp_path):
    with netCDF4.Dataset(tmp_path / "f.nc", "w") as file:
        for name, size in (("time", 30), ("y", 8), ("x", 8)):
            file.createDimension(name, size)
        file.createVariable("rain", dtype, ("time", "y", "x"))[:, 2:] = 5
    frames = open_sequences(tmp_path / "f.nc").read(0, 0, 30)
    assert np.isnan(frames[:, :2]).all() and (frames[:, 2:] == 5).all()


@pytest.mark.parametrize("dtype", ["i1", "u1"])
def test_bytes_have_no_default(dtype, tmp_path):
    """All of their values are used."""
    with netCDF4.Dataset(tmp_path / "f.nc", "w") as file:
        for name, size in (("time", 30), ("y", 8), ("x", 8)):
            file.createDimension(name, size)
        file.createVariable("rain", dtype, ("time", "y", "x"))[:, 2:] = 5
    assert np.isfinite(open_sequences(tmp_path / "f.nc").read(0, 0, 30)).all()


def test_the_fill_value_of_hdf5_itself(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for name, options in (("rain", {"fillvalue": -5.0}), ("plain", {})):
            data = file.create_dataset(name, (30, 8, 8), "f4", chunks=True, **options)
            data[:, 4:] = 2
    opened = (open_sequences(tmp_path / "f.h5", name) for name in ("rain", "plain"))
    rain, plain = (source.read(0, 0, 30) for source in opened)
    assert np.isnan(rain[:, :4]).all() and (rain[:, 4:] == 2).all()
    assert (plain[:, :4] == 0).all()  # zeros may be values
