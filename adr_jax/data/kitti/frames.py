"""KITTI's raw frames: folders of pictures, one for each drive and camera, as a file."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL.Image import Image, Resampling, Transform
from tqdm import tqdm

from adr_jax.data.files import hdf5, images, pages
from adr_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class Size:
    """The (rows, columns) of a benchmark's frames, and how pictures are fitted."""

    shape: tuple[int, int]
    fit: Callable[[Image, tuple[int, int]], Image]


def _scale_and_crop(picture: Image, shape: tuple[int, int]) -> Image:
    """Scale to the height, aspect kept, smoothly; crop the middle columns (PredNet)."""
    rows, columns = shape
    width = round(picture.width * rows / picture.height)
    if width < columns:
        raise InputError(
            f"pictures of {picture.size} pixels are {width} wide at {rows} rows; "
            f"expected {columns} or more, as KITTI's have: leave others out"
        )
    left = (width - columns) // 2
    scaled = picture.resize((width, rows), Resampling.BILINEAR)
    return scaled.crop((left, 0, left + columns, rows))


def _stretch(picture: Image, shape: tuple[int, int]) -> Image:
    """Stretch to the shape, each cell interpolated between 4 pixels (DMVFN).

    Pillow's `resize` smooths before it samples. OpenCV's, which DMVFN uses, does not,
    nor does `transform`.
    """
    return picture.transform(
        (shape[1], shape[0]),
        Transform.EXTENT,
        (0, 0, *picture.size),
        Resampling.BILINEAR,
    )


PREDNET = Size((128, 160), _scale_and_crop)
DMVFN = Size((256, 832), _stretch)


def write(
    source: pathlib.Path, target: pathlib.Path, size: Size, cameras: Sequence[str]
) -> None:
    """Write every film below `source` into one HDF5 file, whole or not at all.

    Args:
      source: a folder with folders of pictures, named by their number and all of one
        size, as 2011_09_26/2011_09_26_drive_0005_sync/image_03/data/0000000000.png. The
        path of a folder, less "data", names its film.
      target: the new file: uint8 (time, rows, columns, 3) for each film.
      size: how a picture becomes a frame.
      cameras: folders of other cameras are left out, those that name none are not.

    Raises:
      InputError: a folder lacks a frame or mixes sizes, a picture is damaged or not in
        colour, or there is none.
    """
    films = _find_films(source, cameras)
    total = sum(map(len, films.values()))
    with (
        hdf5.created(target) as file,
        tqdm(total=total, desc=target.name, unit="frame", disable=None) as bar,
    ):
        file.attrs["source"] = "KITTI: CC BY-NC-SA 3.0 (Geiger et al.)"
        file.attrs["colour_order"] = "RGB"
        for name, pictures in films.items():
            film = file.create_dataset(
                name,
                shape=(len(pictures), *size.shape, 3),
                dtype=np.uint8,
                chunks=(1, *size.shape, 3),
                compression="gzip",
                compression_opts=1,
            )
            resolution = None
            for index, path in enumerate(pictures):
                with pages.opened(path) as picture:
                    resolution = resolution or picture.size
                    _check(path, picture, resolution, pictures[0])
                    frame = np.asarray(size.fit(picture, size.shape))
                film[index] = frame
                bar.update()


def _find_films(
    source: pathlib.Path, cameras: Sequence[str]
) -> dict[str, list[pathlib.Path]]:
    """Return film names and their pictures in order."""
    films = {}
    for folder, folders, names in os.walk(source):
        folders.sort()
        folder = pathlib.Path(folder)
        parts = [p for p in folder.relative_to(source).parts if p != "data"]
        seen_by = {part for part in parts if part.startswith("image_")}
        pictures = images.in_order(folder / name for name in names)
        if pictures and seen_by <= set(cameras):
            _check_numbers(folder, pictures)
            films["-".join(parts) or source.name] = pictures
    if not films:
        raise InputError(
            f"{source} has no pictures ({', '.join(images.SUFFIXES)}) of "
            f"{' or '.join(cameras)} below it; expected folders such as "
            f"2011_09_26/2011_09_26_drive_0005_sync/{cameras[0]}/data"
        )
    return films


def _check_numbers(folder: pathlib.Path, pictures: Sequence[pathlib.Path]) -> None:
    """Raise InputError unless there is one picture for each number in turn."""
    strange = [picture.name for picture in pictures if not picture.stem.isdecimal()]
    if strange:
        raise InputError(
            f"{folder}: {min(strange)} has no number for a name; frames are named by "
            "their number, as 0000000000.png: rename or remove it"
        )
    numbers = [int(picture.stem) for picture in pictures]
    missing = sorted(set(range(numbers[0], numbers[-1])) - set(numbers))
    if missing:
        raise InputError(
            f"{folder}: {len(missing)} frames between {numbers[0]} and {numbers[-1]} "
            f"are missing, the first is {missing[0]}: unpack the drive again, or move "
            "what follows the gap to a folder of its own"
        )
    if len(set(numbers)) < len(numbers):
        raise InputError(
            f"{folder} has a frame twice: keep one picture for each number"
        )


def _check(
    path: pathlib.Path,
    picture: Image,
    resolution: tuple[int, int],
    first: pathlib.Path,
) -> None:
    """Raise InputError for a picture without colour or of another size."""
    if picture.mode != "RGB":
        raise InputError(
            f"{path} has colours of kind {picture.mode}; expected RGB, as cameras "
            "image_02 and image_03 have: leave grey folders out"
        )
    if picture.size != resolution:
        raise InputError(
            f"{path} has {picture.size} pixels, {first.name} has {resolution}: the "
            "frames of one folder are of one size"
        )
