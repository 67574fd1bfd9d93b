"""Satellite images: brightness from 0 to 1, and bands that share nothing."""

import composites
import h5py
import numpy as np
import pytest
from composites import frames

from adr_jax.data.contract import SPLITS
from adr_jax.data.weather import satellite
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError


def save(path, images, variable="hrv_4x4", **about):
    return composites.save(path, variable, images, **about)


def load(config, path, split="bands", **fields):
    return composites.load(satellite, config, path, split=split, **fields)


@pytest.fixture
def numbered_rows(tmp_path):
    """Write six images of 48 x 5 bytes whose value is the index of their row."""
    rows = np.arange(48, dtype=np.uint8)[None, :, None]
    return save(tmp_path / "clouds.h5", np.tile(rows, (6, 1, 5)))


def test_bands_share_no_row_and_leave_some_between(config, numbered_rows):
    dataset = load(config, numbered_rows)
    assert dataset.trajectories.frame_shape == (14, 5, 1)
    rows = {}
    for split in SPLITS:
        (index,) = dataset.splits[split]
        band = frames(dataset, index) * 255
        assert band.shape == (6, 14, 5, 1)
        rows[split] = band[0, :, 0, 0].round().tolist()
    assert rows["train"] == [*range(0, 14)]
    assert rows["validation"] == [*range(17, 31)]
    assert rows["test"] == [*range(34, 48)]


def test_bytes_are_brightness_from_0_to_1(config, tmp_path):
    images = np.tile(np.array([0, 51, 255], np.uint8), (3, 24, 1))
    dataset = load(config, save(tmp_path / "clouds.h5", images), split="all")
    values = frames(dataset)
    assert values.dtype == np.float32
    # float32
    np.testing.assert_allclose(values[1, 7, :, 0], [0, 0.2, 1], rtol=1e-6)
    assert dataset.data_range == (0, 1)


def test_floats_are_taken_as_they_are_and_may_have_gaps(config, tmp_path):
    images = np.full((4, 24, 3), 0.25)
    images[1, 0, 0] = np.nan
    path = save(tmp_path / "clouds.h5", images)
    values = frames(load(config, path, split="all"))
    assert np.isnan(values[1, 0, 0, 0])
    assert np.nanmin(values) == np.nanmax(values) == 0.25
    for wrong in (1.5, -0.1, np.inf):
        images[2, 5, 1] = wrong
        path = save(tmp_path / f"{wrong}.h5", images)
        dataset = load(config, path, split="all")
        with pytest.raises(InputError, match=f"has {wrong} in frame 2; expected 0 to"):
            dataset.trajectories.read(0, 1, 4)


def test_no_window_crosses_a_gap_in_time(config, tmp_path):
    times = 300 * np.arange(10)
    times[4:] += 900
    images = np.tile(np.arange(10, dtype=np.uint8)[:, None, None], (1, 24, 2))
    path = save(tmp_path / "clouds.h5", images, times=times)
    dataset = load(config, path)
    assert dataset.trajectories.lengths == 3 * [4, 6]
    assert [len(dataset.splits[split]) for split in SPLITS] == [2, 2, 2]
    windows = Windows(dataset, "train", length=4)
    starts = [windows[n][0, 0, 0, 0] * 255 for n in range(len(windows))]
    assert starts == pytest.approx([0, 4, 5, 6])


def test_other_numbers_are_refused(config, tmp_path):
    path = save(tmp_path / "clouds.h5", np.zeros((4, 24, 3), np.int16))
    with pytest.raises(InputError, match="is int16; expected bytes"):
        load(config, path)
    path = save(tmp_path / "clouds.h5", np.zeros((4, 24), np.uint8))
    with pytest.raises(InputError, match=r"expected numbers \(time, rows, columns\)"):
        load(config, path)
    path = save(tmp_path / "clouds.h5", np.zeros((4, 24, 3), np.uint8), "ir_108")
    with pytest.raises(
        InputError, match="no variable hrv_4x4 or hrv_2x2; .*: ir_108, time"
    ):
        load(config, path)
    assert load(config, path, variable="ir_108").cell_size is None


def test_an_image_too_small_for_bands_is_refused(config, tmp_path):
    path = save(tmp_path / "clouds.h5", np.zeros((4, 3, 30), np.uint8))
    with pytest.raises(InputError, match="3 rows: too few for three bands"):
        load(config, path)


def test_fewer_frames_than_a_window(config, numbered_rows):
    dataset = load(config, numbered_rows)
    with pytest.raises(InputError, match="window of 7 frames does not fit"):
        Windows(dataset, "train", length=7)


def test_no_file_says_what_to_do(config, tmp_path):
    with pytest.raises(InputError, match="data.path is empty; .*quickstart"):
        load(config, "")
    with pytest.raises(InputError, match="no such file; .*quickstart"):
        load(config, tmp_path / "absent.h5")


def test_the_fingerprint_follows_content_and_split(config, numbered_rows, tmp_path):
    first = load(config, numbered_rows).fingerprint
    assert load(config, numbered_rows, split="all").fingerprint != first
    same = tmp_path / "same.h5"
    same.write_bytes(numbered_rows.read_bytes())
    assert load(config, same).fingerprint == first
    with h5py.File(same, "a") as file:
        file["hrv_4x4"][3, 20, 2] = 200
    assert load(config, same).fingerprint != first


def test_the_sample_has_both_resolutions(config, real_data):
    path = real_data / "satellite" / "msg_hrv_uk_20200401_small.h5"
    coarse = load(config, path)
    assert coarse.trajectories.lengths == [25, 25, 25]
    assert coarse.trajectories.frame_shape == (56, 384, 1)
    assert (coarse.cell_size, coarse.frame_interval) == ("4 km", "5 min")
    fine = load(config, path, variable="hrv_2x2")
    assert fine.trajectories.frame_shape == (112, 768, 1)
    assert fine.cell_size == "2 km"
    # Its cells are means of 2 x 2, each rounded to a byte: the coarse cells' own
    # rounding and the fine ones' add up to one.
    blocks = frames(fine).reshape(25, 56, 2, 384, 2).mean((2, 4))
    assert np.abs(blocks - frames(coarse)[..., 0]).max() < 1.01 / 255
