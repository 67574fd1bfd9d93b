"""PDEBench's file layout, and refusals of other files."""

import h5py
import numpy as np
import pytest

from adr_jax.data.files.pdebench import PDEBenchFile, write
from adr_jax.errors import InputError

TIMES = np.linspace(0, 1, 5)


def trajectory(generator, shape=(5, 8, 8, 1)):
    return generator.normal(size=shape).astype(np.float32)


def save(path, trajectories):
    with h5py.File(path, "w") as file:
        for key, data in trajectories.items():
            file[f"{key}/data"] = data
    return path


def test_what_is_written_is_read_back(tmp_path, generator):
    path = tmp_path / "new" / "file.h5"
    data = {key: trajectory(generator) for key in ("0007", "0002")}
    progress = []
    write(path, data.items(), {"t": TIMES}, {"height": 2.0}, lambda: progress.append(1))
    file = PDEBenchFile(path)
    assert file.keys == ("0002", "0007")
    assert file.frame_shape == (8, 8, 1)
    assert len(progress) == 2
    assert file.lengths == [5, 5]
    np.testing.assert_array_equal(file.read(1, 1, 4), data["0007"][1:4])
    np.testing.assert_allclose(file.grid("t"), TIMES, rtol=1e-7)  # float32
    assert file.grid("x") is None


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, generator):
    def one_then_no_more():
        yield "0000", trajectory(generator)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "file.h5", one_then_no_more(), {}, {}, lambda: None)
    assert list(tmp_path.iterdir()) == []


def test_an_absent_file_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(InputError, match="no such file; .*adr_jax data shallow_water"):
        PDEBenchFile(tmp_path / "absent.h5")


def test_a_truncated_file(tmp_path, generator):
    path = save(tmp_path / "file.h5", {"0000": trajectory(generator)})
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match="cannot be read"):
        PDEBenchFile(path)


def test_not_hdf5(tmp_path):
    path = tmp_path / "file.h5"
    path.write_text("time,x,y\n0,0,1\n")
    with pytest.raises(InputError, match="cannot be read"):
        PDEBenchFile(path)


def test_no_trajectory(tmp_path):
    with pytest.raises(InputError, match="no trajectory in it"):
        PDEBenchFile(save(tmp_path / "file.h5", {}))


def test_a_missing_key(tmp_path, generator):
    path = save(tmp_path / "file.h5", {"0000": trajectory(generator)})
    with h5py.File(path, "a") as file:
        file["0001/height"] = 1.0
    with pytest.raises(InputError, match="'0001/data' is missing"):
        PDEBenchFile(path)


def test_mixed_resolutions(tmp_path, generator):
    data = {
        "0000": trajectory(generator),
        "0001": trajectory(generator, (5, 16, 16, 1)),
    }
    with pytest.raises(InputError, match=r"'0001/data' has shape \(5, 16, 16, 1\)"):
        PDEBenchFile(save(tmp_path / "file.h5", data))


def test_trajectories_may_differ_in_length(tmp_path, generator):
    data = {"0000": trajectory(generator), "0001": trajectory(generator, (9, 8, 8, 1))}
    file = PDEBenchFile(save(tmp_path / "file.h5", data))
    assert file.lengths == [5, 9]
    np.testing.assert_array_equal(file.read(1, 6, 9), data["0001"][6:])


def test_a_trajectory_without_frames(tmp_path, generator):
    data = {"0000": trajectory(generator), "0001": trajectory(generator, (0, 8, 8, 1))}
    with pytest.raises(InputError, match="'0001/data' has no frames: leave it out"):
        PDEBenchFile(save(tmp_path / "file.h5", data))


@pytest.mark.parametrize(
    "data",
    [np.zeros((5, 8, 8), np.float32), np.zeros((5, 8, 8, 1), np.int32)],
    ids=["no channel axis", "integers"],
)
def test_wrong_arrays(tmp_path, data):
    with pytest.raises(InputError, match="expected floating point"):
        PDEBenchFile(save(tmp_path / "file.h5", {"0000": data}))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_frame_that_is_not_finite_is_named(tmp_path, generator, bad):
    data = trajectory(generator)
    data[3, 2, 2] = bad
    file = PDEBenchFile(save(tmp_path / "file.h5", {"0000": data}))
    file.read(0, 0, 3)
    with pytest.raises(InputError, match="'0000/data' has NaN or infinity, frame 3"):
        file.read(0, 1, 5)
