"""Pages of pictures: all of them, and what is missing in them."""

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from adr_jax.data.files.arrays import open_arrays
from adr_jax.data.own.sequences import open_sequences
from adr_jax.errors import InputError


def numbered(count, dtype=np.uint8):
    """Return frames of 8 x 9 cells, each of one number more."""
    return [np.full((8, 9), 10 + k, dtype) for k in range(count)]


def read(path):
    file = open_arrays(path)
    return file.read(file.choose(""))


@pytest.mark.parametrize("suffix", ["tif", "gif", "png", "webp"])
def test_a_stack_is_all_its_pages(suffix, tmp_path):
    first, *rest = map(Image.fromarray, numbered(6))
    options = {"lossless": True} if suffix == "webp" else {}
    path = tmp_path / f"f.{suffix}"
    first.save(path, save_all=True, append_images=rest, **options)
    frames = read(path)
    assert len(frames) == 6
    middle = frames.reshape(6, 8, 9, -1)[:, 4, 4, 0]
    np.testing.assert_array_equal(middle, np.arange(10, 16))


def test_stacks_of_a_folder_follow_each_other(tmp_path):
    frames = list(map(Image.fromarray, numbered(6, np.uint16)))
    for name, pages in (("2.tif", frames[:4]), ("10.tif", frames[4:])):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
    assert read(tmp_path)[:, 0, 0].tolist() == [10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "I;16"])
def test_transparent_cells_are_missing(mode, tmp_path):
    grey = np.full((8, 9), 7, np.uint8)
    grey[2, 3] = 5
    alpha = np.full((8, 9), 255, np.uint8)
    alpha[2, 3] = 0
    options = {}
    if mode in ("LA", "RGBA"):
        image = Image.fromarray(np.dstack([*[grey] * (len(mode) - 1), alpha]), mode)
    else:
        image = Image.fromarray(grey.astype(np.uint16) if mode == "I;16" else grey)
        options = {"transparency": 5}
        if mode == "P":
            image = image.convert("P")
            options = {"transparency": image.getpixel((3, 2))}
    image.save(tmp_path / "f.png", **options)
    missing = np.ma.getmaskarray(read(tmp_path / "f.png"))
    assert missing[0, 2, 3].all()
    assert missing.sum() == missing[0, 2, 3].size


@pytest.mark.parametrize(
    ("dtype", "text"), [("f4", "-9999"), ("f4", "-3.4e38"), ("u2", "0"), ("u1", "3\0")]
)
def test_the_nodata_of_gdal_is_missing(dtype, text, tmp_path):
    values = np.full((8, 9), 20, dtype)
    values[2, 3] = np.float32(text.strip("\0"))
    tags = ImageFileDirectory_v2()
    tags[42113] = text
    for page in range(3):
        Image.fromarray(values).save(tmp_path / f"{page}.tif", tiffinfo=tags)
    frames = open_sequences(tmp_path).read(0, 0, 3)
    assert np.isnan(frames[:, 2, 3]).all() and np.isnan(frames).sum() == 3


def test_a_nodata_that_is_no_number(tmp_path):
    tags = ImageFileDirectory_v2()
    tags[42113] = "none"
    Image.fromarray(numbered(1)[0]).save(tmp_path / "f.tif", tiffinfo=tags)
    with pytest.raises(InputError, match="GDAL_NODATA is 'none'.*gdal_edit"):
        read(tmp_path / "f.tif")


def tiff_with(path, small, kind):
    """Write a page and another of a kind, tag 254, after it."""
    tags = ImageFileDirectory_v2()
    tags[254] = kind
    large = Image.fromarray(numbered(1, np.uint16)[0])
    extra = Image.fromarray(small)
    extra.encoderinfo = {"tiffinfo": tags}
    large.save(path, save_all=True, append_images=[extra])
    return path


def test_smaller_copies_are_no_frames(tmp_path):
    """As cloud-optimised GeoTIFFs have them."""
    overview = np.zeros((4, 5), np.uint16)
    assert len(read(tiff_with(tmp_path / "f.tif", overview, 1))) == 1


def test_a_mask_page_is_told(tmp_path):
    mask = np.zeros((8, 9), np.uint8)
    with pytest.raises(InputError, match="page 1 is a mask .*gdalwarp -dstnodata nan"):
        read(tiff_with(tmp_path / "f.tif", mask, 4))


def test_previews_of_a_camera_are_no_frames(tmp_path):
    first, *rest = map(Image.fromarray, numbered(3))
    first.save(tmp_path / "f.jpg", "MPO", save_all=True, append_images=rest)
    assert len(read(tmp_path / "f.jpg")) == 1
