"""HDF5 files: read lazily from any thread, written whole, damage named in one line."""

from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from adr_jax.data.files import hdf5
from adr_jax.errors import InputError


@pytest.fixture
def film_file(tmp_path, generator):
    """Write twelve frames of 6 x 5 bytes, compressed one by one, as 'film'."""
    path = tmp_path / "film.h5"
    film = generator.integers(0, 256, (12, 6, 5), np.uint8)
    with h5py.File(path, "w") as file:
        file.create_dataset("film", data=film, chunks=(1, 6, 5), compression="gzip")
    return path, film


def test_frames_and_rows_are_read_as_stored(film_file):
    path, film = film_file
    data = hdf5.open_file(path, "")["film"]
    np.testing.assert_array_equal(hdf5.read(data, 3, 7), film[3:7])
    np.testing.assert_array_equal(hdf5.read(data, 3, 7, slice(1, 4)), film[3:7, 1:4])


def test_another_thread_reads_what_this_one_opened(film_file):
    path, film = film_file
    data = hdf5.open_file(path, "")["film"]
    with ThreadPoolExecutor(max_workers=3) as threads:
        frames = threads.map(lambda n: hdf5.read(data, n, n + 1)[0], 20 * [*range(12)])
        np.testing.assert_array_equal(np.stack([*frames]), np.tile(film, (20, 1, 1)))


def test_an_absent_file_comes_with_its_remedy(tmp_path):
    with pytest.raises(InputError, match=r"absent.h5: no such file; fetch it"):
        hdf5.open_file(tmp_path / "absent.h5", "fetch it")


def test_a_truncated_file_is_named(film_file):
    path, _ = film_file
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="film.h5 cannot be read"):
        hdf5.open_file(path, "")


def test_damage_within_names_the_frames(film_file):
    path, film = film_file
    with h5py.File(path, "r") as file:
        offset = file["film"].id.get_chunk_info(4).byte_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 8] = bytes(8)
    path.write_bytes(content)
    data = hdf5.open_file(path, "")["film"]
    np.testing.assert_array_equal(hdf5.read(data, 0, 4), film[:4])
    with pytest.raises(InputError, match="'/film', frames 2 to 5, cannot be read"):
        hdf5.read(data, 2, 6)


def test_the_fingerprint_follows_content_shape_and_facts(tmp_path, generator):
    frames = generator.integers(0, 256, (5, 4, 3), np.uint8)
    other = frames.copy()
    other[2, 1, 1] ^= 1
    with h5py.File(tmp_path / "films.h5", "w") as file:
        for name, film in {"a": frames, "b": other, "c": frames.astype("i4")}.items():
            file[name] = film
        file["again"] = frames
        prints = {
            name: hdf5.fingerprint_films([file[name]], facts="x")
            for name in ("a", "b", "c")
        }
        assert len(set(prints.values())) == 3
        assert hdf5.fingerprint_films([file["again"]], facts="x") == prints["a"]
        assert hdf5.fingerprint_films([file["a"]], facts="y") != prints["a"]
        assert hdf5.fingerprint_films([file["a"], file["b"]], facts="x") != prints["a"]


def test_a_new_file_gets_its_folder(tmp_path):
    path = tmp_path / "new" / "file.h5"
    with hdf5.created(path) as file:
        file["film"] = np.arange(3)
    assert [item.name for item in path.parent.iterdir()] == ["file.h5"]
    with hdf5.open_file(path, "") as file:
        assert file["film"][:].tolist() == [0, 1, 2]
