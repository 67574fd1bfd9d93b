"""Files of arrays: every kind is read, no damage and no pickle gets through."""

import pickle
import shutil
import zipfile
import zlib

import h5py
import numpy as np
import pytest
from PIL import Image

from adr_jax.data.files.arrays import open_arrays
from adr_jax.data.own.source import load
from adr_jax.errors import InputError
from configs import own


def frames(generator, shape=(30, 16, 16)):
    return generator.normal(size=shape).astype(np.float32)


def write_npy(path, array):
    np.save(path / "f.npy", array)
    return path / "f.npy"


def write_npz(path, array):
    np.savez_compressed(path / "f.npz", rain=array, time=np.arange(len(array)))
    return path / "f.npz"


def write_hdf5(path, array):
    """Write netCDF-4: dimensions are scales, one of them without values."""
    with h5py.File(path / "f.nc", "w") as file:
        file.attrs["institution"] = "here"
        rain = file.create_dataset("deep/rain", data=array, chunks=True, shuffle=True)
        rain.attrs["units"] = "mm/h"
        for axis, name in enumerate(("time", "lat", "lon")):
            scale = file.create_dataset(name, data=np.arange(array.shape[axis]) * 0.5)
            no_values = "This is a netCDF dimension but not a netCDF variable.   16"
            scale.make_scale(no_values if name == "lon" else name)
            rain.dims[axis].attach_scale(scale)
    return path / "f.nc"


def write_images(path, array):
    folder = path / "images"
    folder.mkdir()
    for index, frame in enumerate(array):
        image = np.uint8(np.clip(128 + 40 * frame, 0, 255))
        Image.fromarray(image).save(folder / f"frame{index}.png")
    return folder


WRITERS = {"npy": write_npy, "npz": write_npz, "h5": write_hdf5, "png": write_images}


@pytest.mark.parametrize("kind", ["npy", "npz", "h5"])
def test_slices_are_read_as_they_were_written(kind, tmp_path, generator):
    array = frames(generator)
    file = open_arrays(WRITERS[kind](tmp_path, array))
    found = file.choose("")
    assert found.shape == array.shape and found.dtype == array.dtype
    index = (slice(3, 9), slice(None), slice(2, 5))
    np.testing.assert_array_equal(file.read(found, *index), array[index])
    np.testing.assert_array_equal(file.read(found), array)


def test_dimensions_and_attributes_of_netcdf(tmp_path, generator):
    file = open_arrays(write_hdf5(tmp_path, frames(generator)))
    rain = file.choose("deep/rain")
    assert rain.dimensions == ("time", "lat", "lon")
    assert rain.attributes == {"units": "mm/h"}
    assert file.attributes == {"institution": "here"}
    assert set(file.arrays) == {"deep/rain", "time", "lat"}  # lon has no values


def test_one_array_of_coordinates_that_fits_names_a_dimension(tmp_path, generator):
    path = tmp_path / "f.npz"
    coordinates = {"times": np.arange(30), "y": np.arange(12), "x": np.arange(12)}
    np.savez(path, rain=frames(generator, (30, 12, 12)), **coordinates)
    assert open_arrays(path).choose("rain").dimensions == ("times", "", "")
    del coordinates["x"]  # now y may be either
    np.savez(path, rain=frames(generator, (30, 12, 12)), **coordinates)
    assert open_arrays(path).choose("rain").dimensions == ("times", "", "")


def test_images_come_in_the_order_of_their_numbers(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in (1, 2, 10, 21, 100):
        image = np.full((8, 9, 3), number, np.uint8)
        Image.fromarray(image).save(folder / f"f{number}.png")
    (folder / "notes.txt").write_text("not a frame")
    file = open_arrays(folder)
    array = file.choose("")
    assert array.shape == (5, 8, 9, 3)
    assert file.read(array)[:, 0, 0, 0].tolist() == [1, 2, 10, 21, 100]
    one_row = file.read(array, slice(1, 3), slice(0, 1), slice(None), slice(None))
    assert one_row.shape == (2, 1, 9, 3)


def test_images_of_two_sizes_or_kinds_are_refused(tmp_path):
    for other in (np.zeros((8, 10), np.uint8), np.zeros((8, 9, 3), np.uint8)):
        folder = tmp_path / str(other.shape)
        folder.mkdir()
        Image.fromarray(np.zeros((8, 9), np.uint8)).save(folder / "1.png")
        Image.fromarray(other).save(folder / "2.png")
        with pytest.raises(InputError, match=r"2.png is 8 x .* where 1.png is 8 x 9"):
            open_arrays(folder)


@pytest.mark.parametrize(
    ("dtype", "suffix"),
    [("uint16", "png"), ("uint16", "tiff"), (">u2", "tiff"), ("uint16", "pgm")]
    + [("int32", "tiff"), ("float32", "tiff")],
)
def test_images_of_more_than_eight_bits_keep_their_numbers(tmp_path, dtype, suffix):
    frames = (900 * np.arange(2 * 8 * 9).reshape(2, 8, 9) % 2**16).astype(dtype)
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{index}.{suffix}")
    file = open_arrays(tmp_path)
    array = file.choose("")
    read = file.read(array)
    assert read.dtype == array.dtype == file.read(array, *[slice(0, 0)] * 3).dtype
    np.testing.assert_array_equal(read, frames)


def test_colours_of_sixteen_bits_are_refused(tmp_path):
    """Pillow can read such a file but not write one: eight bits of it would be lost."""

    def chunk(name, content):
        check = zlib.crc32(name + content).to_bytes(4)
        return len(content).to_bytes(4) + name + content + check

    header = (9).to_bytes(4) + (8).to_bytes(4) + bytes((16, 2, 0, 0, 0))
    rows = zlib.compress(8 * bytes(1 + 9 * 3 * 2))
    content = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in content)
    (tmp_path / "1.png").write_bytes(png)
    with pytest.raises(InputError, match="1.png has several channels of 16 bits"):
        open_arrays(tmp_path)


class Bomb:
    """Says so when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def bad_files(path, generator):
    """Return the file and a pattern of the message, by name."""
    good = frames(generator)
    objects = np.array([Bomb()] * 3, dtype=object)
    made = {}

    def add(name, message, write=None):
        made[name] = (path / name, message)
        if write is not None:
            write(path / name)

    add("absent.npy", "no such file")
    add("f.csv", "expected .npy, .npz", lambda p: p.write_text("1,2"))
    add("empty.npy", "cannot be read", lambda p: p.write_bytes(b""))
    add("pickle.npy", "cannot be read", lambda p: p.write_bytes(pickle.dumps(Bomb())))
    add("pickle.npz", "cannot be read", lambda p: p.write_bytes(pickle.dumps(Bomb())))
    add("text.h5", "cannot be read", lambda p: p.write_text("not HDF5"))
    add("object.npy", r"frames \(object, 3\)", lambda p: np.save(p, objects))
    add("objects.npz", r"a \(object, 3\)", lambda p: np.savez(p, a=objects))
    add("text.npy", r"frames \(<U2, 3 x 1\)", lambda p: np.save(p, [["ab"]] * 3))
    add("complex.npy", "complex64", lambda p: np.save(p, good * 1j))
    add("vector.npy", r"frames \(float64, 5\)", lambda p: np.save(p, np.ones(5)))
    add("nothing.npy", "is empty", lambda p: np.save(p, np.ones((0, 5, 5))))
    add("nothing.npz", "none at all", lambda p: zipfile.ZipFile(p, "w").close())
    add("nothing.h5", "none at all", lambda p: h5py.File(p, "w").close())
    add("two.npz", "--config.data.variable=a", lambda p: np.savez(p, a=good, b=good))
    add("folder", "has no image in it", lambda p: p.mkdir())
    for kind in ("npy", "npz", "h5"):
        whole = WRITERS[kind](path, good)
        half = path / f"half{whole.suffix}"
        half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        add(half.name, "cannot be read")
    images = write_images(path, good)
    (images / "frame0.png").write_bytes(b"not an image")
    add("images", "frame0.png cannot be read .*: it is damaged, .*; replace it")
    return made


def test_bad_files_are_told_in_one_line(tmp_path, generator):
    for name, (path, message) in bad_files(tmp_path, generator).items():
        config = own.get_config().data
        config.path = str(path)
        with pytest.raises(InputError, match=message) as error:
            load(config)
        assert str(path) in str(error.value), name
        assert "\n" not in str(error.value)


def test_objects_stay_pickled_also_when_asked_for(tmp_path):
    np.savez(tmp_path / "f.npz", a=np.array([Bomb()] * 3, dtype=object))
    file = open_arrays(tmp_path / "f.npz")
    with pytest.raises(InputError, match="allow_pickle"):
        file.read(file.arrays["a"])


def test_a_name_that_is_not_in_the_file(tmp_path, generator):
    file = open_arrays(write_npz(tmp_path, frames(generator)))
    with pytest.raises(InputError, match=r"no array 'snow'; it has rain \(float32"):
        file.choose("snow")


def damaged(content, generator):
    """Return the content with bytes cut off, changed or zeroed."""
    content = bytearray(content)
    kind = generator.integers(3)
    if kind == 0:
        return content[: generator.integers(len(content))]
    if kind == 1:
        for offset in generator.integers(0, len(content), 1 + generator.integers(20)):
            content[offset] = generator.integers(256)
    else:
        start = generator.integers(len(content))
        length = int(min(generator.integers(1, 400), len(content) - start))
        content[start : start + length] = bytes(length)
    return content


@pytest.mark.parametrize("kind", WRITERS)
def test_damaged_files_read_or_say_so(kind, tmp_path, generator):
    """Whatever the damage: numbers or an InputError, and nothing else."""
    whole = WRITERS[kind](tmp_path, frames(generator))
    config = own.get_config().data
    config.path = str(whole)
    load(config)  # undamaged it can be read
    refused = 0
    for seed in range(30):
        chance = np.random.default_rng(seed)
        path = tmp_path / f"damaged{seed}{whole.suffix}"
        if whole.is_dir():
            shutil.copytree(whole, path)
            target = path / f"frame{chance.integers(30)}.png"
            target.write_bytes(damaged(target.read_bytes(), chance))
        else:
            path.write_bytes(damaged(whole.read_bytes(), chance))
        config.path = str(path)
        try:
            dataset = load(config)
            for index, length in enumerate(dataset.trajectories.lengths):
                dataset.trajectories.read(index, 0, length)
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 5  # not all of the damage is in unused bytes
