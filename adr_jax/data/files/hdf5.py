"""HDF5 files, read lazily and written whole.

h5py takes a lock for each call, so a thread that prefetches may read a file which
another thread opened.

A limit: damage can make the HDF5 library itself loop for ever, as 1 file of 400 damaged
at random did. Nothing here ends such a call.
"""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence

import h5py
import numpy as np

from adr_jax.data.files.atomic import written_whole
from adr_jax.data.files.fingerprint import fingerprint, spans_taken_in
from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError


def open_file(path: pathlib.Path, remedy: str) -> h5py.File:
    """Open a file for reading.

    Args:
      path: the file.
      remedy: what to do if it is absent, the end of a sentence.

    Raises:
      InputError: it is absent, damaged or not HDF5.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; {remedy}")
    with reading(path):
        return h5py.File(path, "r")


def variable(
    file: h5py.File, name: str, axes: int, kinds: str, expected: str
) -> h5py.Dataset:
    """Return a variable of so many axes and of one of NumPy's `kinds` of numbers.

    Raises:
      InputError: it is missing or of another kind; the message ends with `expected`.
    """
    data = file.get(name)
    is_array = isinstance(data, h5py.Dataset)
    if not is_array or data.ndim != axes or data.dtype.kind not in kinds:
        found = f"{data.dtype} of shape {data.shape}" if is_array else "missing"
        raise InputError(f"{file.filename}: '{name}' is {found}; expected {expected}")
    return data


def text(value: object) -> str:
    """Return an attribute as text, also one that is an array of one."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def as_text(value: object) -> object:
    """Return an attribute as text where it is one, whoever wrote it; else as it is.

    The netCDF library writes bytes, h5py strings, others arrays of one of them.
    """
    if isinstance(value, h5py.Empty):
        return ""
    if not isinstance(value, bytes | str | np.ndarray):
        return value
    kind = np.asarray(value).dtype.kind
    is_text = isinstance(value, bytes | str) or kind in "SUO"
    if not is_text:
        return value
    if np.size(value) == 1:
        return text(value).rstrip("\0")
    return [text(part) for part in np.ravel(np.asarray(value)).tolist()]


def read(
    data: h5py.Dataset, start: int, stop: int, rows: slice = slice(None)
) -> np.ndarray:
    """Return frames of a variable (time, rows, columns, ...), as stored."""
    with reading(f"{data.file.filename}: '{data.name}', frames {start} to {stop - 1},"):
        return data[start:stop, rows]


def fingerprint_films(films: Sequence[h5py.Dataset], facts: object) -> str:
    """Return a fingerprint of films (time, ...) of one shape and of facts about them.

    It changes with their lengths, type and values; `spans_taken_in` says which.
    """
    return fingerprint(_taken_in(films, facts))


def _taken_in(films: Sequence[h5py.Dataset], facts: object) -> Iterator[object]:
    yield repr(facts)
    yield repr([f"{film.shape} {film.dtype}" for film in films])
    lengths, frame_shape = [*map(len, films)], films[0].shape[1:]
    for index, start, stop in spans_taken_in(lengths, frame_shape):
        yield read(films[index], start, stop)


@contextlib.contextmanager
def created(path: pathlib.Path) -> Iterator[h5py.File]:
    """Yield a new file to write to, which appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial, h5py.File(partial, "w") as file:
        yield file
