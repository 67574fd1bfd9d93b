"""The user's own data: read right whatever its layout, split without a leak."""

import itertools

import h5py
import numpy as np
import pytest
from PIL import Image

from adr_jax.data.own.sequences import open_sequences
from adr_jax.data.own.source import load
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError
from configs import own


def config_of(path, **fields):
    config = own.get_config().data
    config.path = str(path)
    config.update(fields)
    return config


def dataset_of(tmp_path, array, **fields):
    np.save(tmp_path / "f.npy", array)
    return load(config_of(tmp_path / "f.npy", **fields))


LAYOUTS = ["tyx", "xty", "ntxc", "cxtny", "tzyx", "xyzntc", "tx", "xt"]


@pytest.mark.parametrize("axes", LAYOUTS)
def test_any_order_of_axes_gives_the_same_frames(axes, tmp_path, generator):
    """Channels and trajectories first or last, space in any order."""
    sizes = {"n": 3, "t": 6, "z": 4, "y": 5, "x": 7, "c": 2}
    present = [letter for letter in "ntzyxc" if letter in axes]
    frames = generator.normal(size=[sizes[a] for a in present]).astype(np.float32)
    stored = frames.transpose([present.index(letter) for letter in axes])
    np.save(tmp_path / "f.npy", stored)
    source = open_sequences(tmp_path / "f.npy", axes=axes)
    full = frames if "n" in axes else frames[None]
    full = full if "c" in axes else full[..., None]
    assert source.frame_shape == full.shape[2:]
    assert source.lengths == [6] * len(full)
    for index, trajectory in enumerate(full):
        np.testing.assert_array_equal(source.read(index, 2, 5), trajectory[2:5])
    np.testing.assert_array_equal(source.as_stored(full), stored)


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i4", "f2", ">f8", "?"])
def test_numbers_of_any_type_become_float32(dtype, tmp_path, generator):
    stored = generator.integers(0, 2, (30, 8, 8)).astype(dtype)
    np.save(tmp_path / "f.npy", stored)
    frames = open_sequences(tmp_path / "f.npy").read(0, 0, 30)
    assert frames.dtype == np.float32
    np.testing.assert_array_equal(frames[..., 0], stored)


def packed_file(path, stored, **attributes):
    with h5py.File(path, "w") as file:
        file["rain"] = stored
        file["rain"].attrs.update(attributes)
    return path


def test_packed_numbers_are_unpacked_and_fill_values_are_missing(tmp_path):
    stored = np.arange(30 * 64, dtype=np.int16).reshape(30, 8, 8)
    path = packed_file(
        tmp_path / "f.h5",
        stored,
        scale_factor=0.5,
        add_offset=-3.0,
        _FillValue=np.int16(7),
        missing_value=np.array([9, 65_556]),  # no int16, but 20 if cut to its bits
        units="mm",
    )
    source = open_sequences(path)
    frames = source.read(0, 0, 30)[..., 0]
    expected = stored * 0.5 - 3
    expected[(stored == 7) | (stored == 9)] = np.nan
    np.testing.assert_array_equal(frames, expected)
    assert source.unit == "mm"


def test_a_fill_value_may_be_infinite_or_huge(tmp_path):
    stored = np.ones((30, 8, 8))
    stored[3, 2, 1], stored[4] = np.inf, 1e300
    path = packed_file(
        tmp_path / "f.h5", stored, _FillValue=np.inf, missing_value=1e300
    )
    missing = np.isnan(open_sequences(path).read(0, 0, 30)[..., 0])
    np.testing.assert_array_equal(missing, stored != 1)


@pytest.mark.parametrize(
    "attributes",
    [{"scale_factor": "half"}, {"scale_factor": np.nan}, {"add_offset": [1.0, 2.0]}],
    ids=str,
)
def test_packing_that_makes_no_sense(attributes, tmp_path):
    path = packed_file(tmp_path / "f.h5", np.ones((30, 8, 8)), **attributes)
    with pytest.raises(InputError, match=next(iter(attributes))):
        open_sequences(path)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
def test_the_first_infinite_value_is_named(value, tmp_path):
    frames = np.ones((2, 30, 8, 9, 1))
    frames[1, 17, 3, 5] = value
    np.save(tmp_path / "f.npy", frames)
    source = open_sequences(tmp_path / "f.npy", axes="ntyxc")
    with pytest.raises(InputError, match=r"trajectory 1, frame 17, cell \(3, 5\)"):
        source.read(1, 10, 20)


def test_one_long_sequence_is_split_in_time_with_a_window_between(tmp_path):
    values = np.broadcast_to(np.arange(100.0)[:, None, None], (100, 8, 8))
    dataset = dataset_of(tmp_path, values, history=7)
    assert dataset.split_name == "in_time"
    spans = {}
    for split in dataset.splits:
        (index,) = dataset.splits[split]
        length = dataset.trajectories.lengths[index]
        seen = dataset.trajectories.read(index, 0, length)[:, 0, 0, 0]
        spans[split] = seen[0], seen[-1]
    assert spans == {"train": (0, 57), "validation": (66, 78), "test": (87, 99)}


@pytest.mark.parametrize("frames", [25, 26, 31, 40])
def test_a_short_sequence_leaves_a_window_for_each(frames, tmp_path, generator):
    array = generator.normal(size=(frames, 8, 8))
    dataset = dataset_of(tmp_path, array, history=4)
    for split in dataset.splits:
        assert len(Windows(dataset, split, 5)) >= 1


@pytest.mark.parametrize("frames", [1, 2, 24])
def test_too_few_frames(frames, tmp_path, generator):
    array = generator.normal(size=(frames, 8, 8))
    with pytest.raises(InputError, match=rf"has {frames} frames; .*need 25"):
        dataset_of(tmp_path, array, history=4, axes="tyx")


def test_trajectories_that_are_the_same_stay_in_one_split(tmp_path, generator):
    distinct = generator.normal(size=(20, 9, 8, 8, 1))
    dataset = dataset_of(tmp_path, np.concatenate([distinct, distinct]))
    assert dataset.split_name == "trajectories"
    assert dataset.states == {"train": 14, "validation": 3, "test": 3}
    firsts = {}
    for split, indices in dataset.splits.items():
        read = [dataset.trajectories.read(n, 0, 1).tobytes() for n in indices]
        assert len(read) == 2 * dataset.states[split]
        firsts[split] = set(read)
    for one, other in itertools.combinations(firsts.values(), 2):
        assert not one & other


def test_two_trajectories_are_split_in_time_each(tmp_path, generator):
    array = generator.normal(size=(2, 40, 8, 8, 1))
    dataset = dataset_of(tmp_path, array)
    assert {split: len(indices) for split, indices in dataset.splits.items()} == {
        "train": 2,
        "validation": 2,
        "test": 2,
    }
    with pytest.raises(InputError, match="2 distinct trajectories; .* needs 3"):
        dataset_of(tmp_path, array, split="trajectories")


def test_split_all_is_for_scoring(tmp_path, generator):
    dataset = dataset_of(tmp_path, generator.normal(size=(4, 9, 8, 8, 1)), split="all")
    sizes = {split: len(indices) for split, indices in dataset.splits.items()}
    assert sizes == {"train": 0, "validation": 0, "test": 4}


def test_missing_everywhere(tmp_path):
    with pytest.raises(InputError, match="every value looked at is missing"):
        dataset_of(tmp_path, np.full((40, 8, 8), np.nan))


@pytest.mark.parametrize(
    ("offset", "dtype", "metrics", "data_range"),
    [
        (5, float, ("nrmse", "rmse", "vrmse"), None),
        (0, float, ("rmse", "vrmse"), None),
        (100, np.uint8, ("nrmse", "rmse", "vrmse", "ssim", "psnr"), (0, 255)),
    ],
)
def test_metrics_follow_the_values(
    offset, dtype, metrics, data_range, tmp_path, generator
):
    frames = generator.normal(size=(40, 16, 16)) + offset
    dataset = dataset_of(tmp_path, frames.astype(dtype))
    assert dataset.metrics == metrics
    assert dataset.data_range == data_range


def test_the_fingerprint_follows_the_content_and_not_the_place(tmp_path, generator):
    frames = generator.normal(size=(60, 8, 8))

    def fingerprint(folder, changed):
        (tmp_path / folder).mkdir()
        return dataset_of(tmp_path / folder, changed).fingerprint

    assert fingerprint("a", frames) == fingerprint("b", frames)
    prints = set()
    for index in range(60):
        changed = frames.copy()
        changed[index, 3, 3] += 1e-3
        prints.add(fingerprint(str(index), changed))
    assert len(prints) == 60


def test_a_folder_of_images(tmp_path, generator):
    stored = generator.integers(0, 256, (30, 12, 14, 3)).astype(np.uint8)
    for index, frame in enumerate(stored):
        Image.fromarray(frame).save(tmp_path / f"{index}.png")
    dataset = load(config_of(tmp_path, history=4))
    assert dataset.channels == ("frames 0", "frames 1", "frames 2")
    train = dataset.trajectories.read(int(dataset.splits["train"][0]), 0, 5)
    np.testing.assert_array_equal(train, stored[:5])


def test_no_path_is_told():
    with pytest.raises(InputError, match="--config.data.path=FILE"):
        load(own.get_config().data)


def test_pdebench_files_of_any_channels(tmp_path, generator):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for key in ("0000", "0001", "0002"):
            data = generator.normal(size=(9, 8, 8, 2)).astype("f4")
            file[f"{key}/data"] = data
            file[f"{key}/grid/x"] = file[f"{key}/grid/y"] = np.arange(8) * 0.25
            file[f"{key}/grid/t"] = np.arange(9) * 0.1
    dataset = load(config_of(tmp_path / "f.h5"))
    assert dataset.trajectories.frame_shape == (8, 8, 2)
    assert (dataset.cell_size, dataset.frame_interval) == (0.25, 0.1)


def test_real_files_say_what_they_are(real_data):
    radar = load(
        config_of(real_data / "radar" / "knmi_20100826_128.h5", variable="rate")
    )
    assert radar.frame_interval == "300 seconds"
    assert sum(radar.trajectories.lengths) == 92 - 2 * 5
    ocean = load(
        config_of(
            real_data / "ocean" / "globcurrent_agulhas_2002_daily.h5",
            variable="u",
            fill="-32768",
        )
    )
    assert ocean.cell_size == 0.25
    assert ocean.trajectories.frame_shape == (41, 81, 1)


def level_file(path, generator):
    """Write one level of a field as the netCDF library does, texts as bytes."""
    values = generator.normal(size=(30, 1, 8, 9))
    with h5py.File(path, "w") as file:
        file["z"] = values
        file["z"].attrs["units"] = np.bytes_(b"m")
        about = {
            "valid_time": (np.arange(30), "hours since 2024-01-01"),
            "pressure_level": ([500.0], "hPa"),
            "latitude": (60 - 0.25 * np.arange(8), "degrees_north"),
            "longitude": (0.25 * np.arange(9), "degrees_east"),
        }
        for axis, (name, (along, units)) in enumerate(about.items()):
            file[name] = along
            file[name].attrs["units"] = np.array([units.encode()])
            file[name].make_scale(name)
            file["z"].dims[axis].attach_scale(file[name])
    return values


def test_a_single_level_is_no_axis_and_texts_are_text(tmp_path, generator):
    values = level_file(tmp_path / "f.h5", generator)
    dataset = load(config_of(tmp_path / "f.h5", variable="z"))
    assert dataset.trajectories.frame_shape == (8, 9, 1)
    assert dataset.unit == "m"
    assert dataset.frame_interval == "1 hours"
    # Of rows from north to south, too.
    assert dataset.cell_size == "0.25 degrees_north x 0.25 degrees_east"
    source = open_sequences(tmp_path / "f.h5", "z")
    frames = source.read(0, 0, 30)
    np.testing.assert_array_equal(frames[..., 0], np.float32(values[:, 0]))
    assert source.as_stored(frames[None]).shape == values.shape


def test_a_fill_that_the_user_names_in_pdebench_layout(tmp_path, generator):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for key in ("0000", "0001", "0002"):
            data = generator.normal(size=(9, 8, 8, 1)).astype("f4")
            data[:, 2, 3] = -999
            file[f"{key}/data"] = data
    config = config_of(tmp_path / "f.h5")
    with pytest.raises(InputError, match="-999 is stored in 27 .*data.fill"):
        load(config)
    config.fill = "-999"
    frames = load(config).trajectories.read(0, 0, 9)
    assert np.isnan(frames[:, 2, 3]).all() and np.isnan(frames).sum() == 9
