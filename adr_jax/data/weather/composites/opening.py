"""Open a file of radar composites by the format it has."""

import dataclasses
import pathlib
from collections.abc import Callable

import h5py
import numpy as np

from adr_jax.data.files import hdf5
from adr_jax.data.files.reading import reading
from adr_jax.data.weather.composites import geotiff, gridded, knmi, odim, pgm
from adr_jax.data.weather.composites.film import Film
from adr_jax.errors import InputError

PGM = (".pgm", ".pgm.gz")
HDF5 = (".h5", ".hdf5", ".hdf", ".he5", ".nc", ".nc4")
SUFFIXES = (*HDF5, *PGM, *geotiff.SUFFIXES)


def is_composite(path: pathlib.Path) -> bool:
    """Return whether a name ends as those of composites do."""
    return path.name.lower().endswith(SUFFIXES)


def open_film(path: pathlib.Path, variable: str = "", remedy: str = "") -> Film:
    """Open a file of composites of any format.

    One that is replaced before its frames are read is refused then.

    Args:
      path: the file.
      variable: the array or quantity to read, "" for the usual; the unit of a picture
        that does not state it.
      remedy: what to do if the file is absent, the end of a sentence.

    Raises:
      InputError: it is absent, damaged, of no known format, or does not say what its
        numbers mean or when they were taken.
    """
    name = path.name.lower()
    if name.endswith(PGM):
        return _unchanged(path, lambda: pgm.open_film(path))
    if name.endswith(geotiff.SUFFIXES):
        return _unchanged(path, lambda: geotiff.open_film(path, variable))
    if not name.endswith(HDF5):
        raise InputError(
            f"{path}: expected a file of radar composites, {', '.join(SUFFIXES)}"
        )
    return _unchanged(
        path, lambda: _of_hdf5(path, hdf5.open_file(path, remedy), variable)
    )


def _unchanged(path: pathlib.Path, opened: Callable[[], Film]) -> Film:
    """Return the film, whose frames are read only while the file is the same.

    Many frames are read from a file that stays open, and so stays what it was.
    """
    before = _stamp(path)
    film = opened()
    if len(film.times) > 1:
        return film

    def read(start: int, stop: int) -> np.ndarray:
        if _stamp(path) != before:
            raise InputError(
                f"{path} changed after its time was read: start again when nothing "
                "writes there"
            )
        return film.read(start, stop)

    return dataclasses.replace(film, read=read)


def _stamp(path: pathlib.Path) -> tuple[int, ...]:
    """Return what changes when a file is replaced or written; () where it is absent."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _of_hdf5(path: pathlib.Path, file: h5py.File, variable: str) -> Film:
    with reading(path):
        if odim.is_odim(file):
            film = odim.open_film(path, file, variable)
        elif knmi.is_knmi(file):
            film = knmi.open_film(path, file)
        else:
            film = gridded.open_film(path, file, variable)
        # A file of one frame is opened again when that is read: thousands cannot stay
        # open.
        if len(film.times) == 1:
            file.close()
        return film
