"""Folders of images as frames, in the order of the numbers in their names.

They are read with Pillow.
"""

import contextlib
import pathlib
import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
# Types of values by Pillow's mode: bytes, grey or in colour; grey of 16 or 32 bits; and
# floats.
DTYPES = {"L": "uint8", "RGB": "uint8", "I;16": "uint16", "I": "int32", "F": "float32"}

# Size, (width, height), and mode, one of DTYPES.
Kind: TypeAlias = tuple[tuple[int, int], str]


class ImageFolder:
    """The images of a folder as (time, row, column), or with (..., channel).

    Grey images have no axis of channels; all others are read as red, green, blue.
    Values are those stored. Those of 16 bits are not scaled: cameras and instruments
    use a part of that range, and the file does not say which.

    Raises:
      InputError: there is no image, one cannot be read, or they differ in size or kind.
    """

    def __init__(self, path: pathlib.Path):
        self.paths = in_order(path.iterdir())
        if not self.paths:
            raise InputError(
                f"{path} has no image in it: expected frames as {', '.join(SUFFIXES)}"
            )
        kinds = [_kind(path) for path in self.paths]
        for image, kind in zip(self.paths, kinds, strict=True):
            if kind != kinds[0]:
                raise InputError(
                    f"{image} is {_words(kind)} where {self.paths[0].name} is "
                    f"{_words(kinds[0])}: put images of one kind into a folder"
                )
        (width, height), self._mode = kinds[0]
        channels = (3,) if self._mode == "RGB" else ()
        self.shape = (len(self.paths), height, width, *channels)
        self.dtype = np.dtype(DTYPES[self._mode])
        self.dimensions = ("time", "row", "column", "channel")[: len(self.shape)]

    def read(self, index: tuple[slice, ...]) -> np.ndarray:
        """Return any slices of the array that the images make."""
        frames, *rest = index
        images = [self._image(path) for path in self.paths[frames]]
        stacked = np.stack(images) if images else np.empty((0, *self.shape[1:]))
        return stacked[(slice(None), *rest)].astype(self.dtype, copy=False)

    def _image(self, path: pathlib.Path) -> np.ndarray:
        with opened(path) as image:
            # Pillow's conversions to more than 8 bits cut off what is beyond.
            is_of_bytes = self._mode in ("L", "RGB")
            return np.asarray(image.convert(self._mode) if is_of_bytes else image)


def in_order(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Return the images among `paths`, ordered by the numbers in their names.

    So 2.png comes before 10.png. Hidden files are no images.
    """

    def key(path: pathlib.Path) -> list[tuple[int, str]]:
        parts = re.split(r"(\d+)", path.name)
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]

    images = (path for path in paths if path.suffix.lower() in SUFFIXES)
    return sorted((path for path in images if not path.name.startswith(".")), key=key)


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[ImageFile]:
    """Open an image.

    Raises:
      InputError: it cannot be read.
    """
    with reading(path, "replace it"), Image.open(path) as image:
        yield image


def _kind(path: pathlib.Path) -> Kind:
    with opened(path) as image:
        if image.mode.startswith("I;16"):  # in one order of bytes or the other
            return image.size, "I;16"
        if image.mode in ("I", "F"):
            return image.size, image.mode
        if any(";16" in str(tile) for tile in image.tile):
            raise InputError(
                f"{path} has several channels of 16 bits, of which Pillow would keep "
                "8: put its frames into a .npy file"
            )
        return image.size, "L" if image.mode in ("1", "L", "LA") else "RGB"


def _words(kind: Kind) -> str:
    (width, height), mode = kind
    words = "colour" if mode == "RGB" else f"grey, {DTYPES[mode]}"
    return f"{height} x {width}, {words}"
