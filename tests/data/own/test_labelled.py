"""DataArrays as plain frames, and forecasts as DataArrays."""

import numpy as np
import pytest

from adr_jax.data.own import labelled
from adr_jax.errors import InputError

xarray = pytest.importorskip("xarray")

START = np.datetime64("2020-02-28T23:50", "ns")
SIX_MINUTES = np.timedelta64(6, "m")


def film(generator, times, **coordinates):
    """Return frames (level, lat, time, lon), 1 x 3 x 5 x 4."""
    values = generator.normal(size=(1, 3, len(times), 4)).astype(np.float32)
    return xarray.DataArray(
        values,
        {"time": times, "lat": [52.0, 51.0, 50.0], "level": [850], **coordinates},
        ("level", "lat", "time", "lon"),
        name="t",
        attrs={"units": "K"},
    )


def test_frames_are_in_the_order_of_time_after_the_last_gap(generator):
    times = START + SIX_MINUTES * np.array([12, 0, 11, 1, 10])
    found = film(generator, times)
    array, axes = labelled.newest(found)
    assert axes == "ytx"
    frames = labelled.plain(array, axes)
    assert frames.shape == (3, 3, 4, 1)
    expected = found.to_numpy()[0][:, [4, 2, 0]].transpose(1, 0, 2)
    np.testing.assert_array_equal(frames[..., 0], expected)


def test_dates_may_have_another_name_than_their_dimension(generator):
    """As XTIME of the model WRF."""
    found = film(generator, START + SIX_MINUTES * np.array([0, 1, 10, 11]))
    array, axes = labelled.newest(found.rename(time="XTIME").swap_dims(XTIME="time"))
    assert array.sizes["time"] == 2 and axes == "ytx"


@pytest.mark.parametrize(
    ("times", "following"),
    [
        (["2020-02-28", "2020-02-29", "2020-03-01"], "2020-03-02"),
        (np.array(["2020-02-28", "2020-02-29", "2020-03-01"], object), "2020-03-02"),
        ([20200228, 20200229, 20200301], "2020-03-02"),
        (["first", "second", "third"], None),
    ],
    ids=str,
)
def test_times_may_be_texts_or_stamps(times, following, generator):
    array, axes = labelled.newest(film(generator, times))
    assert array.sizes["time"] == 3
    ahead = labelled.like(array, axes, np.zeros((1, 3, 4, 1), np.float32))
    found = str(ahead.time.to_numpy()[0])[:10] if "time" in ahead.coords else None
    assert found == following


def test_names_of_stations_are_no_times(generator):
    names = np.array(["here", "there", "elsewhere"], object)
    array = film(generator, START + SIX_MINUTES * np.arange(5)).isel(level=0)
    with pytest.raises(InputError, match="station"):
        labelled.axes_of(
            array.drop_vars("time")
            .rename(time="station")
            .assign_coords(station=("station", [*names, "a", "b"]))
        )


@pytest.mark.parametrize("calendar", ["standard", "noleap"])
def test_times_go_on_in_their_calendar_and_the_rest_stays(generator, calendar):
    times = xarray.date_range(
        "2020-02-28T23:36", periods=5, freq="6min", calendar=calendar, use_cftime=True
    )
    # Coordinates of each frame cannot go on, those of places can.
    extra = {"hour": ("time", np.arange(5)), "height": ("lat", [1, 2, 3])}
    array, axes = labelled.newest(film(generator, times, **extra))
    ahead = labelled.like(array, axes, np.zeros((7, 3, 4, 1), np.float32))
    assert ahead.dims == ("lat", "time", "lon") and ahead.shape == (3, 7, 4)
    assert (ahead.name, ahead.attrs) == ("t", {"units": "K"})
    day = 29 if calendar == "standard" else 1
    first = ahead.time.to_numpy()[0]
    assert (first.day, first.hour, first.minute) == (day, 0, 6)
    assert set(ahead.coords) == {"time", "lat", "level", "height"}


def test_a_date_is_time_whatever_its_name(generator):
    array = film(generator, START + SIX_MINUTES * np.arange(5))
    assert labelled.axes_of(array.rename(time="when")) == "zytx"
