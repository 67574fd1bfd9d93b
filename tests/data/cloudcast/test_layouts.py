"""CloudCast's layouts, and folders that lack a part of them."""

import numpy as np
import pytest

from adr_jax.data.cloudcast import layouts as cloudcast_layouts
from adr_jax.errors import InputError

FRAMES = np.full((3, 4, 4), 6, np.uint8)
SMALL = {"TrainCloud": FRAMES, "TestCloud": FRAMES}


def refusal(folder):
    """Return the one line with which `find` refuses."""
    with pytest.raises(InputError) as error:
        cloudcast_layouts.find(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_absence_says_what_where_and_what_to_do_meanwhile(tmp_path):
    folder = tmp_path / "cloudcast"
    message = refusal(folder)
    for part in (
        f"CloudCast is not in {folder}:",
        "249 MB",
        "vision.eng.au.dk/cloudcast-dataset",
        "kaggle.com/datasets/christianlillelund/the-cloudcast-dataset-small",
        "TrainCloud.nc and TestCloud.nc",
        "`python train.py --config configs/cloudcast.py:sample`",
    ):
        assert part in message
    folder.mkdir()
    assert refusal(folder) == message  # an empty folder


def test_other_files_are_named(tmp_path):
    for name in ("notes.txt", "2018M7.nc", "TrainCloud.zip"):
        (tmp_path / name).touch()
    assert "(only 2018M7.nc, TrainCloud.zip, notes.txt)" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["TrainCloud"], "holds TrainCloud.nc but not TestCloud"),
        (["TestCloud"], "holds TestCloud.nc but not TrainCloud"),
        (["2017M01", "2018M06"], "but not all months from 2018M07"),
        (["2018M07", "2018M12"], "but not all months before 2018M07"),
    ],
    ids=str,
)
def test_a_part_of_a_set_is_refused(names, message, write_clouds, tmp_path):
    write_clouds(tmp_path, dict.fromkeys(names, FRAMES))
    assert message in refusal(tmp_path)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("TrainCloud", ".nc"), ("TestCloud", ".npy")),
        (("TrainCloud", ".nc"), ("2018M07", ".nc")),
        (("2018M06", ".npy"), ("2018M07", ".nc")),
    ],
    ids=str,
)
def test_mixed_layouts_are_refused(first, second, write_clouds, tmp_path):
    for name, form in (first, second):
        write_clouds(tmp_path, {name: FRAMES}, form)
    assert "holds CloudCast in 2 layouts" in refusal(tmp_path)


def test_grids_must_agree(write_clouds, tmp_path):
    write_clouds(tmp_path, SMALL | {"TestCloud": np.full((3, 6, 6), 6, np.uint8)})
    assert "(6, 6) in TestCloud.nc" in refusal(tmp_path)


def test_other_files_beside_a_layout_do_not_matter(write_clouds, tmp_path):
    write_clouds(tmp_path, SMALL)
    (tmp_path / "README.txt").touch()
    archive = cloudcast_layouts.find(tmp_path)
    assert [part.path.name for part in archive.train] == ["TrainCloud.nc"]
    assert [part.path.name for part in archive.test] == ["TestCloud.nc"]


def test_months_are_in_their_order(write_clouds, tmp_path):
    names = ["2018M06", "2017M12", "2018M11", "2018M07", "2017M02"]
    write_clouds(tmp_path, dict.fromkeys(names, FRAMES), ".npy")
    archive = cloudcast_layouts.find(tmp_path)
    train = [part.path.name for part in archive.train]
    assert train == ["2017M02", "2017M12", "2018M06"]
    assert [part.path.name for part in archive.test] == ["2018M07", "2018M11"]
    assert archive.layout == "full set, .npy files, 5 of 24 months"
