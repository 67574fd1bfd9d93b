"""Events made of files: order, gaps, doubles, days, squares and coarser cells."""

import composites
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from adr_jax.data.contract import SPLITS
from adr_jax.data.weather import inspection, radar, rain
from adr_jax.data.weather.events import find_files, open_events
from adr_jax.errors import InputError

DAY = 86400


def event(path, day=0, count=40, cells=8, minutes=5, value=None, cell_km=2.0):
    """Write an event at noon of a day; its value is the index, or `value`."""
    index = np.arange(count, dtype=np.float32)
    numbers = index if value is None else np.full(count, value, np.float32)
    frames = np.tile(numbers[:, None, None], (1, cells, cells))
    times = DAY * day + DAY // 2 + 60 * minutes * np.arange(count)
    return composites.save(
        path, "dbz", frames, times=times, units="dBZ", pixel_km=cell_km
    )


def load(config, path, split="in_time", **fields):
    return composites.load(radar, config, path, split=split, **fields)


def test_files_are_named_by_folder_pattern_and_list(tmp_path):
    for name in ("b/1.h5", "b/2.nc", "b/readme.txt", "a.h5"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()

    def names(paths):
        return [path.name for path in find_files(str(tmp_path), paths)]

    assert names("b") == ["1.h5", "2.nc"]
    assert names("b/*.nc") == ["2.nc"]
    assert names("a.h5, b/1.h5") == ["a.h5", "1.h5"]
    assert names(".") == ["a.h5", "1.h5", "2.nc"]
    with pytest.raises(InputError, match="no file has such a name"):
        names("*.tif")
    (tmp_path / "c").mkdir()
    with pytest.raises(InputError, match="a folder without a file of composites"):
        names("c")


def test_files_of_a_frame_become_one_event_in_the_order_of_time(tmp_path):
    for hour in (2, 0, 1, 3, 6, 7):
        name = tmp_path / f"{9 - hour}.h5"  # names are in another order
        frames = np.full((1, 4, 4), float(hour), np.float32)
        times = np.array([300 * hour])
        composites.save(name, "dbz", frames, times=times, units="dBZ")
    first, second = open_events(find_files("", str(tmp_path)))
    assert first.read(0, 4)[:, 0, 0].tolist() == [0, 1, 2, 3]
    assert second.read(0, 2)[:, 0, 0].tolist() == [6, 7]
    assert first.interval == second.interval == 5


def test_events_of_one_time_in_two_files_stay_apart(tmp_path):
    paths = [event(tmp_path / f"{n}.h5", value=n) for n in range(2)]
    events = open_events(paths)
    assert [e.read(0, 1).max() for e in events] == [0, 1]
    assert [len(e) for e in events] == [40, 40]


def test_a_damaged_file_among_several_is_left_out_and_told(tmp_path, caplog):
    paths = [event(tmp_path / f"{n}.h5") for n in range(2)]
    paths[0].write_bytes(paths[0].read_bytes()[:500])
    assert len(open_events(paths)) == 1
    assert f"left out: {paths[0]}" in caplog.text
    with pytest.raises(InputError, match="cannot be read"):
        open_events(paths[:1])
    with pytest.raises(InputError, match="absent.h5: no such file"):
        open_events([paths[1], tmp_path / "absent.h5"])


def test_a_frame_replaced_before_it_is_read_is_no_frame_of_its_time(tmp_path):
    for index in range(3):
        moment = np.array([DAY // 2 + 300 * index])
        frame = np.full((1, 8, 8), index, np.float32)
        composites.save(
            tmp_path / f"{index}.h5", "dbz", frame, times=moment, units="dBZ"
        )
    (found,) = open_events(sorted(tmp_path.iterdir()))
    (tmp_path / "2.h5").replace(tmp_path / "1.h5")
    assert found.read(0, 1)[0, 0, 0] == 0
    with pytest.raises(InputError, match="1.h5 changed after its time was read"):
        found.read(0, 2)


def test_a_frame_alone_shows_no_motion(tmp_path):
    path = event(tmp_path / "one.h5", count=1)
    with pytest.raises(InputError, match="no two frames follow each other"):
        open_events([path])


def test_each_of_three_days_is_in_one_split(config, tmp_path):
    for day in range(3):
        event(tmp_path / f"{day}.h5", day=2 - day, value=2 - day)
        # The same day, elsewhere.
        event(tmp_path / f"{day}_more.h5", day=2 - day, value=2 - day, count=9)
    dataset = load(config, tmp_path)
    for day, split in enumerate(SPLITS):
        parts = [composites.frames(dataset, index) for index in dataset.splits[split]]
        assert [len(part) for part in parts] == [40, 9] or split != "train"
        assert {float(part.max()) for part in parts} == {float(day)}


def test_two_days_are_split_with_an_hour_between(config, tmp_path):
    for day in range(2):
        event(tmp_path / f"{day}.h5", day=day)
    dataset = load(config, tmp_path)
    lengths = {
        split: [dataset.trajectories.lengths[index] for index in dataset.splits[split]]
        for split in SPLITS
    }
    # Of 80 frames less two hours half tests, and a quarter of the rest validates.
    assert lengths == {"train": [21], "validation": [7], "test": [28]}


def test_squares_are_cut_where_grids_differ(config, tmp_path):
    event(tmp_path / "a.h5", cells=8)
    event(tmp_path / "b.h5", cells=12, day=5)
    dataset = load(config, tmp_path, split="all")
    assert dataset.trajectories.frame_shape == (8, 8, 1)
    # One, and of twelve cells along each axis those from 0 and from 4.
    assert len(dataset.splits["test"]) == 1 + 4
    dataset = load(config, tmp_path, split="all", crop=4)
    assert dataset.trajectories.frame_shape == (4, 4, 1)
    with pytest.raises(InputError, match="crop is 9; the smallest grid has 8"):
        load(config, tmp_path, crop=9)


def test_a_square_is_the_part_of_the_frame_it_says(config, tmp_path):
    cells = np.arange(48, dtype=np.float32).reshape(1, 6, 8)
    frames = np.repeat(cells, 3, axis=0)
    path = composites.save(tmp_path / "a.h5", "dbz", frames, units="dBZ")
    dataset = load(config, path, split="all", crop=4)
    corners = [composites.frames(dataset, n)[0, 0, 0, 0] for n in range(6)]
    assert corners == [0, 2, 4, 16, 18, 20]
    square = composites.frames(dataset, 1)[0, ..., 0]
    np.testing.assert_array_equal(square, cells[0, :4, 2:6])


def test_squares_outside_the_range_of_the_radar_are_left_out(config, tmp_path):
    frames = np.ones((3, 4, 12), np.float32)
    frames[:, :, 5:] = np.nan
    path = composites.save(tmp_path / "a.h5", "dbz", frames, units="dBZ")
    dataset = load(config, path, split="all", crop=4)
    # Of columns 0 to 4 and 2 to 6 half is known or more, of the others less.
    assert len(dataset.splits["test"]) == 2


def test_coarser_cells_have_the_mean_rain_rate(config, tmp_path):
    gap = np.nan
    rates = np.array(
        [[4.0, 0.0, 1.0, 1.0, 9.0, gap, 7.0], [0.0, 4.0, gap, gap, gap, gap, 7.0]]
    )
    dbz = rain.reflectivity(rates).clip(0)
    frames = np.repeat(dbz[None].astype(np.float32), 3, axis=0)
    about = {"units": "dBZ", "pixel_km": 1.0}
    path = composites.save(tmp_path / "a.h5", "dbz", frames, **about)
    dataset = load(config, path, split="all", cell_km=2.0)
    got = composites.frames(dataset)[0, 0, :, 0]
    # Half known is enough, a quarter is not; what is left over is cut off.
    expected = [*rain.reflectivity(np.array([2.0, 1.0])), gap]
    np.testing.assert_allclose(got, expected, rtol=1e-5)  # rounding of float32
    assert dataset.cell_size == "2 km"
    with pytest.raises(InputError, match="of which 1.5 km .* is no whole number"):
        load(config, path, cell_km=1.5)


def test_other_intervals_and_cells_are_refused(config, tmp_path):
    event(tmp_path / "a.h5", minutes=5)
    event(tmp_path / "b.h5", minutes=10, day=1)
    with pytest.raises(InputError, match="a frame every 10 min, others every 5 min"):
        load(config, tmp_path)
    event(tmp_path / "b.h5", minutes=6, day=1, cell_km=1.0)
    with pytest.raises(InputError, match="cells of 2.0 and 1.0 km: set config.data"):
        load(config, tmp_path)
    dataset = load(config, tmp_path, cell_km=2.0, split="all")
    assert (dataset.cell_size, dataset.frame_interval) == ("2 km", "5 min")


def test_inspection_says_what_moves_whither_and_how_to_train(tmp_path):
    """Showers go three cells a frame towards the east, in cells of 2 km: 72 km/h."""
    noise = np.random.default_rng(4).normal(size=(40, 40))
    smooth = gaussian_filter(noise, 2, mode="wrap")
    film = np.stack([np.roll(smooth, 3 * k, axis=1) for k in range(8)])
    dbz = (30 + 15 * film / film.std()).astype(np.float32)
    about = {"units": "dBZ", "pixel_km": 2.0}
    composites.save(tmp_path / "east.h5", "dbz", dbz, **about)
    assert inspection.is_radar(str(tmp_path))
    text = "\n".join(inspection.describe(str(tmp_path)))
    assert "files: 1, events: 1" in text
    assert "east.h5, 1970-01-01 00:00 to 1970-01-01 00:35: 8 frames" in text
    assert "one every 5 min, 40 x 40 cells of 2 km" in text
    assert "moves 3.0 cells a frame towards E, 72 km/h" in text
    assert "--config=configs/radar.py" in text
    assert "--config.data.crop=40" in text


def test_files_of_other_things_are_not_of_radar(tmp_path):
    composites.save(tmp_path / "a.h5", "temperature", np.zeros((3, 4, 4)), units="K")
    assert not inspection.is_radar(str(tmp_path / "a.h5"))
    assert not inspection.is_radar(str(tmp_path / "absent.h5"))


def test_without_a_test_one_day_validates_and_all_others_train(config, tmp_path):
    for day, count in enumerate((50, 20, 60)):
        event(tmp_path / f"{day}.h5", day=day, count=count, value=day)
    dataset = load(config, tmp_path, split="no_test")

    def days(split):
        parts = [composites.frames(dataset, n) for n in dataset.splits[split]]
        return [float(part.max()) for part in parts]

    # 20 frames are nearest to 15 % of 130.
    assert days("validation") == [1]
    assert days("train") == [0, 2]
    assert len(dataset.splits["test"]) == 0
    with pytest.raises(InputError, match="another to validate on"):
        load(config, tmp_path / "0.h5", split="no_test")
