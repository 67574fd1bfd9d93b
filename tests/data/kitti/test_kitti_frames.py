"""KITTI's raw frames as one file: sizes, order, and folders that are refused."""

import h5py
import numpy as np
import pytest
from PIL import Image

from adr_jax.data.kitti import frames
from adr_jax.data.kitti.frames import DMVFN, PREDNET, Size, write
from adr_jax.errors import InputError

DRIVE = "2011_09_26/2011_09_26_drive_0005_sync"
# Quarter of PredNet's width and height: tests need no more.
SMALL = Size((32, 40), PREDNET.fit)
CAMERA = ("image_03",)


def save(folder, numbers, size=(104, 32), kind=".png", mode="RGB"):
    """Save pictures of one grey each, ten times their number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        color = (10 * number,) * 3 if mode == "RGB" else 10 * number
        picture = Image.new(mode, size, color)
        picture.save(folder / f"{number:010d}{kind}")


@pytest.fixture
def raw(tmp_path):
    """Write two drives, the first with another camera too; eleven and three frames."""
    root = tmp_path / "raw"
    save(root / DRIVE / "image_03" / "data", range(11))
    save(root / DRIVE / "image_02" / "data", range(2))
    save(root / "2011_09_28" / "drive" / "image_03" / "data", range(4, 7), kind=".jpg")
    return root


def test_each_folder_becomes_a_film_in_the_order_of_numbers(raw, tmp_path):
    target = tmp_path / "new" / "kitti.h5"
    write(raw, target, SMALL, CAMERA)
    with h5py.File(target) as file:
        names = [f"{DRIVE.replace('/', '-')}-image_03", "2011_09_28-drive-image_03"]
        assert list(file) == names
        first, second = (file[name] for name in names)
        assert first.shape == (11, 32, 40, 3)
        assert first.dtype == np.uint8
        assert first[:, 7, 7, 1].tolist() == [10 * number for number in range(11)]
        assert second[:, 0, 0, 0].tolist() == [40, 50, 60]
    assert [item.name for item in target.parent.iterdir()] == ["kitti.h5"]


def test_a_folder_of_frames_alone_is_a_film(tmp_path):
    save(tmp_path / "drive", range(3))
    write(tmp_path / "drive", tmp_path / "kitti.h5", SMALL, CAMERA)
    with h5py.File(tmp_path / "kitti.h5") as file:
        assert list(file) == ["drive"]


def test_both_cameras_where_the_benchmark_takes_both(raw, tmp_path):
    write(raw, tmp_path / "kitti.h5", SMALL, ("image_02", "image_03"))
    with h5py.File(tmp_path / "kitti.h5") as file:
        assert [len(film) for film in file.values()] == [2, 11, 3]


def ramp(width, height):
    """Draw a picture whose red grows along the columns, and green along the rows."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 250, width).round()[None, :]
    pixels[..., 1] = np.linspace(0, 250, height).round()[:, None]
    return Image.fromarray(pixels)


def middles(length, cells):
    """Return the middles of the cells of a shorter axis on the longer one."""
    return (np.arange(cells) + 0.5) * length / cells - 0.5


def test_prednet_scales_to_the_height_and_keeps_the_middle():
    frame = np.asarray(PREDNET.fit(ramp(1242, 375), PREDNET.shape)).astype(float)
    assert frame.shape == (128, 160, 3)
    # 1242 x 375 becomes 424 x 128, of which columns 132 to 291 stay.
    columns = middles(1242, 424)[132:292] * 250 / 1241
    rows = middles(375, 128) * 250 / 374
    # Rounded when drawn, between the two passes, and at the end; smoothing keeps a
    # straight line straight but for the outermost rows.
    np.testing.assert_allclose(frame[64, :, 0], columns, atol=1.5)
    np.testing.assert_allclose(frame[2:-2, 80, 1], rows[2:-2], atol=1.5)


def test_prednet_smooths_before_it_takes_fewer_cells():
    """As PIL does; without it, stripes of one pixel would come out as stripes."""
    stripes = np.zeros((384, 480, 3), np.uint8)
    stripes[:, ::2] = 255
    frame = np.asarray(PREDNET.fit(Image.fromarray(stripes), PREDNET.shape))
    assert np.ptp(frame[..., 0].astype(int)) < 60
    frame = np.asarray(DMVFN.fit(Image.fromarray(stripes), (128, 160)))
    assert np.ptp(frame[..., 0].astype(int)) == 255


def test_dmvfn_stretches_between_the_four_pixels_around():
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (37, 124, 3), np.uint8)
    frame = np.asarray(DMVFN.fit(Image.fromarray(pixels), (25, 83)))
    expected = pixels.astype(float)
    for axis, (length, cells) in enumerate([(37, 25), (124, 83)]):
        position = middles(length, cells)
        low = np.floor(position).astype(int)
        share = (position - low).reshape(-1, *[1] * (2 - axis))
        near, far = expected.take(low, axis), expected.take(low + 1, axis)
        expected = (1 - share) * near + share * far
    # PIL cuts the fraction off where this does not round at all.
    np.testing.assert_allclose(frame, expected, atol=1.01)


def refused(raw, tmp_path, message, size=SMALL):
    target = tmp_path / "target"
    with pytest.raises(InputError, match=message):
        write(raw, target / "kitti.h5", size, CAMERA)
    assert not target.exists() or list(target.iterdir()) == []


def test_missing_frames_are_named(raw, tmp_path):
    for number in (3, 4, 8):
        (raw / DRIVE / "image_03" / "data" / f"{number:010d}.png").unlink()
    refused(raw, tmp_path, "3 frames between 0 and 10 are missing, the first is 3")


def test_a_frame_twice(raw, tmp_path):
    save(raw / DRIVE / "image_03" / "data", [4], kind=".jpg")
    refused(raw, tmp_path, "has a frame twice")


def test_mixed_resolutions_are_named_and_leave_nothing_behind(raw, tmp_path):
    save(raw / DRIVE / "image_03" / "data", [6], size=(104, 40))
    refused(raw, tmp_path, r"06.png has \(104, 40\) pixels, 0000000000.png has \(104,")


def test_a_name_without_a_number(raw, tmp_path):
    save(raw / "other", [1])
    (raw / "other" / "0000000001.png").rename(raw / "other" / "left_1.png")
    refused(raw, tmp_path, "left_1.png has no number for a name")


def test_damaged_and_grey_pictures(raw, tmp_path):
    path = raw / DRIVE / "image_03" / "data" / "0000000005.png"
    content = path.read_bytes()
    for damage in (content[: len(content) // 2], content[:10], b"", b"<html>"):
        path.write_bytes(damage)
        refused(raw, tmp_path, "0000000005.png cannot be read")
    save(path.parent, [5], mode="L")
    refused(raw, tmp_path, "0000000005.png has colours of kind L; expected RGB")


def test_pictures_too_narrow(raw, tmp_path):
    save(raw / "narrow", range(2), size=(30, 32))
    refused(raw, tmp_path, "30 wide at 32 rows; expected 40 or more")


def test_no_pictures(tmp_path):
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", tmp_path, "has no pictures .* of image_03 below it")


def test_sizes_are_those_of_the_published_protocols():
    assert (frames.PREDNET.shape, frames.DMVFN.shape) == (
        (128, 160),
        (256, 832),
    )
