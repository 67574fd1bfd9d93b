"""Rain radar: codings, splits an hour apart, and refusals."""

import composites
import h5py
import numpy as np
import pytest
from composites import frames

from adr_jax.data.contract import SPLITS
from adr_jax.data.normalisation import Statistics
from adr_jax.data.weather import radar, rain
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError

# Rounding of float32 at 100.
FLOAT32 = 1e-5


def save(path, numbers, variable="dbz", **about):
    return composites.save(path, variable, numbers, **about)


def load(config, path, split="all", **fields):
    return composites.load(radar, config, path, split=split, **fields)


def showers(count=40, cells=4, units="dBZ"):
    """Return frames whose value in dBZ is their index."""
    numbers = np.arange(count, dtype=np.float32)[:, None, None]
    return np.tile(numbers, (1, cells, cells)), {"units": units}


# What a file holds, and what that is in dBZ: None is missing. Rain rates come from
# Marshall and Palmer's table: 1 mm/h is 23.01 dBZ, 10 times as much 16 dBZ more.
CODINGS = {
    "knmi 128": ("u1", [0, 40, 254, 255], {"units": "dBZ = v/4; 0 = no rain"}),
    "knmi": ("u1", [0, 63, 64, 120, 255], {"units": "dBZ = 0.5*v - 32; 0 = no rain"}),
    "rate": ("u2", [0, 1, 100, 1000, 65535], {"units": "0.01 mm/h"}),
    "accumulation": ("u2", [0, 100, 1000], {"units": "0.01 mm per 5 min"}),
    "cf": (
        "i2",
        [-999, 0, 100],
        {"units": "dBZ", "scale_factor": 0.1, "add_offset": 3.0, "_FillValue": -999},
    ),
    "odim": (
        "u1",
        [0, 164, 255],
        {"units": "dBZ", "gain": [0.5], "offset": -32.0, "nodata": 255},
    ),
    "floats": ("f4", [-np.inf, -31.5, 12.5, np.nan], {"units": "dBZ"}),
    "rates": ("f8", [-1e7, 0.0, 1.0, 0.1, np.nan], {"units": "mm/h"}),
}
EXPECTED = {
    "knmi 128": [0, 10, 63.5, None],
    "knmi": [0, 0, 0, 28, None],
    "rate": [0, 0, 23.0103, 39.0103, None],
    "accumulation": [0, 23.0103 + 16 * np.log10(12), 23.0103 + 16 * np.log10(120)],
    "cf": [None, 3, 13],
    "odim": [0, 50, None],
    "floats": [0, 0, 12.5, None],
    "rates": [0, 0, 23.0103, 7.0103, None],
}


@pytest.mark.parametrize("name", CODINGS)
def test_numbers_are_decoded_to_dbz_with_a_floor_and_gaps(config, tmp_path, name):
    dtype, numbers, attributes = CODINGS[name]
    stored = np.tile(np.array(numbers, dtype), (2, 3, 1))
    path = save(tmp_path / "radar.h5", stored, **attributes)
    values = frames(load(config, path))
    assert values.shape == (2, 3, len(numbers), 1)
    assert values.dtype == np.float32
    expected = [np.nan if v is None else v for v in EXPECTED[name]]
    np.testing.assert_allclose(values[1, 2, :, 0], expected, rtol=FLOAT32, atol=1e-4)


def test_reflectivity_inverts_marshall_and_palmer():
    dbz = np.linspace(0, 60, 13)
    rate = (10 ** (dbz / 10) / 200) ** (1 / 1.6)
    np.testing.assert_allclose(rain.reflectivity(rate), dbz, atol=1e-12)


def test_thresholds_are_rain_rates_in_the_unit_learned(config, tmp_path):
    numbers, attributes = showers()
    dataset = load(config, save(tmp_path / "radar.h5", numbers, **attributes))
    assert dataset.unit == "dBZ"
    expected = rain.reflectivity(np.array([0.1, 1, 5, 10]))
    np.testing.assert_allclose(dataset.thresholds, expected, atol=0.005)  # two digits


@pytest.mark.parametrize("count", [92, 2000])
def test_an_hour_lies_between_the_splits(config, tmp_path, count):
    dataset = load(config, path_of(tmp_path, count), split="in_time")
    spans = []
    for split in SPLITS:
        (index,) = dataset.splits[split]
        values = frames(dataset, index)[:, 0, 0, 0] * 100
        spans.append((round(values[0]), round(values[-1])))
    assert spans[0][0] == 0
    assert spans[-1][1] == count - 1
    for (_, before), (after, _) in zip(spans[:-1], spans[1:], strict=True):
        assert after - before - 1 == 12
    train, validation, test = (last - first + 1 for first, last in spans)
    # Two hours after half an hour of history, or 15 % of a long file.
    assert test == max(30, round(0.15 * (count - 24)))
    assert 2.5 < train / validation < 3.5


def path_of(tmp_path, count):
    """Write frames whose value in dBZ is a hundredth of their index."""
    numbers = np.arange(count, dtype=np.float32)[:, None, None] / 100
    return save(tmp_path / "long.h5", np.tile(numbers, (1, 2, 2)), units="dBZ")


def test_no_window_crosses_a_gap_in_time(config, tmp_path):
    numbers, attributes = showers(count=20)
    times = 300 * np.arange(20)
    times[7:] += 3600
    times[15:] += 600
    path = save(tmp_path / "radar.h5", numbers, times=times, **attributes)
    dataset = load(config, path)
    assert dataset.trajectories.lengths == [7, 8, 5]
    windows = Windows(dataset, "test", length=5)
    starts = [windows[n][0, 0, 0, 0] for n in range(len(windows))]
    assert starts == [0, 1, 2, 7, 8, 9, 10, 15]
    assert dataset.frame_interval == "5 min"
    long, attributes = showers(count=90)
    times = 300 * np.arange(90)
    times[20:] += 3600
    path = save(tmp_path / "long.h5", long, times=times, **attributes)
    split = load(config, path, split="in_time")
    assert split.splits["train"].tolist() == [0, 1]
    assert split.trajectories.lengths[0] == 20


def test_cell_size_and_interval_are_those_the_file_states(config, tmp_path):
    numbers, attributes = showers(count=3)
    path = save(tmp_path / "radar.h5", numbers, times=None, **attributes)
    with h5py.File(path, "a") as file:
        file.attrs.update({"pixel_km": 0.5, "dt_minutes": 7.5})
    dataset = load(config, path)
    assert (dataset.cell_size, dataset.frame_interval) == ("0.5 km", "7.5 min")


def test_the_usual_variable_is_found_and_another_can_be_named(config, tmp_path):
    numbers, attributes = showers(count=2)
    path = save(tmp_path / "radar.h5", numbers + 5, variable="rain", **attributes)
    assert frames(load(config, path, variable="rain"))[1, 0, 0, 0] == 6
    with h5py.File(path, "a") as file:
        file["dbz8"] = (4 * numbers).astype("u1")
        file["dbz8"].attrs["units"] = "dBZ = v/4"
    assert frames(load(config, path))[1, 0, 0, 0] == 1
    with pytest.raises(InputError, match=r"no variable rate; .*: dbz8, rain, time"):
        load(config, path, variable="rate")


def test_a_file_of_something_else_lists_what_is_in_it(config, tmp_path):
    path = save(tmp_path / "radar.h5", np.zeros((3, 2, 2)), variable="temperature")
    with pytest.raises(
        InputError, match="no variable dbz8 or dbz .*: temperature, time"
    ):
        load(config, path)


@pytest.mark.parametrize("shape", [(4,), (4, 4, 4, 1), (0, 4, 4)], ids=str)
def test_wrong_axes_are_refused(config, tmp_path, shape):
    path = save(tmp_path / "radar.h5", np.zeros(shape), units="dBZ")
    with pytest.raises(InputError, match=r"expected numbers \(time, rows, columns\)"):
        load(config, path)


@pytest.mark.parametrize(
    ("dtype", "attributes"),
    [
        ("u1", {}),
        ("f4", {}),
        ("u1", {"units": "dBZ"}),
        ("u1", {"units": "counts", "scale_factor": 0.5}),
    ],
    ids=str,
)
def test_an_unknown_coding_says_which_attributes_to_add(
    config, tmp_path, dtype, attributes
):
    path = save(tmp_path / "radar.h5", np.zeros((3, 2, 2), dtype), **attributes)
    with pytest.raises(InputError, match="Add attributes units .*scale_factor"):
        load(config, path)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"scale_factor": np.inf}, "both must be finite"),
        ({"scale_factor": "half"}, "attribute scale_factor cannot be read"),
        ({"scale_factor": [1.0, 2.0]}, "attribute scale_factor cannot be read"),
        ({"_FillValue": "none"}, "attribute _FillValue cannot be read"),
    ],
    ids=str,
)
def test_attributes_that_are_no_numbers(config, tmp_path, attributes, message):
    numbers, units = showers(count=3)
    path = save(tmp_path / "radar.h5", numbers, **{**units, **attributes})
    with pytest.raises(InputError, match=message):
        load(config, path)


@pytest.mark.parametrize("strongest", [95.5, 1e30, np.inf])
def test_codes_taken_for_rain_are_refused(config, tmp_path, strongest):
    numbers, attributes = showers(count=5)
    numbers[3, 1, 1] = strongest
    path = save(tmp_path / "radar.h5", numbers, **attributes)
    with pytest.raises(InputError, match="dBZ in frame 3: a code taken for rain"):
        load(config, path)


def test_clutter_is_missing_and_told(config, tmp_path, caplog):
    numbers, attributes = showers(count=5)
    numbers[3, 1, 1] = rain.reflectivity(np.array(8000.0))
    dataset = load(config, save(tmp_path / "radar.h5", numbers, **attributes))
    assert np.argwhere(np.isnan(frames(dataset)[..., 0])).tolist() == [[3, 1, 1]]
    assert "values of up to 8000 mm/h, as in frame 3, are clutter" in caplog.text


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (None, "add a dataset 'time' .* or an attribute dt_minutes"),
        (300 * np.arange(4), "expected a time for each of 5 frames"),
        (np.array([0, 300, np.nan, 900, 1200]), "expected a time for each of 5 frames"),
    ],
    ids=["none", "one too few", "not a number"],
)
def test_times_that_make_no_sense(config, tmp_path, times, message):
    numbers, attributes = showers(count=5)
    path = save(tmp_path / "radar.h5", numbers, times=times, **attributes)
    with pytest.raises(InputError, match=message):
        load(config, path)


def test_frames_are_put_in_the_order_of_their_times(config, tmp_path, caplog):
    numbers, attributes = showers(count=5)
    times = np.array([0, 600, 300, 900, 1200])
    path = save(tmp_path / "radar.h5", numbers, times=times, **attributes)
    assert frames(load(config, path))[:, 0, 0, 0].tolist() == [0, 2, 1, 3, 4]
    assert "put in the order of their times" in caplog.text


def test_of_frames_of_one_time_the_first_counts(config, tmp_path, caplog):
    numbers, attributes = showers(count=5)
    times = np.array([0, 300, 300, 600, 900])
    path = save(tmp_path / "radar.h5", numbers, times=times, **attributes)
    assert frames(load(config, path))[:, 0, 0, 0].tolist() == [0, 1, 3, 4]
    assert "1 frames have a time that another has" in caplog.text


def test_times_in_other_units_than_seconds(config, tmp_path):
    numbers, attributes = showers(count=5)
    path = save(tmp_path / "radar.h5", numbers, times=6 * np.arange(5), **attributes)
    with h5py.File(path, "a") as file:
        file["time"].attrs["units"] = "minutes since 2010-08-26"
    assert load(config, path).frame_interval == "6 min"
    with h5py.File(path, "a") as file:
        file["time"].attrs["units"] = "fortnights"
    with pytest.raises(InputError, match="units 'fortnights'; expected Unix seconds"):
        load(config, path)


def test_frames_without_a_value_are_gaps_and_a_file_of_them_is_refused(
    config, tmp_path
):
    numbers, attributes = showers(count=92)
    numbers[70:] = 0
    numbers[5] = np.nan
    path = save(tmp_path / "radar.h5", numbers, **attributes)
    dataset = load(config, path, split="in_time")
    assert np.isnan(dataset.trajectories.read(0, 5, 6)).all()
    assert np.isfinite(Statistics.of(dataset).mean).all()
    path = save(tmp_path / "nothing.h5", np.full_like(numbers, np.nan), **attributes)
    with pytest.raises(InputError, match="has no value to learn from"):
        Statistics.of(load(config, path, split="in_time"))


def test_too_short_to_split_can_still_be_scored(config, tmp_path):
    numbers, attributes = showers(count=25)
    path = save(tmp_path / "radar.h5", numbers, **attributes)
    with pytest.raises(InputError, match="25 frames, 5 min apart: too few .*split=all"):
        load(config, path, split="in_time")
    dataset = load(config, path)
    assert len(Windows(dataset, "test", length=25)) == 1
    with pytest.raises(InputError, match="window of 26 frames does not fit"):
        Windows(dataset, "test", length=26)


def test_no_file_says_where_data_come_from_and_what_to_run(config, tmp_path):
    with pytest.raises(InputError, match=r"data.path is empty; .*KNMI.*quickstart"):
        load(config, "")
    with pytest.raises(InputError, match="no such file; .*KNMI.*quickstart"):
        load(config, tmp_path / "absent.h5")


def test_the_fingerprint_follows_content_and_coding(config, tmp_path):
    numbers, attributes = showers(count=5)
    first = load(config, save(tmp_path / "a.h5", numbers, **attributes)).fingerprint
    assert load(config, save(tmp_path / "b.h5", numbers, **attributes)).fingerprint == (
        first
    )
    other = save(tmp_path / "c.h5", numbers, **attributes, add_offset=1.0)
    assert load(config, other).fingerprint != first
    numbers[3, 1, 1] += 1
    other = save(tmp_path / "d.h5", numbers, **attributes)
    assert load(config, other).fingerprint != first


# From here on, real data.


def correlation(first, second):
    return np.corrcoef(first.ravel(), second.ravel())[0, 1]


def shift_between(first, second):
    """Return cells along each axis: the peak of the FFT cross-correlation, refined."""
    taper = np.outer(*(np.hanning(n) for n in first.shape))
    spectra = [np.fft.fft2((f - f.mean()) * taper) for f in (first, second)]
    likeness = np.fft.ifft2(spectra[0].conj() * spectra[1]).real
    peak = np.unravel_index(likeness.argmax(), likeness.shape)
    shift = []
    for axis, centre in enumerate(peak):
        around = np.roll(likeness, -centre + 1, axis).take(range(3), axis)
        low, top, high = around.take(peak[1 - axis], 1 - axis)
        whole = (centre + first.shape[axis] // 2) % first.shape[axis]
        part = (low - high) / (low - 2 * top + high) / 2
        shift.append(whole - first.shape[axis] // 2 + part)
    return shift


def moved(frame, shift):
    """Shift a frame by a fraction of cells, bilinear and periodic."""
    for axis, cells in enumerate(shift):
        whole, part = divmod(cells, 1)
        near, far = (np.roll(frame, int(whole) + n, axis) for n in (0, 1))
        frame = (1 - part) * near + part * far
    return frame


def test_the_knmi_sample_moves_as_it_was_measured(config, real_data):
    dataset = load(config, real_data / "radar" / "knmi_20100826_128.h5")
    films = frames(dataset)[..., 0].astype(np.float64)
    pairs = list(zip(films[:-1], films[1:], strict=True))
    shift = np.mean([shift_between(*pair) for pair in pairs], axis=0)
    # Printed to two digits; how the peak is read to a fraction matters as much.
    np.testing.assert_allclose(shift, (-1.16, 3.71), atol=0.02)
    still = np.mean([correlation(a, b) for a, b in pairs])
    carried = np.mean([correlation(moved(a, (-1.16, 3.71)), b) for a, b in pairs])
    # Printed to three digits, from the rain rate or its code, which differ by 1e-3.
    assert still == pytest.approx(0.873, abs=2e-3)
    assert carried == pytest.approx(0.941, abs=2e-3)
    assert (dataset.cell_size, dataset.frame_interval) == ("2 km", "5 min")
    assert not np.isnan(films).any()


def test_both_forms_of_the_knmi_sample_are_the_same_rain(config, real_data):
    path = real_data / "radar" / "knmi_20100826_128.h5"
    coded = frames(load(config, path, variable="dbz8"))
    rates = frames(load(config, path, variable="rate"))
    rain = coded > 20
    assert rain.mean() > 0.05
    # Half a step of the codes: 0.25 dBZ, and 0.01 mm/h at 20 dBZ, or 0.65 mm/h.
    assert np.abs(coded - rates)[rain].max() < 0.125 + 0.06


def test_the_whole_composite_is_mostly_outside_the_radars_range(config, real_data):
    path = real_data / "radar" / "knmi_20100826.h5"
    for variable in ("dbz8", "acc_raw"):
        dataset = load(config, path, variable=variable)
        outside = np.isnan(dataset.trajectories.read(0, 40, 42))
        assert outside.shape == (2, 765, 700, 1)
        assert outside.mean() == pytest.approx(0.74, abs=0.005)  # two digits
