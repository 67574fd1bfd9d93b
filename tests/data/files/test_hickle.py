"""Files of hickle's versions, read without hickle."""

import h5py
import numpy as np
import pytest

from adr_jax.data.files import hickle
from adr_jax.errors import InputError

NAMES = [f"city-2011_09_26_drive_{number:04d}_sync" for number in (1, 1, 5, 13)] * 3


def first(file, names):
    file["data"] = np.array(names, "S")
    file["type"] = np.array(["list"], "S")


def second_and_third(file, names):
    file.attrs["CLASS"] = b"hickle"
    file["data_0"] = np.array(names, "S")
    file["data_0"].attrs["type"] = [b"<class 'list'>"]


def fourth(file, names):
    group = file.create_group("data")
    for index, name in enumerate(names):
        letters = np.frombuffer(name.encode(), "S1")
        group.create_dataset(f"data{index}", data=letters[None])
        group[f"data{index}"].attrs["item_index"] = index


def fifth(file, names):
    """Write a repeated string as a reference to the first."""
    fourth(file, names)
    for index, name in enumerate(names):
        first = names.index(name)
        if first < index:
            del file[f"data/data{index}"]
            reference = file[f"data/data{first}"].ref
            file["data"].create_dataset(f"data{index}", data=reference)


@pytest.mark.parametrize("layout", [first, second_and_third, fourth, fifth])
def test_a_list_of_strings_in_every_layout(tmp_path, layout):
    path = tmp_path / "sources.hkl"
    with h5py.File(path, "w") as file:
        layout(file, NAMES)
    # Twelve: data10 comes after data9, and not after data1.
    assert hickle.strings(path, "") == NAMES


@pytest.mark.parametrize("key", ["data", "data_0"])
def test_an_array_is_not_read_before_it_is_asked_for(tmp_path, generator, key):
    frames = generator.integers(0, 256, (4, 3, 2, 3), np.uint8)
    with h5py.File(tmp_path / "X.hkl", "w") as file:
        file[key] = frames
    array = hickle.array(tmp_path / "X.hkl", "")
    assert isinstance(array, h5py.Dataset)
    np.testing.assert_array_equal(array[1:3], frames[1:3])


def test_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match="absent.hkl: no such file; fetch it"):
        hickle.array(tmp_path / "absent.hkl", "fetch it")
    # A file each: a failed read may leave its own open, and HDF5 makes none such anew.
    for name in ("weights", "data/one", "data"):
        with h5py.File(tmp_path / f"{name.replace('/', '_')}.hkl", "w") as file:
            file[name] = np.zeros(3)
    with pytest.raises(InputError, match="weights.hkl cannot be read"):
        hickle.array(tmp_path / "weights.hkl", "")
    with pytest.raises(InputError, match="data_one.hkl holds no array"):
        hickle.array(tmp_path / "data_one.hkl", "")
    with pytest.raises(InputError, match="data_one.hkl cannot be read"):
        hickle.strings(tmp_path / "data_one.hkl", "")
    with pytest.raises(InputError, match="data.hkl cannot be read"):
        hickle.strings(tmp_path / "data.hkl", "")
