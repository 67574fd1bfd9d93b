"""Axes by letters: guessed where they are clear, asked for where not."""

import pytest

from adr_jax.data.files import axes
from adr_jax.errors import InputError


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((50, 32), None),  # or a picture
        ((20, 64, 64), "tyx"),
        ((64, 64, 500), "yxt"),
        ((90, 64, 3), None),  # or a picture in colour
        ((90, 64, 64, 3), "tyxc"),
        ((90, 3, 64, 64), None),  # or three trajectories
        ((20, 1000, 64, 64), None),  # Moving MNIST is tnyx
        ((8, 101, 64, 64, 1), "ntyxc"),
        ((8, 101, 2, 64, 64), "ntcyx"),
        ((10, 32, 32, 32, 1), None),  # space in three dimensions, or trajectories
        ((5, 9, 16, 16, 16, 2), "ntzyxc"),
        ((64, 64, 64), None),
        ((1, 64, 64), "tyx"),
        ((700, 700), None),  # a picture
        ((64, 64, 3), None),
        ((3, 64, 64), None),  # or a picture, its channels first
        ((4, 64, 64, 1), "tyxc"),
        ((4, 48, 64, 1), None),  # frames, or films of one axis
        ((365, 41, 81), None),
    ],
    ids=str,
)
def test_a_guess_by_shape_alone(shape, expected):
    if expected:
        assert axes.guess_axes([""] * len(shape), shape, "x") == expected
    else:
        with pytest.raises(InputError, match="may be .* or .*config.data.axes="):
            axes.guess_axes([""] * len(shape), shape, "x")


@pytest.mark.parametrize(
    ("names", "shape", "expected"),
    [
        (("time", "lat", "lon"), (365, 41, 81), "tyx"),
        (("Longitude", "Latitude", "Time"), (81, 41, 365), "xyt"),
        (("samples", "frames", "rows", "columns", "channels"), (2,) * 5, "ntyxc"),
        (("group/time", "level", "nlat", "nlon"), (9, 3, 5, 6), "tzyx"),
        (("time", "", ""), (25, 384, 768), "tyx"),
        (("", "", "time"), (384, 768, 25), "yxt"),
        (("sea_time", "eta_rho", "xi_rho"), (48, 32, 40), None),
        (("time", "expver", "lat", "lon"), (48, 1, 32, 40), "tcyx"),
        (
            ("time", "number", "plev", "expver", "lat", "lon"),
            (8, 1, 1, 1, 9, 9),
            "tnzcyx",
        ),
        (("model_level_number", "grid_latitude", "grid_longitude"), (15, 8, 8), None),
        (("sweep", "azimuth", "range"), (9, 64, 64), None),
        (("dim_0", "dim_1", "phony_dim_2"), (20, 64, 64), "tyx"),
    ],
    ids=str,
)
def test_names_of_dimensions_decide(names, shape, expected):
    if expected:
        assert axes.guess_axes(names, shape, "x") == expected
    else:
        with pytest.raises(InputError, match="config.data.axes="):
            axes.guess_axes(names, shape, "x")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"p": {"axis": "T"}}, "tyx"),
        ({"p": {"units": "hours since 1900-01-01"}}, "tyx"),
        ({"p": {"standard_name": "time"}}, "tyx"),
        ({"r": {"axis": "T"}, "p": {"axis": "Y"}, "q": {"axis": "X"}}, "yxt"),
        ({"p": {"units": "hPa"}}, None),
        ({"p": {"positive": "down"}, "q": {"units": "degrees_north"}}, None),
        ({}, None),
    ],
    ids=str,
)
def test_attributes_of_coordinates_decide(stated, expected):
    if expected:
        assert axes.guess_axes("pqr", (50, 32, 32), "x", stated) == expected
    else:
        with pytest.raises(InputError, match="say which axis is time.*data.axes="):
            axes.guess_axes("pqr", (50, 32, 32), "x", stated)


def test_attributes_come_before_names():
    level = {"time": {"axis": "Z"}}
    with pytest.raises(InputError, match="say which axis is time"):
        axes.guess_axes(("time", "lat", "lon"), (9, 32, 32), "x", level)


def test_the_question_lists_every_reading_with_its_flag():
    with pytest.raises(InputError) as error:
        axes.guess_axes([""] * 3, (365, 41, 81), "file.npy: frames")
    message = str(error.value)
    assert "file.npy: frames, 365 x 41 x 81, may be" in message
    for reading in (
        "tyx (365 frames of 41 rows x 81 columns)",
        "yxt (81 frames of 365 rows x 41 columns)",
        "ntx (365 trajectories of 41 frames of 81 columns)",
        "with --axes, or train.py's --config.data.axes=tyx",
    ):
        assert reading in message
    assert "\n" not in message


@pytest.mark.parametrize("shape", [(4,), (2, 2), (2, 3, 4, 2), (3,) * 7], ids=str)
def test_no_usual_layout(shape):
    with pytest.raises(InputError, match="laid out in no usual way"):
        axes.guess_axes([""] * len(shape), shape, "x")


@pytest.mark.parametrize(
    "letters", ["yx", "tt", "tyy", "ty", "tzx", "tq", "t", "TYX", "tyxtc"]
)
def test_letters_that_are_no_axes(letters):
    with pytest.raises(InputError, match="expected each letter once"):
        axes.check_axes(letters, (9,) * len(letters), "x")


def test_as_many_letters_as_axes():
    with pytest.raises(InputError, match="has 3 axes, 5 x 6 x 7, but .* names 2, 'tx'"):
        axes.check_axes("tx", (5, 6, 7), "x")
    axes.check_axes("xyt", (5, 6, 7), "x")
