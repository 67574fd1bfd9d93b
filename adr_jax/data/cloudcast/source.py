"""CloudCast: cloud types over Europe, every 15 minutes of 2017 and 2018.

A. H. Nielsen, A. Iosifidis, H. Karstoft, "CloudCast: A Satellite-Based Dataset and
Baseline for Forecasting Clouds", IEEE JSTARS 14, 2021, 3485-3494, arXiv 2007.07978.
The data are CC BY-NC-SA 4.0: for research, not for trade.

Raw values are put into the four classes that the authors forecast: clear, low, mid and
high. Their published SSIM and PSNR come without a definition; a PSNR of 38 is what
squaring differences in 8 bits gives, where they wrap around, so `psnr_wrapped` stands
beside the correct one.
"""

import bisect
import hashlib
import itertools
import pathlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32
from ml_collections import ConfigDict

from adr_jax.data.cloudcast import layouts as cloudcast_layouts
from adr_jax.data.cloudcast.parts import Part
from adr_jax.data.contract import Dataset, Segments, data_file, numbered
from adr_jax.errors import InputError

# "mid_2018": the authors' test period, from July 2018 on, and as validation the last
# tenth of what is before it. "all": everything is test.
SPLIT_NAMES = ("mid_2018", "all")
FIELDS = ("path", "cells", "variable")
# One channel with the number of the class, the usual one; or a channel for each class,
# 1 where it is and 0 elsewhere.
VARIABLES = ("label", "classes")
CLASSES = ("clear", "low", "mid", "high")
VALIDATION_SHARE = 0.1
# The authors': 16 frames in, 16 out, a start every 16.
WINDOW = 32


def _class_table() -> np.ndarray:
    """The class of each raw value, 0 to 255, by the authors' rules in their order."""
    raw = np.arange(256)
    # 0: none, land, sea, snow, sea ice or invalid; 1 to 10: the ten types of cloud.
    types = np.where((raw < 5) | (raw > 230), 0, raw - 4)
    fractional = types == 6
    rules = [types == 0, fractional | (types <= 2), types == 3]
    return np.select(rules, [0, 1, 2], default=3).astype(np.uint8)


CLASS_OF_RAW = _class_table()


def prepare(config: ConfigDict) -> None:
    """Does nothing: CloudCast cannot be made, and `load` says where to get it."""


def load(config: ConfigDict) -> Dataset:
    """Opens the folder data.path, or cloudcast/ without it, whatever its layout.

    Raises:
      InputError: it holds no CloudCast, or a part of it, or files that are damaged.
    """
    return load_folder(config, data_file(config.root, config.path or "cloudcast"))


def load_folder(config: ConfigDict, folder: pathlib.Path) -> Dataset:
    """Opens a folder of CloudCast's files, and says what it found there."""
    variable = config.variable or VARIABLES[0]
    if variable not in VARIABLES:
        raise InputError(
            f"config.data.variable is {variable!r}; expected one of "
            f"{', '.join(VARIABLES)}"
        )
    archive = cloudcast_layouts.find(folder)
    parts = [*archive.train, *archive.test]
    _check_grid(folder, parts[0].grid, config.cells)
    _check_raw(parts[0])
    train, test = (sum(p.frames for p in of) for of in (archive.train, archive.test))
    print(
        f"{folder}: {archive.layout}, {train} frames for training and validation, "
        f"{test} for testing"
    )
    frames = _Frames(parts, variable)
    spans = _split(frames.spans, train, config.split)
    everything, numbers = numbered(spans)
    labels = variable == "label"
    return Dataset(
        name="cloudcast",
        trajectories=Segments(
            frames.read,
            everything,
            (*parts[0].grid, frames.channels),
        ),
        splits=numbers,
        states={split: len(of) for split, of in numbers.items()},
        split_name=config.split,
        fingerprint=_fingerprint(parts),
        channels=("class",) if labels else CLASSES,
        channels_are_classes=not labels,
        metrics=("ssim", "psnr", "psnr_wrapped", "accuracy", "iou"),
        cell_size=archive.cell_size,
        frame_interval="15 min",
        data_range=(0.0, 3.0) if labels else (0.0, 1.0),
    )


class _Frames:
    """All parts as one long sequence, in classes."""

    def __init__(self, parts: Sequence[Part], variable: str):
        self._parts = parts
        self._first = [0, *itertools.accumulate(part.frames for part in parts)]
        self.channels = 1 if variable == "label" else len(CLASSES)
        self.spans = [
            (first + start, first + stop)
            for first, part in zip(self._first, parts, strict=False)
            for start, stop in part.spans
        ]

    def read(
        self, start: int, stop: int
    ) -> Float32[np.ndarray, "time rows columns channels"]:
        """Frames `start` to `stop`, all of one part, as no span lies in two."""
        number = bisect.bisect_right(self._first, start) - 1
        first = self._first[number]
        classes = CLASS_OF_RAW[self._parts[number].read(start - first, stop - first)]
        if self.channels == 1:
            return classes[..., None].astype(np.float32)
        return np.eye(len(CLASSES), dtype=np.float32)[classes]


def _split(
    spans: Sequence[tuple[int, int]], train_frames: int, name: str
) -> dict[str, list[tuple[int, int]]]:
    """Stretches of each split; before validation a window belongs to none."""
    if name == "all":
        return {"train": [], "validation": [], "test": list(spans)}
    held_out = round((1 - VALIDATION_SHARE) * train_frames)
    return {
        "train": _within(spans, 0, held_out - WINDOW),
        "validation": _within(spans, held_out, train_frames),
        "test": _within(spans, train_frames, spans[-1][1]),
    }


def _within(
    spans: Sequence[tuple[int, int]], low: int, high: int
) -> list[tuple[int, int]]:
    clipped = [(max(start, low), min(stop, high)) for start, stop in spans]
    return [(start, stop) for start, stop in clipped if start < stop]


def _fingerprint(parts: Sequence[Part]) -> str:
    """Of the first, middle and last frame of each part, in whatever layout."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(str((part.frames, part.grid)).encode())
        for frame in (0, part.frames // 2, part.frames - 1):
            digest.update(part.read(frame, frame + 1).tobytes())
    return digest.hexdigest()[:16]


def _check_grid(folder: pathlib.Path, grid: tuple[int, ...], cells: int) -> None:
    if grid != (cells, cells):
        raise InputError(
            f"{folder} has {grid[0]} x {grid[1]} cells, data.cells is {cells}: set "
            f"config.data.cells={grid[0]}, or name a folder of that size (a model "
            "learns cells per frame, so each needs its own)"
        )


def _check_raw(part: Part) -> None:
    """Refuses labels that were put into classes before: they would all be clear."""
    first = part.read(0, 1)
    if not CLASS_OF_RAW[first].any():
        raise InputError(
            f"{part.path}: no cloud in its first frame, whose values are "
            f"{first.min()} to {first.max()}; expected CloudCast's raw cloud types, 5 "
            "to 14 where it is cloudy: use the files as they were published"
        )
