"""A folder of images as one sequence of frames, in the order of the numbers in names.

Pillow (the extra `images`) is imported when a folder is opened, and not before.
"""

import pathlib
import re

import numpy as np

from adr_jax.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm")


# Numbers of each kind of image, by Pillow's mode: of bytes, grey or in colour; grey of
# 16 or 32 bits; and floats.
DTYPES = {"L": "uint8", "RGB": "uint8", "I;16": "uint16", "I": "int32", "F": "float32"}


class ImageFolder:
    """The images of a folder as (time, row, column), or with (..., channel).

    Grey images have no axis of channels; all others are read as red, green, blue.
    Numbers are those stored: those of 16 bits are not scaled, since cameras and
    instruments use a part of that range, and which is not in the file.

    Raises:
      InputError: there is no image, one cannot be read, or they differ in size or kind.
    """

    def __init__(self, path: pathlib.Path):
        self.paths = sorted(
            (p for p in path.iterdir() if p.suffix.lower() in SUFFIXES), key=_in_order
        )
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
        """Any slices of the array that the images make."""
        frames, *rest = index
        images = [_image(path, self._mode) for path in self.paths[frames]]
        stacked = np.stack(images) if images else np.empty((0, *self.shape[1:]))
        return stacked[(slice(None), *rest)].astype(self.dtype, copy=False)


def _in_order(path: pathlib.Path) -> list[tuple[int, str]]:
    """Numbers in a name count as numbers: 2.png comes before 10.png."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _kind(path: pathlib.Path) -> tuple[tuple[int, int], str]:
    """Size, (width, height), and how it is read, one of DTYPES."""
    with _opened(path) as image:
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


def _image(path: pathlib.Path, mode: str) -> np.ndarray:
    with _opened(path) as image:
        try:
            # Pillow's conversions to more than 8 bits cut off what is beyond.
            return np.asarray(image.convert(mode) if mode in ("L", "RGB") else image)
        except (OSError, ValueError, SyntaxError) as error:
            raise InputError(f"{path} is damaged ({error}): replace it") from error


def _opened(path: pathlib.Path):
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError(
            "a folder of images is read with Pillow: pip install 'adr_jax[images]'"
        ) from error
    try:
        return Image.open(path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is not a readable image ({error})") from error


def _words(kind: tuple[tuple[int, int], str]) -> str:
    (width, height), mode = kind
    words = "colour" if mode == "RGB" else f"grey, {DTYPES[mode]}"
    return f"{height} x {width}, {words}"
