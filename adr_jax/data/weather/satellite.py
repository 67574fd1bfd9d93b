"""Satellite images: Meteosat's visible channel as brightness from 0 to 1.

The public sample, clouds over the British Isles every five minutes for two hours, has
the high-resolution channel at 4 km (`hrv_4x4`) and 2 km (`hrv_2x2`). Bytes 0 to 255
stand for 0 to 1; floats are taken as they are. Contains modified EUMETSAT data.
"""

import dataclasses
import fractions
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from ml_collections import ConfigDict

from adr_jax.data.contract import Dataset, data_file, numbered
from adr_jax.data.files import hdf5
from adr_jax.data.weather.imagery import Imagery
from adr_jax.errors import InputError

SPLIT_NAMES = ("bands", "all")
FIELDS = ("path", "variable")
# Looked for in this order where data.variable is "", and the size of their cells.
VARIABLES = {"hrv_4x4": "4 km", "hrv_2x2": "2 km"}
# Each band has this share of the rows; what lies between bands belongs to none.
BAND = fractions.Fraction(7, 24)
REMEDY = (
    "store images as bytes, or floats from 0 to 1, in a variable (time, rows, columns) "
    "with a dataset 'time' (Unix seconds), and name the file in config.data.path and "
    "the variable in config.data.variable; meanwhile "
    "`python train.py --config configs/quickstart.py` needs no file"
)


@dataclasses.dataclass(frozen=True)
class Crop:
    """Frames `start` to `stop`, rows `top` to `bottom` of the images."""

    start: int
    stop: int
    top: int
    bottom: int


@dataclasses.dataclass(frozen=True)
class Crops:
    """Trajectories that are crops of the images (`dataset.Trajectories`)."""

    images: Imagery
    crops: Sequence[Crop]

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(rows, columns, 1)."""
        return self.crops[0].bottom - self.crops[0].top, self.images.data.shape[2], 1

    @property
    def lengths(self) -> Sequence[int]:
        """Frames of each crop."""
        return [crop.stop - crop.start for crop in self.crops]

    def read(
        self, index: int, start: int, stop: int
    ) -> Float[np.ndarray, "time rows columns 1"]:
        """Brightness from 0 to 1; a missing cell, NaN in a file of floats, stays NaN.

        Raises:
          InputError: the file is damaged, or a float is not between 0 and 1.
        """
        crop = self.crops[index]
        start, stop = crop.start + start, crop.start + stop
        rows = slice(crop.top, crop.bottom)
        frames = hdf5.read(self.images.data, start, stop, rows)
        if frames.dtype == np.uint8:
            return frames[..., None].astype(np.float32) / 255
        wrong = (frames < 0) | (frames > 1)
        if wrong.any():
            raise InputError(
                f"{self.images.name} has {frames[wrong][0]} in frame "
                f"{start + int(np.argwhere(wrong)[0][0])}; expected 0 to 1: scale it"
            )
        return frames[..., None].astype(np.float32)


def prepare(config: ConfigDict) -> None:
    """Nothing: satellite data cannot be made."""


def load(config: ConfigDict) -> Dataset:
    """Opens data.path and splits it.

    Splits: "bands", the north to train with, the middle for validation, the south for
    test, each 7/24 of the rows high and with 1/16 between them; "all", whole images,
    everything is test. A sample of two hours is too short to be cut in time: clouds
    live longer, and the test stretch would show those of training. Bands share no cell
    at any time. In the sample clouds drift along the rows, and across them at most 0.9
    cells of 2 km a frame (99 of 100 tiles of 96 x 96 cells, by cross-correlation): 42
    km in two hours, less than the 48 km between bands. No window crosses a gap in the
    file's times.

    Raises:
      InputError: there is no such file or variable, or its numbers are neither bytes
        nor floats.
    """
    if not config.path:
        raise InputError(f"config.data.path is empty; {REMEDY}")
    path = data_file(config.root, config.path)
    images = Imagery.open(path, config.variable, tuple(VARIABLES), REMEDY)
    if images.data.dtype != np.uint8 and images.data.dtype.kind != "f":
        raise InputError(
            f"{images.name} is {images.data.dtype}; expected bytes (0 to 255) or "
            "floats from 0 to 1: convert it, or name another in "
            "config.data.variable"
        )
    crops, splits = numbered(_crops(images, config.split))
    name = images.data.name.rpartition("/")[2]
    return Dataset(
        name="satellite",
        trajectories=Crops(images, crops),
        splits=splits,
        states={split: len(of) for split, of in splits.items()},
        split_name=config.split,
        fingerprint=hdf5.fingerprint([images.data], crops),
        channels=("brightness",),
        metrics=("ssim", "psnr", "rmse"),
        cell_size=images.cell_size or VARIABLES.get(name),
        frame_interval=images.frame_interval,
        data_range=(0.0, 1.0),
    )


def _crops(images: Imagery, split: str) -> dict[str, list[Crop]]:
    """North, middle and south of every stretch, or all of it."""
    rows = images.data.shape[1]
    height = int(BAND * rows)
    middle = (rows - height) // 2

    def band(top: int, bottom: int) -> list[Crop]:
        return [Crop(*stretch, top, bottom) for stretch in images.stretches]

    if split == "all":
        return {"train": [], "validation": [], "test": band(0, rows)}
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
