"""Rain radar composites: sequences of maps of dBZ or rain rate in an HDF5 file.

Frames are reflectivity in dBZ, not below 0. By Marshall and Palmer, Z = 200 R^1.6, it
is 23.0 + 16 log10 R for a rain rate R in mm/h. It is what radars measure, and a
logarithm, in which errors are factors and drizzle counts as much as showers. The floor
of 0 dBZ, 0.04 mm/h, bounds the logarithm: less rain does not matter. A file may hold
reflectivity or rain rates, as floats or coded; see `Coding`.
"""

import dataclasses
import math
from typing import Self

import numpy as np
from jaxtyping import Float

from adr_jax.data.contract import (
    SPLITS,
    Dataset,
    Segments,
    Source,
    clip_spans,
    merge_splits,
    split_in_time,
)
from adr_jax.data.files import hdf5
from adr_jax.data.weather.imagery import Imagery
from adr_jax.errors import InputError
from adr_jax.options import DataOptions

# Looked for in this order where data.variable is "".
VARIABLES = ("dbz8", "dbz", "rate", "acc_raw")
# Rain rates, mm/h, at which forecasts are judged: any rain, rain, heavy rain.
RATES = (0.1, 1.0, 5.0)
# Minutes between two splits, and of a nowcast: two hours after half an hour of history.
GAP, NOWCAST = 60, 150
# dBZ that no rain or hail reaches: larger values are codes read as values.
HIGHEST = 90.0
REMEDY = (
    "stack radar composites, for example of the KNMI Data Platform or FMI's open data, "
    "into a dataset 'dbz' (time, rows, columns) with units 'dBZ' and one 'time' (Unix "
    "seconds), and name the file in config.data.path; meanwhile "
    "`python train.py --config configs/quickstart.py` needs no file"
)


def reflectivity(rate: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return dBZ for a rain rate in mm/h (Marshall and Palmer), not below -25 dBZ."""
    return 10 * np.log10(200 * np.maximum(rate, 1e-3) ** 1.6)


@dataclasses.dataclass(frozen=True)
class Coding:
    """The coding of a file's values: scale * stored + offset, in mm/h or dBZ."""

    is_rate: bool
    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()

    @classmethod
    def from_attributes(cls, images: Imagery) -> Self:
        """Return the coding that attributes state, or that of a public sample."""
        units = images.text("units")
        integers = images.data.dtype.kind in "ui"
        scale = images.number("scale_factor", "gain")
        offset = images.number("add_offset", "offset") or 0.0
        words = next((words for words in IN_WORDS if units.startswith(words)), None)
        if units in UNITS and (scale is not None or not integers):
            coding = cls(UNITS[units], 1.0 if scale is None else scale, offset)
        elif words is not None:
            coding = cls(*IN_WORDS[words])
        else:
            raise InputError(
                f"{images.name} has units {units!r} and is {images.data.dtype}: what "
                f"do its numbers stand for? Add attributes units ({' or '.join(UNITS)})"
                ", for whole numbers scale_factor and add_offset, and _FillValue if "
                "cells are missing"
            )
        if not np.isfinite([coding.scale, coding.offset]).all():
            raise InputError(
                f"{images.name}: scale {coding.scale}, offset {coding.offset}; both "
                "must be finite: correct scale_factor and add_offset"
            )
        return dataclasses.replace(coding, missing=_missing(images))

    def dbz(self, stored: np.ndarray) -> Float[np.ndarray, "time rows columns"]:
        """Return dBZ from 0 up, float32; a missing cell is NaN."""
        with np.errstate(over="ignore", invalid="ignore"):  # the caller checks values
            values = stored.astype(np.float64) * self.scale + self.offset
            values = reflectivity(values) if self.is_rate else values
        values[np.isin(stored, self.missing)] = np.nan
        return np.maximum(values, 0.0).astype(np.float32)


# Units of scaled values, and whether they are those of rain rates.
UNITS = {"dBZ": False, "mm/h": True, "mm h-1": True}
# Codings that files state in words only: is_rate, scale and offset.
IN_WORDS = {
    "dBZ = v/4": (False, 0.25),
    "dBZ = 0.5*v - 32": (False, 0.5, -32.0),
    "0.01 mm/h": (True, 0.01),
    "0.01 mm per 5 min": (True, 0.12),
}


def _missing(images: Imagery) -> tuple[float, ...]:
    """Return codes of missing values: those stated, or an unsigned type's maximum."""
    names = ("_FillValue", "missing_value", "missing", "nodata")
    stated = [images.number(name) for name in names if name in images.attributes]
    if not stated and images.data.dtype.kind == "u":
        return (float(np.iinfo(images.data.dtype).max),)
    return tuple(code for code in stated if code is not None)


def load(config: DataOptions) -> Dataset:
    """Open data.path and split it. No window crosses a gap in the file's times.

    Splits:
      "in_time": an early span trains, the next validates, the last is test, with an
        hour between them.
      "all": everything is test.

    Raises:
      InputError: there is no such file or variable, its coding is unknown, or it is too
        short to split.
    """
    images = Imagery.open(config, VARIABLES, REMEDY)
    coding = Coding.from_attributes(images)

    def read_frames(start: int, stop: int) -> np.ndarray:
        frames = coding.dbz(hdf5.read(images.data, start, stop))
        if (frames > HIGHEST).any():
            frame = start + int(np.argwhere(frames > HIGHEST)[0][0])
            raise InputError(
                f"{images.name} has {np.nanmax(frames):g} dBZ in frame {frame}: a code "
                "taken for rain? Correct scale_factor, add_offset or _FillValue"
            )
        return frames[..., None]

    spans, splits = merge_splits(_spans(images, config.split))
    return Dataset(
        name="radar",
        trajectories=Segments(read_frames, spans, (*images.data.shape[1:], 1)),
        splits=splits,
        states={split: len(indices) for split, indices in splits.items()},
        split_name=config.split,
        fingerprint=hdf5.fingerprint_films([images.data], coding),
        channels=("reflectivity",),
        metrics=("csi", "pod", "far", "fss", "rmse"),
        unit="dBZ",
        cell_size=images.cell_size,
        frame_interval=images.frame_interval,
        thresholds=tuple(reflectivity(np.array(RATES)).round(2).tolist()),
    )


def _spans(images: Imagery, split: str) -> dict[str, list[tuple[int, int]]]:
    """Return the spans of each split."""
    if split == "all":
        return {"test": list(images.spans)}
    frames, gap = len(images.data), math.ceil(GAP / images.interval)
    used = max(frames - 2 * gap, 0)
    # A short file leaves for test what a nowcast takes, but at most half of its frames.
    test = max(0.15 * used, min(NOWCAST / images.interval, 0.5 * used))
    rest = used - test
    shares = (0.75 * rest, 0.25 * rest, test)
    spans = split_in_time(frames, shares, gap) if used else []
    if not spans or any(start == stop for start, stop in spans):
        raise InputError(
            f"{images.name} has {frames} frames, {images.frame_interval} apart: too "
            "few for training, validation and test with an hour between them; stack "
            "more, or score a model on all of them with config.data.split=all"
        )
    return {
        name: clip_spans(images.spans, *span)
        for name, span in zip(SPLITS, spans, strict=True)
    }


SOURCE = Source(load, split_names=("in_time", "all"), fields=("path", "variable"))
