"""Pictures as frames: all pages of a file, or of the files of a folder in order."""

import itertools
import pathlib
import re
from collections.abc import Iterable

import numpy as np

from adr_jax.data.files import pages
from adr_jax.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
# Of a film that is one file; in a folder of frames it may show the same once more.
FILMS = (*SUFFIXES, ".gif", ".apng")


class Images:
    """The pages of images as (time, row, column), or with (..., channel).

    They are those of a file, or of all files of a folder, ordered by the numbers in
    their names. Grey images have no axis of channels; all others are read as red,
    green, blue. Values are those stored. Those of 16 bits are not scaled: cameras and
    instruments use a part of that range, and the file does not say which.

    Raises:
      InputError: there is no image, one cannot be read, or they differ in size or kind.
    """

    def __init__(self, path: pathlib.Path):
        paths = in_order(path.iterdir()) if path.is_dir() else [path]
        if not paths:
            raise InputError(
                f"{path} has no image in it: expected frames as {', '.join(SUFFIXES)}; "
                "a folder of radar files is read by --config radar, several netCDF "
                f"files by a pattern, '{path}/*.nc'"
            )
        found = [
            (image, page, kind) for image in paths for page, kind in pages.kinds(image)
        ]
        first, _, usual = found[0]
        for image, _, kind in found:
            if kind != usual:
                raise InputError(
                    f"{image} is {_words(kind)} where {first.name} is "
                    f"{_words(usual)}: put images of one kind into a folder"
                )
        # Of each frame, the file and its page.
        self._frames = [(image, page) for image, page, _ in found]
        (width, height), self._mode = usual
        channels = (3,) if self._mode == "RGB" else ()
        self.shape = (len(found), height, width, *channels)
        self.dtype = np.dtype(pages.DTYPES[self._mode])
        self.dimensions = ("time", "row", "column", "channel")[: len(self.shape)]

    def read(self, index: tuple[slice, ...]) -> np.ndarray:
        """Return any slices of the array that the images make, missing cells masked."""
        frames, *rest = index
        read = [
            image
            for path, group in itertools.groupby(self._frames[frames], lambda f: f[0])
            for image in pages.read(path, [page for _, page in group], self._mode)
        ]
        stacked = np.ma.stack(read) if read else np.ma.empty((0, *self.shape[1:]))
        return stacked[(slice(None), *rest)].astype(self.dtype, copy=False)


def in_order(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Return the images among `paths`, ordered by the numbers in their names.

    So 2.png comes before 10.png. Hidden files are no images.
    """

    def key(path: pathlib.Path) -> list[tuple[int, str]]:
        parts = re.split(r"(\d+)", path.name)
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]

    images = (path for path in paths if path.suffix.lower() in SUFFIXES)
    return sorted((path for path in images if not path.name.startswith(".")), key=key)


def _words(kind: pages.Kind) -> str:
    (width, height), mode = kind
    words = "colour" if mode == "RGB" else f"grey, {pages.DTYPES[mode]}"
    return f"{height} x {width}, {words}"
