"""Times that jump, run backwards, repeat or are missing."""

import numpy as np
import pytest

from adr_jax.data.own.sequences import open_sequences
from adr_jax.data.own.source import load
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError
from configs import own


def film(path, times):
    """Write frames that hold their time, and open them."""
    times = np.asarray(times)
    values = np.broadcast_to(times.astype(float)[:, None, None], (len(times), 8, 9))
    np.savez(path / "f.npz", rain=values, time=times)
    return path / "f.npz"


def seen(source, start=0, stop=None):
    stop = source.lengths[0] if stop is None else stop
    return source.read(0, start, stop)[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(
    ("times", "expected", "note"),
    [
        (np.arange(30)[::-1], np.arange(30), "put in the order"),
        ([*range(10, 30), *range(10)], np.arange(30), "put in the order"),
        ([*range(20), *range(18, 30)], np.arange(30), "2 of 32 frames are left out"),
        (np.arange(30), np.arange(30), None),
    ],
)
def test_frames_are_in_the_order_of_their_times(times, expected, note, tmp_path):
    source = open_sequences(film(tmp_path, times))
    assert seen(source) == expected.tolist()
    assert seen(source, 7, 21) == expected[7:21].tolist()
    assert seen(source, 5, 5) == []
    assert source.coordinates["t"].values.tolist() == expected.tolist()
    assert any(note in line for line in source.notes) if note else not source.notes


def test_no_window_crosses_a_gap(tmp_path):
    times = [*range(40), *range(100, 140), *range(500, 540)]
    config = own.get_config().data
    config.path = str(film(tmp_path, times))
    dataset = load(config)
    assert dataset.notes == (
        "3 stretches with gaps of time between; no window crosses one",
    )
    assert dataset.frame_interval == 1.0
    for split in dataset.splits:
        windows = Windows(dataset, split, 5)
        for window in range(len(windows)):
            frames = windows[window][:, 0, 0, 0]
            np.testing.assert_array_equal(np.diff(frames), 1)


TEXTS = [f"2020-01-{day:02d}_{hour:02d}:00:00" for day in (3, 9) for hour in range(20)]
STAMPS = [text[:13].replace("-", "").replace("_", "") + "00" for text in TEXTS]
FORMS = {
    "letters": TEXTS,
    "ISO 8601": [text.replace("_", "T") + "+00:00" for text in TEXTS],
    "digits": STAMPS,
    "stamps": [int(stamp) for stamp in STAMPS],
    "days in digits": [float(f"202001{day:02d}") for day in (3, 9, 10, 11, 12)],
}


@pytest.mark.parametrize("form", FORMS)
def test_dates_in_words_are_times(form, tmp_path):
    """Days of January, with a gap before the ninth, as WRF and CDO write them."""
    netCDF4 = pytest.importorskip("netCDF4")
    texts = FORMS[form]
    with netCDF4.Dataset(tmp_path / "f.nc", "w") as file:
        for name, size in {"Time": len(texts), "y": 8, "x": 9, "letters": 19}.items():
            file.createDimension(name, size)
        if form == "letters":
            times = file.createVariable("Times", "S1", ("Time", "letters"))
            times[:] = np.array([list(text) for text in texts], "S1")
        elif form == "days in digits":
            times = file.createVariable("Time", "f8", ("Time",))
            times.units, times[:] = "day as %Y%m%d.%f", texts
        elif form == "stamps":
            file.createVariable("Time", "i8", ("Time",))[:] = texts
        else:
            times = file.createVariable("datetimes", str, ("Time",))
            times[:] = np.array(texts, object)
        file.createVariable("rain", "f4", ("Time", "y", "x"))[:] = 0
    source = open_sequences(tmp_path / "f.nc")
    found = source.coordinates["t"].values
    assert str(found[0])[:19] == "2020-01-03T00:00:00"
    assert str(found[-1])[:10] == ("2020-01-12" if len(texts) < 6 else "2020-01-09")
    assert any("2 stretches with gaps" in note for note in source.notes)


def test_days_of_two_months_follow_each_other(tmp_path):
    """20200131 and 20200201 are numbers 70 apart, and days one apart."""
    days = [*range(20200110, 20200132), *range(20200201, 20200220)]
    source = open_sequences(film(tmp_path, days))
    assert not source.notes and len(source.spans) == 1
    # Numbers of which one is no date count something else.
    source = open_sequences(film(tmp_path, [*days, 20200230]))
    assert source.coordinates["t"].values[0] == 20200110 and source.notes


def test_texts_that_are_no_dates_are_no_times(tmp_path):
    names = np.array([f"frame {number}" for number in range(30)])
    np.savez(tmp_path / "f.npz", rain=np.zeros((30, 8, 9)), time=names)
    source = open_sequences(tmp_path / "f.npz")
    assert "t" not in source.coordinates and not source.notes


def test_a_time_that_is_missing_is_told(tmp_path):
    times = np.arange(30.0)
    times[[4, 9]] = np.nan
    source = open_sequences(film(tmp_path, times), axes="tyx")
    with pytest.raises(InputError, match="2 of 30 times are missing, .* frame 4"):
        source.read(0, 0, 1)
