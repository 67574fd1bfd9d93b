"""CloudCast: cloud types over Europe, every 15 minutes of 2017 and 2018.

A. H. Nielsen, A. Iosifidis, H. Karstoft, "CloudCast: A Satellite-Based Dataset and
Baseline for Forecasting Clouds", IEEE JSTARS 14, 2021, 3485-3494, arXiv 2007.07978.

Raw values are put into the four classes that the authors forecast: clear, low, mid and
high. Their SSIM and PSNR are published without a definition. A PSNR of 38 results from
differences squared in 8 bits, which wrap around. So `psnr_wrapped` stands beside the
correct one.
"""

import functools
import pathlib
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32

from adr_jax.data.cloudcast import layouts
from adr_jax.data.cloudcast.parts import Part
from adr_jax.data.contract import (
    Dataset,
    Segments,
    Source,
    clip_spans,
    data_file,
    merge_splits,
)
from adr_jax.data.files.fingerprint import fingerprint, spans_taken_in
from adr_jax.errors import InputError
from adr_jax.options import DataOptions

# "label", the usual one: one channel, the index of the class. "classes": a channel for
# each class, 1 in its cells and 0 elsewhere.
VARIABLES = ("label", "classes")
CLASSES = ("clear", "low", "mid", "high")
VALIDATION_SHARE = 0.1
# The authors' windows: 16 frames in, 16 out, a start every 16.
WINDOW = 32

# A part, its first frame, and the one after its last.
Span: TypeAlias = tuple[Part, int, int]


def _class_table() -> np.ndarray:
    """Return the class of each raw value, 0 to 255, by the authors' rules in order."""
    raw = np.arange(256)
    # 0: none, land, sea, snow, sea ice or invalid; 1 to 10: the ten types of cloud.
    types = np.where((raw < 5) | (raw > 230), 0, raw - 4)
    fractional = types == 6
    rules = [types == 0, fractional | (types <= 2), types == 3]
    return np.select(rules, [0, 1, 2], default=3).astype(np.uint8)


CLASS_OF_RAW = _class_table()


def load(config: DataOptions) -> Dataset:
    """Open the folder data.path, or cloudcast/ without it, whatever its layout.

    Splits:
      "mid_2018": the authors' test period, from July 2018 on. The last tenth of what is
        before it validates.
      "all": everything is test.

    Raises:
      InputError: it holds no CloudCast, or a part of it, or files that are damaged.
    """
    return load_folder(config, data_file(config.root, config.path or "cloudcast"))


def load_folder(config: DataOptions, folder: pathlib.Path) -> Dataset:
    """Open a folder of CloudCast's files and print its layout."""
    channels = channels_of(config)
    archive = layouts.find(folder)
    parts = [*archive.train, *archive.test]
    _check_grid(folder, parts[0].grid, config.cells)
    _check_raw(parts[0])
    train = sum(part.frames for part in archive.train)
    test = sum(part.frames for part in archive.test)
    print(
        f"{folder}: {archive.layout}, {train} frames for training and validation, "
        f"{test} for testing"
    )
    spans, splits = merge_splits(_split(archive, config.split))
    read_frames = functools.partial(_read, len(channels))
    return Dataset(
        name="cloudcast",
        trajectories=Segments(read_frames, spans, (*parts[0].grid, len(channels))),
        splits=splits,
        states={split: len(indices) for split, indices in splits.items()},
        split_name=config.split,
        fingerprint=fingerprint(_taken_in(parts)),
        channels=channels,
        classes=CLASSES,
        metrics=("ssim", "psnr", "psnr_wrapped", "accuracy", "iou"),
        cell_size=archive.cell_size,
        frame_interval="15 min",
        data_range=(0.0, 3.0) if len(channels) == 1 else (0.0, 1.0),
    )


def channels_of(config: DataOptions) -> tuple[str, ...]:
    """Return the channels of data.variable; InputError where there is none such."""
    variable = config.variable or VARIABLES[0]
    if variable not in VARIABLES:
        raise InputError(
            f"config.data.variable is {variable!r}; expected one of "
            f"{', '.join(VARIABLES)}"
        )
    return ("class",) if variable == "label" else CLASSES


def _read(
    channels: int, part: Part, start: int, stop: int
) -> Float32[np.ndarray, "time rows columns channels"]:
    """Return frames of a part in classes: a label, or a channel for each class."""
    classes = CLASS_OF_RAW[part.read(start, stop)]
    if channels == 1:
        return classes[..., None].astype(np.float32)
    return np.eye(len(CLASSES), dtype=np.float32)[classes]


def _split(archive: layouts.Archive, name: str) -> dict[str, list[Span]]:
    """Return the spans of each split; a window before validation belongs to none."""
    frames = sum(part.frames for part in archive.train)
    test = [(part, *span) for part in archive.test for span in part.spans]
    if name == "all":
        return {"test": _between(archive.train, 0, frames) + test}
    held_out = round((1 - VALIDATION_SHARE) * frames)
    return {
        "train": _between(archive.train, 0, held_out - WINDOW),
        "validation": _between(archive.train, held_out, frames),
        "test": test,
    }


def _between(parts: Sequence[Part], start: int, stop: int) -> list[Span]:
    """Return the spans between two frames, counted over all parts."""
    spans, first = [], 0
    for part in parts:
        clipped = clip_spans(part.spans, start - first, stop - first)
        spans += [(part, *span) for span in clipped]
        first += part.frames
    return spans


def _taken_in(parts: Sequence[Part]) -> Iterator[object]:
    """Yield what a fingerprint takes in of each part, whatever the layout."""
    yield repr([(part.frames, part.grid) for part in parts])
    for index, *span in spans_taken_in([p.frames for p in parts], parts[0].grid):
        yield parts[index].read(*span)


def _check_grid(folder: pathlib.Path, grid: tuple[int, ...], cells: int) -> None:
    if grid != (cells, cells):
        raise InputError(
            f"{folder} has {grid[0]} x {grid[1]} cells, data.cells is {cells}: set "
            f"config.data.cells={grid[0]}, or name a folder of that size (a model "
            "learns cells per frame, so each needs its own)"
        )


def _check_raw(part: Part) -> None:
    """Refuse labels that were put into classes before: they would all be clear."""
    first = part.read(0, 1)
    if not CLASS_OF_RAW[first].any():
        raise InputError(
            f"{part.path}: no cloud in its first frame, whose values are "
            f"{first.min()} to {first.max()}; expected CloudCast's raw cloud types, 5 "
            "to 14 where it is cloudy: use the files as they were published"
        )


SOURCE = Source(
    load,
    split_names=("mid_2018", "all"),
    fields=("path", "cells", "variable"),
    licence="CloudCast (Nielsen et al. 2021), CC BY-NC-SA 4.0, non-commercial",
    frame_shape=lambda config: (config.cells, config.cells, len(channels_of(config))),
)
