"""KITTI, video from a driving car: PredNet's 128 x 160 and DMVFN's 256 x 832.

KITTI needs registration, so nothing is fetched here. `load` reads a folder of raw
drives (prepared once, see `frames`), PredNet's prepared arrays, or an HDF5 file with
one film, uint8 (time, rows, columns, 3), for each drive and camera.

"t+k" in published tables has two meanings: the score of step k alone, and, in DMVFN's
code, the mean over steps 1 to k. Here it is that of step k alone; the mean over the
first k steps compares with DMVFN's t+k. DMVFN scores windows of 9 frames of each test
drive, whose last 5 are forecast from the 2 before. These are our windows (2 in, 5 out,
stride 1) without the first two of each drive.
"""

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import h5py
import numpy as np
from jaxtyping import Float

from adr_jax.data.contract import (
    SPLITS,
    Dataset,
    Segments,
    Source,
    data_file,
    merge_splits,
    split_in_time,
)
from adr_jax.data.files import hdf5, hickle
from adr_jax.data.files.reading import reading
from adr_jax.data.kitti import frames
from adr_jax.errors import InputError
from adr_jax.options import DataOptions

# PredNet's; DMVFN names none, and validation must not use its test drives.
VALIDATION = ("2011_09_26_drive_0005",)
# Frames between two splits of one film: a second.
GAP = 10
PREDNET_PARTS = ("train", "val", "test")
PREDNET_REMEDY = "PredNet's prepared KITTI has X and sources of train, val and test"


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """The part of KITTI that a published protocol uses."""

    size: frames.Size
    # All of them train; validation and test use the first.
    cameras: tuple[str, ...]
    test: tuple[str, ...]
    metrics: tuple[str, ...]


BENCHMARKS = {
    "prednet": Benchmark(
        frames.PREDNET,
        ("image_03",),
        ("2011_09_26_drive_0104", "2011_09_26_drive_0079", "2011_09_26_drive_0070"),
        ("ssim", "psnr", "mse"),
    ),
    "dmvfn": Benchmark(
        frames.DMVFN,
        ("image_02", "image_03"),
        (
            "2011_09_26_drive_0060",
            "2011_09_26_drive_0084",
            "2011_09_26_drive_0093",
            "2011_09_26_drive_0096",
        ),
        ("ms_ssim", "ssim", "psnr", "mse"),
    ),
}


class Film(NamedTuple):
    """Frames `start` to `stop` of an array: a drive seen by one camera, or a part."""

    name: str
    data: h5py.Dataset
    start: int
    stop: int

    @property
    def drive(self) -> str:
        """The drive in its name, as 2011_09_26_drive_0005, or ""."""
        found = re.search(r"\d{4}_\d\d_\d\d_drive_\d{4}", self.name)
        return found[0] if found else ""


def prepare(config: DataOptions) -> None:
    """Make one file under data.root from a folder of raw drives.

    It is made once: delete it when the folder has changed.
    """
    source, path = _source(config), _file(config)
    if source.is_dir() and not path.exists():
        print(f"{path} is missing: preparing it from the frames in {source}")
        benchmark = _benchmark(config.split)
        frames.write(source, path, benchmark.size, benchmark.cameras)


def load(config: DataOptions) -> Dataset:
    """Open data.path, or `kitti` under data.root without it, and split it by drive.

    Splits:
      "prednet", "dmvfn": the test drives of those works, PredNet's validation drive,
        and the rest to train.
      "in_time": for a file of other drives. Each film is cut into train, validation and
        test, a second apart. They show the same street, so scores say little of other
        drives.
      "all": everything is test.

    Raises:
      InputError: there is no such data, it is damaged, its frames have another size
        than the split's benchmark, or a validation or test drive is missing.
    """
    path = _file(config)
    if not path.exists():
        raise InputError(
            f"{_source(config)}: no such file or folder. KITTI's raw drives (city, "
            "residential and road, 165 GB) come after registration at "
            "www.cvlibs.net/datasets/kitti: unpack them there, as .../2011_09_26/"
            "2011_09_26_drive_0005_sync/image_03/data/0000000000.png, or put PredNet's "
            "prepared X_train.hkl to sources_test.hkl (3 GB) there; meanwhile "
            "`python train.py --config configs/quickstart.py` needs no file"
        )
    films = _prednet_films(path) if path.is_dir() else _films(path)
    shapes = {film.data.shape[1:] for film in films}
    if len(shapes) > 1:
        raise InputError(
            f"{path} has frames of several sizes, {sorted(shapes)}: put them into "
            "files of their own"
        )
    films, splits = merge_splits(_split(path, films, config.split))
    arrays = list(dict.fromkeys(film.data for film in films))
    facts = [(film.name, film.start, film.stop) for film in films]
    return Dataset(
        name="kitti",
        trajectories=Segments(_read, films, films[0].data.shape[1:]),
        splits=splits,
        states={split: len(indices) for split, indices in splits.items()},
        split_name=config.split,
        fingerprint=hdf5.fingerprint_films(arrays, facts),
        channels=("red", "green", "blue"),
        metrics=_benchmark(config.split).metrics,
        frame_interval="0.1 s",
        data_range=(0.0, 1.0),
    )


def _read(
    name: str, data: h5py.Dataset, start: int, stop: int
) -> Float[np.ndarray, "time rows columns 3"]:
    """Return red, green and blue of a film, from 0 to 1."""
    return hdf5.read(data, start, stop).astype(np.float32) / 255


def _benchmark(split: str) -> Benchmark:
    """Return the benchmark of a split, PredNet's where it is none."""
    return BENCHMARKS.get(split, BENCHMARKS["prednet"])


def _source(config: DataOptions) -> pathlib.Path:
    return data_file(config.root, config.path or "kitti")


def _file(config: DataOptions) -> pathlib.Path:
    """Return the path to read: data.path, or the file that `prepare` makes of it."""
    source = _source(config)
    if source.is_file() or (source / "X_train.hkl").exists():
        return source
    rows, columns = _benchmark(config.split).size.shape
    return data_file(config.root, f"{source.name}_{rows}x{columns}.h5")


def _films(path: pathlib.Path) -> list[Film]:
    """Return the colour films of an HDF5 file; others are left out."""
    file = hdf5.open_file(path, "name another in config.data.path")
    with reading(path):
        films = {name: file[name] for name in sorted(file)}
        found = [
            Film(name, data, 0, len(data))
            for name, data in films.items()
            if isinstance(data, h5py.Dataset) and _is_colour_film(data)
        ]
    if not found:
        raise InputError(
            f"{path} has no colour film, uint8 (time, rows, columns, 3), among "
            f"{', '.join(films) or 'nothing'}: name a folder of frames, or another file"
        )
    return found


def _is_colour_film(data: h5py.Dataset) -> bool:
    return data.ndim == 4 and data.shape[-1] == 3 and data.dtype == np.uint8


def _prednet_films(folder: pathlib.Path) -> list[Film]:
    """Return the runs of equal source in X_*.hkl as films."""
    films = []
    for part in PREDNET_PARTS:
        path, sources = folder / f"X_{part}.hkl", folder / f"sources_{part}.hkl"
        data = hickle.array(path, PREDNET_REMEDY)
        names = hickle.strings(sources, PREDNET_REMEDY)
        if not _is_colour_film(data) or len(data) != len(names):
            raise InputError(
                f"{path} is {data.dtype} of shape {data.shape}, {sources.name} has "
                f"{len(names)} names; expected uint8 (frames, rows, columns, 3) and as "
                "many names: fetch both again"
            )
        starts = [k for k, name in enumerate(names) if k == 0 or name != names[k - 1]]
        films += [
            Film(names[start], data, start, stop)
            for start, stop in zip(starts, [*starts[1:], len(names)], strict=True)
        ]
    return films


def _split(
    path: pathlib.Path, films: Sequence[Film], split: str
) -> dict[str, Sequence[Film]]:
    """Return the films of each split."""
    if split == "all":
        return {"test": films}
    if split == "in_time":
        parts = zip(*(_cut_in_time(film) for film in films), strict=True)
        return dict(zip(SPLITS, parts, strict=True))
    benchmark = BENCHMARKS[split]
    shape = films[0].data.shape[1:3]
    if shape != benchmark.size.shape:
        raise InputError(
            f"{path} has frames of {shape}, {split} is about {benchmark.size.shape}: "
            "use config.data.split=in_time, or prepare the raw frames"
        )
    absent = {*VALIDATION, *benchmark.test} - {film.drive for film in films}
    if absent:
        raise InputError(
            f"{path} lacks drives that {split} validates or tests with, "
            f"{', '.join(sorted(absent))}: add them, or for a look at what is there "
            "use config.data.split=in_time"
        )
    held_out = {*VALIDATION, *benchmark.test}
    # One camera sees enough of a held-out drive; PredNet's names have no camera.
    scored = [
        film
        for film in films
        if "image_" not in film.name or benchmark.cameras[0] in film.name
    ]
    return {
        "train": [film for film in films if film.drive not in held_out],
        "validation": [film for film in scored if film.drive in VALIDATION],
        "test": [film for film in scored if film.drive in benchmark.test],
    }


def _cut_in_time(film: Film) -> list[Film]:
    """Return the train, validation and test part of a film."""
    spans = split_in_time(film.stop - film.start, (0.6, 0.2, 0.2), GAP)
    return [
        film._replace(start=film.start + start, stop=film.start + stop)
        for start, stop in spans
    ]


SOURCE = Source(
    load,
    split_names=(*BENCHMARKS, "in_time", "all"),
    fields=("path",),
    licence="KITTI, CC BY-NC-SA 3.0, non-commercial",
    prepare=prepare,
    frame_shape=lambda config: (*_benchmark(config.split).size.shape, 3),
)
