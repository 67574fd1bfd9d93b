"""Pages of a picture file, read with Pillow: kind, values and missing cells."""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError

# Types of values by Pillow's mode: bytes, grey or in colour; grey of 16 or 32 bits; and
# floats.
DTYPES = {"L": "uint8", "RGB": "uint8", "I;16": "uint16", "I": "int32", "F": "float32"}
# The tag of a TIFF in which GDAL names the value of a missing cell.
GDAL_NODATA = 42113

# The tag of a TIFF that says what a page is for, and two of its bits.
NEW_SUBFILE_TYPE, REDUCED, MASK = 254, 1, 4
# Formats whose pages are frames; those of a JPEG are previews.
FILMS = ("TIFF", "GIF", "PNG", "WEBP")

# Size, (width, height), and mode, one of DTYPES.
Kind: TypeAlias = tuple[tuple[int, int], str]


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[ImageFile]:
    """Open an image.

    Raises:
      InputError: it cannot be read.
    """
    with reading(path, "replace it"), Image.open(path) as image:
        yield image


def kinds(path: pathlib.Path) -> list[tuple[int, Kind]]:
    """Return the pages of a file that are frames, each with its kind.

    Smaller copies of a page, as cloud-optimised GeoTIFFs have them, are none.
    """
    found = []
    with opened(path) as image:
        count = getattr(image, "n_frames", 1) if image.format in FILMS else 1
        for page in range(count):
            image.seek(page)
            kind_of_page = getattr(image, "tag_v2", {}).get(NEW_SUBFILE_TYPE, 0)
            if kind_of_page & MASK:
                raise InputError(
                    f"{path}: page {page} is a mask of missing cells, which is not "
                    "read: write them as NaN, with `gdalwarp -dstnodata nan`"
                )
            if not kind_of_page & REDUCED:
                found.append((page, _kind(path, image)))
    return found


def read(
    path: pathlib.Path, pages: Sequence[int], mode: str
) -> Iterator[np.ma.MaskedArray]:
    """Yield pages of a file in one of the modes of DTYPES, missing cells masked.

    Missing is what is wholly transparent, or has the value that GDAL calls nodata.
    """
    with opened(path) as image:
        for page in pages:
            image.seek(page)
            # Pillow's conversions to more than 8 bits cut off what is beyond.
            is_of_bytes = mode in ("L", "RGB")
            values = np.asarray(image.convert(mode) if is_of_bytes else image)
            missing = np.zeros(values.shape, bool)
            missing |= _transparent(image).reshape(
                *values.shape[:2], *(1,) * (values.ndim - 2)
            )
            missing |= _nodata(image, values)
            yield np.ma.MaskedArray(values, missing)


def _kind(path: pathlib.Path, image: ImageFile) -> Kind:
    if image.mode.startswith("I;16"):  # in one order of bytes or the other
        return image.size, "I;16"
    if image.mode in ("I", "F"):
        return image.size, image.mode
    if any(";16" in str(tile) for tile in image.tile):
        raise InputError(
            f"{path} has several channels of 16 bits, of which Pillow would keep "
            "8: put its frames into a .npy file"
        )
    # Frames of a GIF have palettes, of which Pillow makes colours.
    is_grey = image.mode in ("1", "L", "LA") and image.format != "GIF"
    return image.size, "L" if is_grey else "RGB"


def _transparent(image: ImageFile) -> np.ndarray:
    """Return whether each cell is wholly transparent, (rows, columns)."""
    stated = image.info.get("transparency")
    if stated is not None and image.mode not in ("1", "L", "P", "RGB", "RGBA"):
        return np.asarray(image) == stated  # grey of 16 bits: the value itself
    if stated is None and not image.mode.endswith(("A", "a")):
        return np.zeros(image.size[::-1], bool)
    return np.asarray(image.convert("RGBA").getchannel("A")) == 0


def _nodata(image: ImageFile, values: np.ndarray) -> np.ndarray | bool:
    """Return where values are what the TIFF's tag of GDAL says is missing."""
    stated = getattr(image, "tag_v2", {}).get(GDAL_NODATA)
    if stated is None:
        return False
    try:
        number = float(str(stated).strip("\0 "))
    except ValueError as error:
        raise InputError(
            f"{image.fp.name if image.fp else 'a TIFF'}: its tag GDAL_NODATA is "
            f"{stated!r}; expected a number: mend it with gdal_edit.py -a_nodata"
        ) from error
    with np.errstate(over="ignore"):
        # In the type of the values: a float32 is not the float64 that names it.
        return values == (values.dtype.type(number) if values.dtype == "f4" else number)
