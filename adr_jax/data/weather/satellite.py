"""Satellite images: Meteosat's visible channel as brightness from 0 to 1.

The public sample, clouds over the British Isles every five minutes for two hours, has
the high-resolution channel at 4 km (`hrv_4x4`) and 2 km (`hrv_2x2`). Bytes 0 to 255
stand for 0 to 1; floats are taken as they are. Contains modified EUMETSAT data.
"""

import fractions
import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from adr_jax.data.contract import Dataset, Segments, Source, merge_splits
from adr_jax.data.files import hdf5
from adr_jax.data.weather.imagery import Imagery
from adr_jax.errors import InputError
from adr_jax.options import DataOptions

# Looked for in this order where data.variable is "", and the size of their cells.
VARIABLES = {"hrv_4x4": "4 km", "hrv_2x2": "2 km"}
# The share of the rows that a band has; rows between bands belong to no split.
BAND = fractions.Fraction(7, 24)
REMEDY = (
    "store images as bytes, or floats from 0 to 1, in a variable (time, rows, columns) "
    "with a dataset 'time' (Unix seconds), and name the file in config.data.path and "
    "the variable in config.data.variable; meanwhile "
    "`python train.py --config configs/quickstart.py` needs no file"
)


class Crop(NamedTuple):
    """Frames `start` to `stop`, rows `top` to `bottom` of the images."""

    start: int
    stop: int
    top: int
    bottom: int


def load(config: DataOptions) -> Dataset:
    """Open data.path and split it. No window crosses a gap in the file's times.

    Splits:
      "bands": the north trains, the middle validates, the south is test. Each is 7/24
        of the rows high, with 1/16 between them.
      "all": whole images, everything is test.

    A sample of two hours is too short for a split in time: clouds live longer, and test
    would show those of training. Bands share no cell at any time. In the sample clouds
    drift along the rows. Across them 99 of 100 tiles of 96 x 96 cells move at most 0.9
    cells of 2 km a frame, by cross-correlation. That is 42 km in two hours, less than
    the 48 km between bands.

    Raises:
      InputError: there is no such file or variable, or its numbers are neither bytes
        nor floats.
    """
    images = Imagery.open(config, tuple(VARIABLES), REMEDY)
    if images.data.dtype != np.uint8 and images.data.dtype.kind != "f":
        raise InputError(
            f"{images.name} is {images.data.dtype}; expected bytes (0 to 255) or "
            "floats from 0 to 1: convert it, or name another in "
            "config.data.variable"
        )
    crops, splits = merge_splits(_crops(images, config.split))
    shape = (crops[0].bottom - crops[0].top, images.data.shape[2], 1)
    variable = images.data.name.rpartition("/")[2]
    return Dataset(
        name="satellite",
        trajectories=Segments(
            functools.partial(_read, images),
            [(crop.top, crop.bottom, crop.start, crop.stop) for crop in crops],
            shape,
        ),
        splits=splits,
        states={split: len(indices) for split, indices in splits.items()},
        split_name=config.split,
        fingerprint=hdf5.fingerprint_films([images.data], crops),
        channels=("brightness",),
        metrics=("ssim", "psnr", "rmse"),
        cell_size=images.cell_size or VARIABLES.get(variable),
        frame_interval=images.frame_interval,
        data_range=(0.0, 1.0),
    )


def _read(
    images: Imagery, top: int, bottom: int, start: int, stop: int
) -> Float[np.ndarray, "time rows columns 1"]:
    """Return brightness from 0 to 1; a missing cell, NaN in a file of floats, stays."""
    frames = hdf5.read(images.data, start, stop, slice(top, bottom))
    if frames.dtype == np.uint8:
        return frames[..., None].astype(np.float32) / 255
    wrong = (frames < 0) | (frames > 1)
    if wrong.any():
        raise InputError(
            f"{images.name} has {frames[wrong][0]} in frame "
            f"{start + int(np.argwhere(wrong)[0][0])}; expected 0 to 1: scale it"
        )
    return frames[..., None].astype(np.float32)


def _crops(images: Imagery, split: str) -> dict[str, list[Crop]]:
    """Return the crops of each split: a band of every span, or whole images."""
    rows = images.data.shape[1]
    height = int(BAND * rows)
    middle = (rows - height) // 2

    def band(top: int, bottom: int) -> list[Crop]:
        return [Crop(*span, top, bottom) for span in images.spans]

    if split == "all":
        return {"test": band(0, rows)}
    if not height:
        raise InputError(
            f"{images.name} has {rows} rows: too few for three bands; use "
            "config.data.split=all"
        )
    return {
        "train": band(0, height),
        "validation": band(middle, middle + height),
        "test": band(rows - height, rows),
    }


SOURCE = Source(
    load,
    split_names=("bands", "all"),
    fields=("path", "variable"),
    usual_frame=(112, 768, 1),
    licence="a file, on its provider's terms; Meteosat images contain modified "
    "EUMETSAT data",
)
