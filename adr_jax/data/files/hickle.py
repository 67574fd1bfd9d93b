"""Arrays and lists of strings that hickle stored in HDF5, read without its pickles."""

import pathlib

import h5py

from adr_jax.data.files import hdf5
from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError


def array(path: pathlib.Path, remedy: str) -> h5py.Dataset:
    """Open the array in a file, without reading it.

    Args:
      path: the file.
      remedy: what to do if it is absent, the end of a sentence.

    Raises:
      InputError: it is absent or damaged, or holds something else.
    """
    stored = _stored(path, remedy)
    if not isinstance(stored, h5py.Dataset):
        raise InputError(f"{path} holds no array: make or fetch it again")
    return stored


def strings(path: pathlib.Path, remedy: str) -> list[str]:
    """Read the list of strings in a file; arguments and errors are those of `array`."""
    stored = _stored(path, remedy)
    with reading(path):
        if isinstance(stored, h5py.Dataset):
            return [text.decode() for text in stored[:]]
        # Since hickle 4, an array of letters for each: data0, data1, ...
        names = sorted(stored, key=lambda name: int(name.removeprefix("data")))
        return [_text(stored[name]) for name in names]


def _text(stored: h5py.Dataset) -> str:
    """Return a string; since hickle 5 a repeated one is a reference to the first."""
    letters = stored[()]
    if isinstance(letters, h5py.Reference):
        letters = stored.file[letters][()]
    return letters.tobytes().decode()


def _stored(path: pathlib.Path, remedy: str) -> h5py.Dataset | h5py.Group:
    file = hdf5.open_file(path, remedy)
    with reading(path):
        # Versions 2 and 3 number their objects; 1, 4 and 5 do not.
        return file["data" if "data" in file else "data_0"]
