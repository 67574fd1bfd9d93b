"""Files and folders of frames: read as they are, or refused with the reason."""

import h5py
import numpy as np
import pytest

from adr_jax.data.cloudcast.parts import NetCDFPart, NumpyPart
from adr_jax.errors import InputError

CACHE = 2**20


@pytest.fixture
def frames(generator):
    """Return thirteen frames: sorted by name, 10 would come before 2."""
    return generator.integers(0, 256, (13, 4, 4), np.uint8)


@pytest.fixture
def file(frames, write_clouds, tmp_path):
    write_clouds(tmp_path, {"TrainCloud": frames})
    return tmp_path / "TrainCloud.nc"


@pytest.fixture
def folder(frames, write_clouds, tmp_path):
    write_clouds(tmp_path, {"TrainCloud": frames}, ".npy")
    return tmp_path / "TrainCloud"


def refusal(read, *arguments):
    """Return the message of the refusal, one line."""
    with pytest.raises(InputError) as error:
        read(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def replace(path, name, data):
    """Put another variable into a file."""
    with h5py.File(path, "a") as file:
        del file["__xarray_dataarray_variable__"]
        if data is not None:
            file[name] = data


def test_both_forms_read_frames_in_the_order_of_time(frames, file, folder):
    for part in (NetCDFPart(file, CACHE), NumpyPart(folder)):
        assert (part.frames, part.grid, part.spans) == (13, (4, 4), [(0, 13)])
        assert np.array_equal(part.read(0, 13), frames)
        assert np.array_equal(part.read(2, 11), frames[2:11])
        assert part.read(2, 11).dtype == np.uint8


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16])
def test_integers_of_any_width_are_the_same_bytes(frames, file, dtype):
    replace(
        file, "__xarray_dataarray_variable__", np.moveaxis(frames, 0, -1).astype(dtype)
    )
    assert np.array_equal(NetCDFPart(file, CACHE).read(0, 13), frames)


def test_the_variable_goes_by_its_axes_not_by_its_name(frames, file):
    replace(file, "ct", np.moveaxis(frames, 0, -1))
    assert np.array_equal(NetCDFPart(file, CACHE).read(0, 13), frames)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, r"holds time (13,); expected one variable of three axes (lat, lon,"),
        (np.zeros((4, 4)), "expected one variable of three axes"),
        (np.zeros((13, 4, 4), np.uint8), "(13, 4, 4); expected (lat, lon, time), time"),
        (np.zeros((4, 4, 13), np.float32), "holds float32; expected integers"),
        (np.zeros((4, 4, 12), np.uint8), "has 13 times for 12 frames"),
    ],
    ids=["missing", "two axes", "time first", "floating", "times"],
)
def test_other_variables_are_refused(file, data, message):
    replace(file, "v", data)
    assert message in refusal(NetCDFPart, file, CACHE)


def test_values_beyond_a_byte_are_refused(file):
    replace(file, "v", np.full((4, 4, 13), 256, np.int16))
    assert "values from 256 to 256" in refusal(NetCDFPart(file, CACHE).read, 0, 1)


def test_a_truncated_file_is_refused(file):
    content = file.read_bytes()
    for size in (0, 100, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:size])
        assert f"{file} cannot be read" in refusal(NetCDFPart, file, CACHE)


def test_a_damaged_chunk_is_refused(frames, file):
    with h5py.File(file, "a") as opened:
        del opened["__xarray_dataarray_variable__"]
        labels = opened.create_dataset(
            "v", data=np.moveaxis(frames, 0, -1), chunks=(4, 4, 13), compression="gzip"
        )
        offset = labels.id.get_chunk_info(0).byte_offset
    content = bytearray(file.read_bytes())
    content[offset : offset + 8] = bytes(8)
    file.write_bytes(content)
    assert "it is damaged" in refusal(NetCDFPart(file, CACHE).read, 0, 1)


def test_time_that_stands_still_is_refused(file):
    with h5py.File(file, "a") as opened:
        opened["time"][5] = opened["time"][4]
    assert "time does not advance from frame 4 to 5" in refusal(NetCDFPart, file, CACHE)


def test_numbers_that_are_no_times_tell_no_gap(file, folder):
    times = np.arange(13) ** 3
    with h5py.File(file, "a") as opened:
        opened["time"][:] = times
        del opened["time"].attrs["units"]
    np.save(folder / "TIMESTAMPS.npy", times)
    assert NetCDFPart(file, CACHE).spans == NumpyPart(folder).spans == [(0, 13)]


def test_a_folder_needs_no_timestamps(folder):
    (folder / "TIMESTAMPS.npy").unlink()
    assert NumpyPart(folder).spans == [(0, 13)]


def test_an_empty_folder_is_refused(tmp_path):
    np.save(tmp_path / "TIMESTAMPS.npy", np.arange(3))
    assert "no frame in it" in refusal(NumpyPart, tmp_path)


def test_missing_frames_are_refused(folder):
    (folder / "7.npy").unlink()
    (folder / "9.npy").unlink()
    message = refusal(NumpyPart, folder)
    assert "7.npy is missing, one of 2 between 0.npy and 12.npy" in message


def test_missing_last_frames_are_told_by_the_timestamps(folder):
    (folder / "12.npy").unlink()
    assert "has shape (13,) for 12 frames" in refusal(NumpyPart, folder)


def test_pickles_are_never_loaded(folder):
    objects = np.array([[None, {}], [1, "x"]], dtype=object)
    np.save(folder / "0.npy", objects)
    assert "allow_pickle=False" in refusal(NumpyPart, folder)
    np.save(folder / "0.npy", np.zeros((4, 4), np.uint8))
    np.save(folder / "TIMESTAMPS.npy", np.array([None] * 13))
    assert "allow_pickle=False" in refusal(NumpyPart, folder)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((4, 5), np.uint8), "11.npy has shape (4, 5) where 0.npy has (4, 4)"),
        (np.zeros((4, 4), np.float64), "11.npy holds float64; expected integers"),
        (np.full((4, 4), -1, np.int32), "values from -1 to -1"),
    ],
    ids=["shape", "floating", "negative"],
)
def test_an_odd_frame_is_refused_when_it_is_read(folder, frame, message):
    np.save(folder / "11.npy", frame)
    part = NumpyPart(folder)
    part.read(0, 11)
    assert message in refusal(part.read, 8, 13)


def test_a_first_frame_that_is_no_square_is_refused(folder):
    np.save(folder / "0.npy", np.zeros((4, 4, 1), np.uint8))
    assert "0.npy: shape (4, 4, 1); expected (lat, lon)" in refusal(NumpyPart, folder)


def test_a_truncated_frame_is_refused(folder):
    path = folder / "3.npy"
    path.write_bytes(path.read_bytes()[:-1])
    part = NumpyPart(folder)
    assert f"{path} cannot be read" in refusal(part.read, 0, 13)
