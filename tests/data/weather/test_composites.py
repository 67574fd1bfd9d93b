"""Radar composites as they arrive: formats, units, times and grids."""

import gzip

import h5py
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin, TiffTags

from adr_jax.data.weather import rain
from adr_jax.data.weather.composites.opening import open_film
from adr_jax.errors import InputError

NOON = 1530446400  # 2018-07-01 12:00
# Rounding of float32 at 100.
FLOAT32 = 1e-5


def odim(path, stored, *, what, kind="COMP", time="120000", inner=None):
    """Write a composite in ODIM's groups, its `what` around the data or within."""
    with h5py.File(path, "w") as file:
        file.attrs["Conventions"] = np.bytes_("ODIM_H5/V2_2")
        about = {"object": kind, "date": "20180701", "time": time}
        text(file.create_group("what").attrs, about)
        where = file.create_group("where").attrs
        where.update({"xscale": 1000.0, "UL_x": 5000.0, "UL_y": 9000.0})
        text(where, {"projdef": "+proj=stere"})
        file["dataset1/data1/data"] = stored
        group = file["dataset1/data1" if inner else "dataset1"].create_group("what")
        text(group.attrs, what)
    return path


def text(attributes, values):
    for name, value in values.items():
        is_text = isinstance(value, str)
        attributes[name] = np.bytes_(value) if is_text else value


def dbz_of(path, **options):
    film = open_film(path, **options)
    return film.read(0, 1)[0]


CODED = {"gain": 0.5, "offset": -32.0, "nodata": 255.0, "undetect": 0.0}


@pytest.mark.parametrize("inner", [False, True])
def test_odim_codes_are_unpacked_wherever_its_groups_say_them(tmp_path, inner):
    stored = np.array([[0, 255, 1, 64, 164]], np.uint8)
    what = {"quantity": "DBZH", **CODED}
    path = odim(tmp_path / "a.h5", stored, what=what, inner=inner)
    np.testing.assert_array_equal(dbz_of(path), [[0, np.nan, 0, 0, 50]])
    film = open_film(path)
    assert film.times.tolist() == [NOON]
    assert (film.grid.cell_km, film.grid.corner) == (1.0, (5000.0, 9000.0))
    assert film.grid.projection == "+proj=stere"


def test_odim_amounts_become_rates_by_their_time(tmp_path):
    ends = {"startdate": "20180701", "enddate": "20180701", "endtime": "120000"}
    what = {"quantity": "ACRR", "starttime": "115500", **ends}
    stored = np.array([[0.0, 0.1, 1.0]])
    path = odim(tmp_path / "a.h5", stored, what=what)
    expected = rain.reflectivity(np.array([[1e-3, 1.2, 12.0]])).clip(0)
    np.testing.assert_allclose(dbz_of(path), expected, rtol=FLOAT32)
    odim(path, stored, what=what | {"starttime": "120000"})
    with pytest.raises(InputError, match="in what time did it fall"):
        open_film(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "PVOL"}, "PVOL of ODIM, not a map .* make a composite"),
        ({"what": {"quantity": "VRADH"}}, "holds VRADH; expected one of RATE"),
        ({"time": "25"}, "date and time are '2018070125'"),
    ],
    ids=str,
)
def test_other_odim_files_are_refused(tmp_path, changes, message):
    arguments = {"what": {"quantity": "RATE"}} | changes
    path = odim(tmp_path / "a.h5", np.ones((2, 2)), **arguments)
    with pytest.raises(InputError, match=message):
        open_film(path)


def knmi(path, formula="GEO=0.01*PV+0.0", parameter="ACCUMULATED_PRECIPITATION_[MM]"):
    with h5py.File(path, "w") as file:
        file["image1/image_data"] = np.array([[0, 10, 65535], [100, 1, 0]], np.uint16)
        text(file["image1"].attrs, {"image_geo_parameter": parameter})
        about = file.create_group("image1/calibration").attrs
        text(about, {"calibration_formulas": formula})
        about["calibration_missing_data"] = [65535]
        times = {
            "product_datetime_start": "01-JUL-2018;11:55:00.000",
            "product_datetime_end": "01-JUL-2018;12:00:00.000",
        }
        text(file.create_group("overview").attrs, times)
        where = file.create_group("geographic")
        where.attrs.update({"geo_pixel_size_x": [1.0], "geo_pixel_size_y": [-1.0]})
        where.attrs.update({"geo_row_offset": [3650.0], "geo_column_offset": [0.0]})
        proj = {"projection_proj4_params": "+proj=stere +a=6378.137 +b=6356.752"}
        text(where.create_group("map_projection").attrs, proj)
    return path


def test_knmi_amounts_of_five_minutes(tmp_path):
    path = knmi(tmp_path / "a.h5")
    rates = np.array([[1e-3, 1.2, np.nan], [12.0, 0.12, 1e-3]])
    np.testing.assert_allclose(
        dbz_of(path), rain.reflectivity(rates).clip(0), rtol=FLOAT32
    )
    film = open_film(path)
    assert film.times.tolist() == [NOON]
    assert film.grid.corner == (0.0, -3650000.0)
    # Lengths in km become metres, as those of all others are.
    assert film.grid.projection == "+proj=stere +a=6378137 +b=6356752"


def test_knmi_with_another_formula_or_parameter(tmp_path):
    parameter = "REFLECTIVITY_[DBZ]"
    path = knmi(tmp_path / "a.h5", "GEO=0.5*PV+-32.0", parameter)
    np.testing.assert_array_equal(dbz_of(path), [[0, 0, np.nan], [18, 0, 0]])
    with pytest.raises(InputError, match="expected one of .* and GEO="):
        open_film(knmi(path, "GEO=PV^2"))
    with pytest.raises(InputError, match="WIND with formula"):
        open_film(knmi(path, parameter="WIND"))


def amount(path, y=(1.0, 0.0), start=NOON - 360, **changes):
    with h5py.File(path, "w") as file:
        file["precipitation"] = np.array([[0, 20], [-1, 2]], np.int16)
        about = {"units": "kg m-2", "scale_factor": 0.05, "_FillValue": -1} | changes
        text(file["precipitation"].attrs, about)
        for name, values in (("y", y), ("x", (0.0, 0.5))):
            file[name] = np.array(values)
            text(file[name].attrs, {"units": "km"})
        file["valid_time"] = NOON
        if start:
            file["start_time"] = start
    return path


@pytest.mark.parametrize(
    "attributes",
    [
        {"valid_range": np.int16([0, 30])},
        {"valid_max": np.int16(30)},
        {"missing_value": np.int16([40, 50])},
        {},  # netCDF's own fill value
    ],
    ids=str,
)
def test_every_way_to_say_missing(attributes, tmp_path):
    code = 40 if attributes else -32767
    numbers = np.array([[[0, code], [20, 10]]] * 2, np.int16)
    path = tmp_path / "a.nc"
    with h5py.File(path, "w") as file:
        file["rate"], file["time"] = numbers, NOON + 300 * np.arange(2)
        file["rate"].attrs.update({"units": np.bytes_("mm/h"), "scale_factor": 0.1})
        file["rate"].attrs.update(attributes)
    missing = np.isnan(open_film(path).read(0, 2))
    np.testing.assert_array_equal(missing, numbers == code)


def test_numbers_without_a_sign(tmp_path):
    path = tmp_path / "a.nc"
    with h5py.File(path, "w") as file:
        file["dbz"] = np.array([[[-106, 20], [-1, 0]]] * 2, np.int8)
        file["time"] = NOON + 300 * np.arange(2)
        about = {"units": "dBZ", "scale_factor": 0.5, "_Unsigned": "true"}
        file["dbz"].attrs.update(
            about | {"add_offset": -32.0, "_FillValue": np.int8(-1)}
        )
    # 150 / 2 - 32, and below zero there is no rain.
    np.testing.assert_array_equal(open_film(path).read(0, 1)[0], [[43, 0], [np.nan, 0]])


def test_a_netcdf_amount_becomes_a_rate_and_rows_begin_in_the_north(tmp_path):
    path = amount(tmp_path / "a.nc")
    rates = np.array([[1e-3, 10.0], [np.nan, 1.0]])
    expected = rain.reflectivity(rates).clip(0)
    np.testing.assert_allclose(dbz_of(path), expected, rtol=FLOAT32)
    south_first = amount(tmp_path / "b.nc", y=(0.0, 1.0))
    np.testing.assert_allclose(dbz_of(south_first), expected[::-1], rtol=FLOAT32)
    for film in (open_film(path), open_film(south_first)):
        assert film.times.tolist() == [NOON]
        # Coordinates are those of centres, half a cell from the edge.
        assert (film.grid.cell_km, film.grid.corner) == (0.5, (-250.0, 1500.0))


def test_an_amount_without_a_start_asks_in_what_time_it_fell(tmp_path):
    path = amount(tmp_path / "a.nc", start=None)
    with pytest.raises(InputError, match="does not say in what time it fell"):
        open_film(path)
    film = open_film(amount(path, start=None, dt_minutes=6))
    assert film.read(0, 1)[0, 1, 1] == pytest.approx(23.0103, rel=FLOAT32)


def test_an_unknown_unit_is_asked_for(tmp_path):
    path = amount(tmp_path / "a.nc", units="inch")
    with pytest.raises(InputError, match="set config.data.variable"):
        open_film(path)
    with pytest.raises(InputError, match="units 'inch' .*: what do its numbers stand"):
        open_film(path, "precipitation")


def pgm(path, header):
    pixels = np.array([[0, 64, 255], [164, 66, 100]], np.uint8)
    path.write_bytes(gzip.compress(header.encode() + pixels.tobytes()))
    return path


HEADER = """P5
# obstime 201807011200
# param CorrectedReflectivity
# metersperpixel_x 999.674053
3 2
255
"""


def test_finnish_pictures(tmp_path):
    path = pgm(tmp_path / "a.pgm.gz", HEADER)
    np.testing.assert_array_equal(dbz_of(path), [[0, 0, np.nan], [50, 1, 18]])
    film = open_film(path)
    assert film.times.tolist() == [NOON]
    assert film.grid.cell_km == 1.0
    with pytest.raises(InputError, match="truncated"):
        open_film(pgm(path, HEADER.replace("3 2", "30 20")))
    with pytest.raises(InputError, match="does not say in its header"):
        open_film(pgm(path, HEADER.replace("CorrectedReflectivity", "Velocity")))


def tiff(path, metadata=None):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[33550] = (1000.0, 1000.0, 0.0)
    tags[33922] = (0.0, 0.0, 0.0, 5000.0, 9000.0, 0.0)
    tags[34735] = (1, 1, 0, 1, 3072, 0, 1, 3067)
    tags[42113] = "-1"
    if metadata:
        tags[42112] = metadata
    for tag in (33550, 33922):
        tags.tagtype[tag] = TiffTags.DOUBLE
    tags.tagtype[34735] = TiffTags.SHORT
    picture = Image.fromarray(np.array([[0.0, 1.0], [-1.0, 10.0]], np.float32))
    picture.save(path, tiffinfo=tags)
    return path


def test_a_picture_says_its_unit_or_is_asked_for_it(tmp_path):
    path = tiff(tmp_path / "rain_201807011200.tif")
    with pytest.raises(InputError, match="does not say its unit; name it in config"):
        open_film(path)
    expected = rain.reflectivity(np.array([[0, 1.0], [np.nan, 10.0]])).clip(0)
    np.testing.assert_allclose(dbz_of(path, variable="mm/h"), expected, rtol=FLOAT32)
    metadata = '<GDALMetadata><Item name="UNITS">dBZ</Item></GDALMetadata>'
    stated = tiff(tmp_path / "rain_201807011200.tif", metadata)
    np.testing.assert_array_equal(dbz_of(stated), [[0, 1], [np.nan, 10]])
    film = open_film(stated)
    assert film.times.tolist() == [NOON]
    assert film.grid.projection == "EPSG:3067"
    assert film.grid.corner == (5000.0, 9000.0)
    with pytest.raises(InputError, match="put the time into its name"):
        open_film(tiff(tmp_path / "rain.tif", metadata))


@pytest.mark.parametrize("name", ["a.h5", "a.nc", "a.pgm.gz", "a.tif"])
def test_a_damaged_file_is_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"P5 no rain here")
    with pytest.raises(InputError, match=str(path)):
        open_film(path)


def test_a_file_of_another_kind_names_those_that_are_read(tmp_path):
    with pytest.raises(InputError, match=r"expected a file of radar composites, \.h5"):
        open_film(tmp_path / "a.docx")


# From here on, real data.

RAW = {
    # Frames, shape, cell in km, minutes, and the corner of the map in metres.
    "odim_rmi": (30, (700, 700), 1.0, 5, (300000.0, 1000000.0)),
    "netcdf_bom": (30, (512, 512), 0.5, 6, (-128250.0, 128250.0)),
    "hdf5_knmi": (30, (765, 700), 1.0, 5, (0.0, -3650000.0)),
}


@pytest.mark.parametrize("name", RAW)
def test_real_files_are_read_as_they_arrive(real_data, name):
    folder = real_data / "radar" / "raw" / name
    films = [open_film(path) for path in sorted(folder.iterdir())]
    count, shape, cell, minutes, corner = RAW[name]
    assert len(films) == count
    assert {film.grid.shape for film in films} == {shape}
    assert {(film.grid.cell_km, film.grid.corner) for film in films} == {(cell, corner)}
    times = np.concatenate([film.times for film in films])
    assert set(np.diff(times)) == {60 * minutes}


def test_real_files_and_their_stacked_samples_are_the_same_rain(real_data):
    """KNMI's files are the first frames of the composite that lies beside them."""
    radar = real_data / "radar"
    stacked = open_film(radar / "knmi_20100826.h5", "acc_raw")
    for index, path in enumerate(sorted((radar / "raw" / "hdf5_knmi").iterdir())[:3]):
        film = open_film(path)
        frame = int(np.flatnonzero(stacked.times == film.times[0])[0])
        assert frame == index
        both = film.read(0, 1), stacked.read(frame, frame + 1)
        # Both come from hundredths of a millimetre: equal to rounding.
        np.testing.assert_allclose(*both, rtol=FLOAT32)
