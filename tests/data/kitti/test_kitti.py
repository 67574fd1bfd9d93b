"""KITTI: splits by drive, PredNet's arrays, and windows that stay in one film."""

import h5py
import numpy as np
import pytest
from PIL import Image

from adr_jax.data.contract import SPLITS
from adr_jax.data.kitti import source as kitti
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError

HELD_OUT = {
    "prednet": ["0005", "0070", "0079", "0104"],
    "dmvfn": ["0005", "0060", "0084", "0093", "0096"],
}


def load(config, path, **fields):
    config.data.path = str(path)
    config.data.update({"split": "prednet", **fields})
    return kitti.load(config.data)


def name_of(number, suffix=""):
    return f"2011_09_26_drive_{number}_sync{suffix}"


def save(path, films, shape=(128, 160)):
    """Write films by name, each of some frames, film n of grey n."""
    with h5py.File(path, "w") as file:
        for index, (name, frames) in enumerate(films.items()):
            file.create_dataset(
                name,
                shape=(frames, *shape, 3),
                dtype="u1",
                chunks=(1, *shape, 3),
                compression="gzip",
                fillvalue=index,
            )
    return path


def drives(dataset, split):
    films = dataset.trajectories.spans
    return [films[index].name for index in dataset.splits[split]]


def test_prednets_drives_are_held_out(config, tmp_path):
    films = {name_of(n): 12 for n in ["0001", *HELD_OUT["prednet"], "0060"]}
    # The same number on another day is another drive.
    films["2011_09_28_drive_0070_sync"] = 12
    dataset = load(config, save(tmp_path / "kitti.h5", films))
    assert drives(dataset, "train") == [
        name_of("0001"),
        name_of("0060"),
        "2011_09_28_drive_0070_sync",
    ]
    assert drives(dataset, "validation") == [name_of("0005")]
    assert drives(dataset, "test") == [name_of(n) for n in ("0070", "0079", "0104")]
    assert dataset.metrics == ("ssim", "psnr", "mse")


def test_dmvfn_scores_one_camera_and_hides_both(config, tmp_path):
    films = {
        name_of(n, f"-{camera}"): 9
        for n in ["0001", *HELD_OUT["dmvfn"], "0079"]
        for camera in ("image_02", "image_03")
    }
    path = save(tmp_path / "kitti.h5", films, shape=(256, 832))
    dataset = load(config, path, split="dmvfn")
    assert drives(dataset, "train") == [
        name_of(n, f"-{camera}")
        for n in ("0001", "0079")
        for camera in ("image_02", "image_03")
    ]
    assert drives(dataset, "validation") == [name_of("0005", "-image_02")]
    assert drives(dataset, "test") == [
        name_of(n, "-image_02") for n in ("0060", "0084", "0093", "0096")
    ]
    assert dataset.metrics[0] == "ms_ssim"


def test_windows_never_cross_drives(config, tmp_path):
    films = {name_of(n): 13 for n in ["0001", "0002", *HELD_OUT["prednet"]]}
    dataset = load(config, save(tmp_path / "kitti.h5", films))
    windows = Windows(dataset, "train", length=11)
    assert len(windows) == 2 * 3
    assert all(np.ptp(windows[window]) == 0 for window in range(len(windows)))
    with pytest.raises(InputError, match="window of 14 frames does not fit"):
        Windows(dataset, "train", length=14)


def test_other_films_are_cut_in_time_a_second_apart(config, tmp_path, generator):
    path = tmp_path / "kitti.h5"
    frames = np.arange(91, dtype=np.uint8)[:, None, None, None]
    with h5py.File(path, "w") as file:
        file["b"] = np.tile(frames, (1, 4, 5, 3))
        file["a"] = np.tile(frames[:71] + 100, (1, 4, 5, 3))
        file["grey"] = np.zeros((20, 4, 5), np.uint8)
        file["words"] = "no film"
    dataset = load(config, path, split="in_time")
    first, last = {}, {}
    for split in SPLITS:
        assert drives(dataset, split) == ["a", "b"]
        index = dataset.splits[split][1]
        length = dataset.trajectories.lengths[index]
        film = dataset.trajectories.read(index, 0, length) * 255
        first[split], last[split] = film[0, 0, 0, 0], film[-1, 3, 4, 2]
    assert (first["train"], last["test"]) == (0, 90)
    assert first["validation"] - last["train"] == 11
    assert first["test"] - last["validation"] == 11
    # Ten frames in, one out fits into each.
    assert last["validation"] - first["validation"] + 1 >= 11


def test_colours_are_red_green_blue_from_0_to_1(config, tmp_path):
    path = tmp_path / "kitti.h5"
    with h5py.File(path, "w") as file:
        file["drive"] = np.tile(np.array([0, 51, 255], np.uint8), (3, 4, 5, 1))
    dataset = load(config, path, split="all")
    frames = dataset.trajectories.read(0, 0, 3)
    assert frames.dtype == np.float32
    np.testing.assert_allclose(frames[2, 3, 4], [0, 0.2, 1], rtol=1e-6)  # float32
    assert (dataset.channels, dataset.data_range) == (("red", "green", "blue"), (0, 1))


def save_prednet(folder, parts):
    """Write X and sources as process_kitti.py does, in hickle's second layout."""
    for part, names in parts.items():
        with h5py.File(folder / f"X_{part}.hkl", "w") as file:
            frames = np.arange(len(names), dtype=np.uint8)[:, None, None, None]
            file["data_0"] = np.tile(frames, (1, 128, 160, 3))
        with h5py.File(folder / f"sources_{part}.hkl", "w") as file:
            file["data_0"] = np.array([f"city-{name_of(n)}" for n in names], "S")


def test_prednets_arrays_are_cut_where_the_source_changes(config, tmp_path):
    test = 3 * ["0104"] + 2 * ["0079"] + 2 * ["0070"]
    parts = {"train": 4 * ["0001"] + 3 * ["0002"], "val": 3 * ["0005"], "test": test}
    save_prednet(tmp_path, parts)
    dataset = load(config, tmp_path)
    assert drives(dataset, "train") == [f"city-{name_of(n)}" for n in ("0001", "0002")]
    assert drives(dataset, "validation") == [f"city-{name_of('0005')}"]
    assert dataset.trajectories.lengths == [4, 3, 3, 3, 2, 2]
    frames = dataset.trajectories.read(int(dataset.splits["test"][1]), 0, 2)
    np.testing.assert_allclose(frames[:, 5, 5, 0] * 255, [3, 4], rtol=1e-6)  # float32
    kitti.prepare(config.data)
    assert len(list(tmp_path.iterdir())) == 6


def test_prednets_arrays_and_sources_must_agree(config, tmp_path):
    save_prednet(tmp_path, {part: ["0001"] for part in ("train", "val", "test")})
    with h5py.File(tmp_path / "sources_val.hkl", "w") as file:
        file["data_0"] = np.array(["a", "b"], "S")
    with pytest.raises(InputError, match="X_val.hkl is uint8 .* sources_val.hkl has 2"):
        load(config, tmp_path)
    (tmp_path / "X_test.hkl").unlink()
    save_prednet(tmp_path, {"val": ["0005"]})
    with pytest.raises(InputError, match="X_test.hkl: no such file; PredNet's"):
        load(config, tmp_path)


@pytest.fixture
def raw(tmp_path):
    """Write the frames of every drive that PredNet's split needs, and one to train."""
    for number in ["0001", *HELD_OUT["prednet"]]:
        folder = tmp_path / "raw" / name_of(number) / "image_03" / "data"
        folder.mkdir(parents=True)
        for frame in range(2):
            picture = Image.new("RGB", (424, 128), (frame, 7, 9))
            picture.save(folder / f"{frame:010d}.png")
    return tmp_path / "raw"


def test_raw_drives_are_prepared_once_under_the_root(config, raw, tmp_path, capsys):
    config.data.update(root=str(tmp_path), path="raw", split="prednet")
    kitti.prepare(config.data)
    path = tmp_path / "raw_128x160.h5"
    assert f"{path} is missing" in capsys.readouterr().out
    before = path.stat().st_mtime_ns
    kitti.prepare(config.data)
    assert path.stat().st_mtime_ns == before
    dataset = load(config, "raw")
    assert len(dataset.splits["test"]) == 3
    frame = dataset.trajectories.read(0, 1, 2)[0, 0, 0] * 255
    np.testing.assert_allclose(frame, [1, 7, 9], rtol=1e-6)  # float32


def test_dmvfn_has_a_file_of_its_own(config, raw, tmp_path):
    config.data.update(root=str(tmp_path), path="raw", split="dmvfn")
    kitti.prepare(config.data)
    with h5py.File(tmp_path / "raw_256x832.h5") as file:
        assert {film.shape for film in file.values()} == {(2, 256, 832, 3)}


def test_absent_data_say_what_where_how_and_what_to_run(config, tmp_path):
    config.data.update(root=str(tmp_path), path="")
    kitti.prepare(config.data)
    assert list(tmp_path.iterdir()) == []
    message = (
        f"{tmp_path}/kitti: no such file.* 165 GB.*registration at www.cvlibs.net.*"
        "image_03/data.*X_train.hkl.*3 GB.*quickstart"
    )
    with pytest.raises(InputError, match=message) as error:
        load(config, "")
    assert "\n" not in str(error.value)


def test_a_benchmark_needs_its_drives_and_its_size(config, tmp_path):
    films = {name_of(n): 2 for n in ["0001", *HELD_OUT["prednet"][1:]]}
    path = save(tmp_path / "kitti.h5", films)
    with pytest.raises(InputError, match="lacks drives .*2011_09_26_drive_0005: add"):
        load(config, path)
    path = save(tmp_path / "kitti.h5", films, shape=(64, 80))
    with pytest.raises(InputError, match=r"\(64, 80\), prednet is about \(128, 160\)"):
        load(config, path)
    assert len(load(config, path, split="all").splits["test"]) == 4


def test_mixed_resolutions_are_refused(config, tmp_path):
    path = save(tmp_path / "kitti.h5", {"a": 2})
    with h5py.File(path, "a") as file:
        file["b"] = np.zeros((2, 64, 80, 3), np.uint8)
    with pytest.raises(InputError, match="frames of several sizes"):
        load(config, path, split="all")


def test_a_file_without_colour_films_lists_what_is_in_it(config, tmp_path):
    path = tmp_path / "kitti.h5"
    with h5py.File(path, "w") as file:
        file["grey"] = np.zeros((4, 8, 8), np.uint8)
        file["floats"] = np.zeros((4, 8, 8, 3))
    with pytest.raises(InputError, match="no colour film, .* among floats, grey"):
        load(config, path, split="all")


def test_the_fingerprint_follows_content_and_split(config, tmp_path):
    path = save(tmp_path / "kitti.h5", {"a": 40, "b": 40}, shape=(8, 8))
    first = load(config, path, split="in_time").fingerprint
    assert load(config, path, split="all").fingerprint != first
    assert load(config, path, split="in_time").fingerprint == first
    with h5py.File(path, "a") as file:
        file["b"][:, 2, 2, 1] = 200
    assert load(config, path, split="in_time").fingerprint != first


def test_the_sample_is_read(config, real_data):
    dataset = load(config, real_data / "kitti" / "kitti_128x160.h5", split="in_time")
    assert drives(dataset, "test") == ["rgb_drive", "rgb_extract_unrectified"]
    assert dataset.trajectories.frame_shape == (128, 160, 3)
    # Copying the last frame was measured at 17.41 dB, errors of all frames in one mean.
    whole = load(config, real_data / "kitti" / "kitti_128x160.h5", split="all")
    film = whole.trajectories.read(0, 0, 91).astype(np.float64)
    error = np.square(np.diff(film, axis=0)).mean()
    assert -10 * np.log10(error) == pytest.approx(17.41, abs=0.005)  # two digits
