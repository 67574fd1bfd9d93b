"""CloudCast: four layouts and one content, the authors' classes, honest splits."""

import h5py
import numpy as np
import pytest

from adr_jax.data.cloudcast import source as cloudcast
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError
from configs import base

CELLS = 8
# Of 80 frames of training, 8 validate, after a window of 32 left out.
SMALL = {"TrainCloud": 80, "TestCloud": 14}
FULL = {"2018M05": 45, "2018M06": 35, "2018M07": 14}


@pytest.fixture
def config(tmp_path):
    data = base.get_config().data
    data.update(name="cloudcast", root=str(tmp_path), cells=CELLS, split="mid_2018")
    return data


@pytest.fixture
def clouds(generator):
    """Return raw values of 94 frames, each value a kind of cloud."""
    return generator.integers(5, 15, (94, CELLS, CELLS), np.uint8)


def divided(frames, lengths):
    """Divide frames into parts of these lengths, by name."""
    ends = np.cumsum(list(lengths.values()))
    return dict(zip(lengths, np.split(frames, ends[:-1]), strict=True))


def frames_of(dataset, split):
    """Return the frames of a split, one span after the other."""
    trajectories = dataset.trajectories
    indices = dataset.splits[split].tolist()
    return np.concatenate(
        [trajectories.read(n, 0, trajectories.lengths[n]) for n in indices]
    )


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (range(0, 5), "clear"),  # none, land, sea, snow, sea ice
        (range(5, 7), "low"),  # very low, low
        (range(7, 8), "mid"),
        (range(8, 10), "high"),  # high and very high opaque
        (range(10, 11), "low"),  # fractional
        (range(11, 15), "high"),  # semitransparent
        (range(15, 231), "high"),  # whatever it may be, as the authors' code has it
        (range(231, 256), "clear"),  # invalid
    ],
    ids=str,
)
def test_every_raw_value_has_the_authors_class(raw, expected):
    classes = {cloudcast.CLASSES[index] for index in cloudcast.CLASS_OF_RAW[raw]}
    assert classes == {expected}
    assert len(cloudcast.CLASS_OF_RAW) == 256


@pytest.mark.parametrize("form", [".nc", ".npy"])
@pytest.mark.parametrize("lengths", [SMALL, FULL], ids=["small", "full"])
def test_all_layouts_read_the_same(
    config, clouds, write_clouds, tmp_path, form, lengths, capsys
):
    write_clouds(tmp_path / "cloudcast", divided(clouds, lengths), form)
    dataset = cloudcast.load(config)
    labels = cloudcast.CLASS_OF_RAW[clouds].astype(np.float32)[..., None]
    assert np.array_equal(frames_of(dataset, "train"), labels[:40])
    assert np.array_equal(frames_of(dataset, "validation"), labels[72:80])
    assert np.array_equal(frames_of(dataset, "test"), labels[80:])
    assert frames_of(dataset, "test").dtype == np.float32
    layout = "small set" if lengths == SMALL else "full set"
    assert f"{layout}, {form} files" in capsys.readouterr().out
    assert dataset.cell_size == ("15 km" if lengths == SMALL else "3 km")


def test_the_fingerprint_is_of_the_content_in_whatever_form(
    config, clouds, write_clouds, tmp_path
):
    def fingerprint(name, frames, form):
        write_clouds(tmp_path / name, divided(frames, SMALL), form)
        config.path = name
        return cloudcast.load(config).fingerprint

    first = fingerprint("files", clouds, ".nc")
    assert fingerprint("folders", clouds, ".npy") == first
    clouds[79, 3, 3] += 1  # the last of training
    assert fingerprint("changed", clouds, ".nc") != first


@pytest.mark.parametrize("form", [".nc", ".npy"])
def test_no_window_spans_a_gap_in_time(config, clouds, write_clouds, tmp_path, form):
    minutes = 15 * np.arange(80)
    minutes[10:] += 15  # one frame is missing before frame 10
    minutes[20:] += 60
    minutes += np.arange(80) % 3  # scan times are not exact
    parts = divided(clouds, SMALL)
    write_clouds(tmp_path / "cloudcast", parts, form, {"TrainCloud": minutes})
    dataset = cloudcast.load(config)
    assert dataset.trajectories.lengths == [10, 10, 20, 8, 14]
    assert dataset.splits["train"].tolist() == [0, 1, 2]
    labels = cloudcast.CLASS_OF_RAW[clouds]
    windows = Windows(dataset, "train", length=9, stride=5)
    starts = (0, 10, 20, 25, 30)
    for index, start in enumerate(starts):
        assert np.array_equal(windows[index][..., 0], labels[start : start + 9])
    assert len(windows) == len(starts)


def test_no_window_spans_two_months(config, clouds, write_clouds, tmp_path):
    """Neighbours or not: a month may be missing between them."""
    months = {"2018M02": 20, "2018M03": 15, "2018M06": 45, "2018M07": 14}
    write_clouds(tmp_path / "cloudcast", divided(clouds, months))
    dataset = cloudcast.load(config)
    assert dataset.trajectories.lengths == [20, 15, 5, 8, 14]


def test_the_authors_windows(config, clouds, write_clouds, tmp_path):
    """16 in, 16 out, a start every 16: each frame is input once and target once."""
    parts = {"TrainCloud": clouds[:14], "TestCloud": clouds[14:]}
    write_clouds(tmp_path / "cloudcast", parts)
    windows = Windows(cloudcast.load(config), "test", length=32, stride=16)
    labels = cloudcast.CLASS_OF_RAW[parts["TestCloud"]]
    assert len(windows) == 4
    for index in range(4):
        first = 16 * index
        assert np.array_equal(windows[index][..., 0], labels[first : first + 32])


def test_classes_say_what_labels_say(config, clouds, write_clouds, tmp_path):
    write_clouds(tmp_path / "cloudcast", divided(clouds, SMALL))
    label = cloudcast.load(config)
    config.variable = "classes"
    classes = cloudcast.load(config)
    one_hot = classes.trajectories.read(0, 3, 9)
    assert one_hot.shape == (6, CELLS, CELLS, 4) and one_hot.dtype == np.float32
    assert np.array_equal(one_hot.sum(-1), np.ones((6, CELLS, CELLS)))
    assert np.array_equal(one_hot.argmax(-1), label.trajectories.read(0, 3, 9)[..., 0])
    assert classes.trajectories.frame_shape == (CELLS, CELLS, 4)
    assert (label.data_range, classes.data_range) == ((0, 3), (0, 1))
    assert classes.channels == cloudcast.CLASSES
    assert classes.fingerprint == label.fingerprint


def test_split_all_is_for_scoring(config, clouds, write_clouds, tmp_path):
    write_clouds(tmp_path / "cloudcast", divided(clouds, SMALL))
    config.split = "all"
    dataset = cloudcast.load(config)
    assert {name: len(indices) for name, indices in dataset.splits.items()} == {
        "train": 0,
        "validation": 0,
        "test": 2,
    }


def test_what_is_refused(config, clouds, write_clouds, tmp_path):
    write_clouds(tmp_path / "cloudcast", divided(clouds, SMALL))
    config.variable = "lable"
    with pytest.raises(InputError, match="'lable'; expected one of label, classes"):
        cloudcast.load(config)
    config.update(variable="", cells=128)
    with pytest.raises(InputError, match="8 x 8 cells, data.cells is 128: set config"):
        cloudcast.load(config)


def test_labels_that_are_classes_already_are_refused(
    config, clouds, write_clouds, tmp_path
):
    write_clouds(tmp_path / "cloudcast", divided(clouds % 4, SMALL))
    with pytest.raises(InputError, match="no cloud in its first frame.* 0 to 3; expec"):
        cloudcast.load(config)


def test_real_labels_come_back_from_the_layout(
    config, real_data, write_clouds, tmp_path
):
    name = "cloudcast_20180701_0400_0745_4class.h5"
    with h5py.File(real_data / "cloudcast" / name) as file:
        labels = file["label"][:]
    raw = np.array([2, 6, 7, 13], np.uint8)[labels]
    parts = {"TrainCloud": raw[:4], "TestCloud": raw}
    config.update(path="real", cells=128)
    write_clouds(tmp_path / "real", parts)
    dataset = cloudcast.load(config)
    assert np.array_equal(frames_of(dataset, "test")[..., 0], labels)
