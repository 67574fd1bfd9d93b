"""The four layouts in which CloudCast is published.

| set   | cells | netCDF-4, time last         | .npy, a frame each                    |
|-------|-------|-----------------------------|---------------------------------------|
| small | 128^2 | TrainCloud.nc, TestCloud.nc | TrainCloud/{i}.npy, TestCloud/{i}.npy |
| full  | 768^2 | {year}M{month}.nc           | {year}M{month}/{i}.npy                |

The first form is the authors', the second Kaggle's. A file or folder of these is a
part. The full set's test period is that of the small one, from July 2018 on. Months of
it may be missing.
"""

import dataclasses
import pathlib
import re
from collections.abc import Sequence

from adr_jax.data.cloudcast.parts import NetCDFPart, NumpyPart, Part
from adr_jax.errors import InputError

FIRST_TEST_MONTH = "2018M07"
CELL_SIZES = {"small": "15 km", "full": "3 km"}
# Parts are compressed in chunks of thousands of frames, so 32 frames cost as much as a
# chunk: 0.1 s of the small test part, but 0.6 ms where HDF5 caches chunks. This much
# memory holds the whole small set, 1.1 GB.
CACHE_BYTES = 2**31

_PART = re.compile(r"(TrainCloud|TestCloud|\d{4}M\d{2})(\.nc)?")
_GET = (
    "get the small set (249 MB) from vision.eng.au.dk/cloudcast-dataset (TrainCloud.nc "
    "and TestCloud.nc) or kaggle.com/datasets/christianlillelund/"
    "the-cloudcast-dataset-small (TrainCloud/ and TestCloud/) and put these two there; "
    "the full set (8.5 GB) is read too. Meanwhile `python train.py --config "
    "configs/cloudcast.py:sample` trains on a generated stand-in of the same layout"
)


@dataclasses.dataclass(frozen=True)
class Archive:
    """The content of a folder."""

    layout: str
    cell_size: str
    train: Sequence[Part]
    test: Sequence[Part]


def find(folder: pathlib.Path) -> Archive:
    """Find the layout of a folder and open its parts.

    Raises:
      InputError: there is none, more than one or only a part of one, or a file of it
        cannot be read.
    """
    names = sorted(path.name for path in folder.glob("*"))
    layouts: dict[tuple[str, str], list[str]] = {}
    for name in names:
        if match := _PART.fullmatch(name):
            size = "small" if match[1].endswith("Cloud") else "full"
            layouts.setdefault((size, match[2] or ".npy"), []).append(name)
    if not layouts:
        found = f" (only {_listed(names)})" if names else ""
        raise InputError(f"CloudCast is not in {folder}{found}: {_GET}")
    if len(layouts) > 1:
        held = " and ".join(_listed(members) for members in layouts.values())
        raise InputError(
            f"{folder} holds CloudCast in {len(layouts)} layouts, {held}: keep one of "
            "them"
        )
    ((size, form), members), *_ = layouts.items()
    test = [name for name in members if _in_test_period(name)]
    train = [name for name in members if name not in test]
    if not (train and test):
        lacking = {
            "small": "TestCloud" if train else "TrainCloud",
            "full": f"all months {'from' if train else 'before'} {FIRST_TEST_MONTH}",
        }
        raise InputError(
            f"{folder} holds {_listed(members)} but not {lacking[size]}: training and "
            "test need both; fetch the rest"
        )
    opened = {
        name: _open(folder / name, CACHE_BYTES // len(members)) for name in members
    }
    grids = {part.grid: name for name, part in opened.items()}
    if len(grids) > 1:
        each = ", ".join(f"{grid} in {name}" for grid, name in grids.items())
        raise InputError(
            f"{folder}: frames are {each}; all must have one grid: fetch the odd one "
            "again"
        )
    months = f", {len(members)} of 24 months" if size == "full" else ""
    return Archive(
        layout=f"{size} set, {form} files{months}",
        cell_size=CELL_SIZES[size],
        train=[opened[name] for name in train],
        test=[opened[name] for name in test],
    )


def _in_test_period(name: str) -> bool:
    is_month = name[0].isdigit()
    return name[:7] >= FIRST_TEST_MONTH if is_month else name.startswith("Test")


def _open(path: pathlib.Path, cache_bytes: int) -> Part:
    is_file = path.suffix == ".nc"
    return NetCDFPart(path, cache_bytes) if is_file else NumpyPart(path)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown
