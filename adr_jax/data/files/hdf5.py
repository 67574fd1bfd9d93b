"""HDF5 files, read lazily and written whole, with one clear error for what goes wrong.

h5py takes a lock for each call, so a thread that prefetches may read a file which
another thread opened.

A limit: damage can make the HDF5 library itself go on for ever, as 1 file of 400
damaged at random did. Nothing here ends such a call.
"""

import contextlib
import hashlib
import pathlib
from collections.abc import Iterator, Sequence

import h5py
import numpy as np

from adr_jax.data.files.atomic import written_whole
from adr_jax.errors import InputError

# Frames whose content a fingerprint takes in: reading all would take minutes per run.
SAMPLED_FRAMES = 64


def open_file(path: pathlib.Path, remedy: str) -> h5py.File:
    """Opens a file for reading.

    Args:
      path: where it is.
      remedy: what to do if it is not there, the end of a sentence.

    Raises:
      InputError: there is no such file, or it is not HDF5, or cut off.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; {remedy}")
    try:
        return h5py.File(path, "r")
    except Exception as error:  # see `reading`
        raise InputError(
            f"{path}: not a readable HDF5 file ({error}); it may be truncated or "
            "something else: make or fetch it again"
        ) from error


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Turns what h5py raises for damaged files into an InputError that names `what`."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # OSError, KeyError, RuntimeError, ...: no common type
        raise InputError(
            f"{what} cannot be read ({error}); the file is damaged: make or fetch it "
            "again"
        ) from error


def read(
    data: h5py.Dataset, start: int, stop: int, rows: slice = slice(None)
) -> np.ndarray:
    """Frames `start` to `stop` of a variable (time, rows, columns, ...), as stored."""
    with reading(f"{data.file.filename}: '{data.name}', frames {start} to {stop - 1},"):
        return data[start:stop, rows]


def fingerprint(films: Sequence[h5py.Dataset], facts: object) -> str:
    """A name for the content of these films and for facts about them.

    It changes with their shapes, types and numbers, of which long films give a sample.
    """
    sha = hashlib.sha256(repr(facts).encode())
    share = max(1, SAMPLED_FRAMES // len(films))
    for data in films:
        sha.update(f"{data.shape} {data.dtype}".encode())
        for frame in np.linspace(0, len(data) - 1, min(len(data), share)).astype(int):
            sha.update(read(data, frame, frame + 1).tobytes())
    return sha.hexdigest()[:16]


@contextlib.contextmanager
def created(path: pathlib.Path) -> Iterator[h5py.File]:
    """A new file to write to, there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial, h5py.File(partial, "w") as file:
        yield file
