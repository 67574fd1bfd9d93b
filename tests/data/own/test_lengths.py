"""Trajectories of different lengths: read, split, described and continued."""

import h5py
import numpy as np
import pytest

from adr_jax.data.own import writer
from adr_jax.data.own.inspection import describe
from adr_jax.data.own.sequences import open_sequences
from adr_jax.data.own.source import load
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError
from configs import own

LENGTHS = (9, 30, 14, 21)
STEPS = 2


@pytest.fixture
def groups(tmp_path, generator):
    """Write PDEBench's layout, each trajectory with its own times."""
    with h5py.File(tmp_path / "groups.h5", "w") as file:
        for key, length in enumerate(LENGTHS):
            file[f"{key}/data"] = generator.normal(size=(length, 8, 8, 1)).astype("f4")
            file[f"{key}/grid/t"] = 0.5 * np.arange(length)
    return tmp_path / "groups.h5"


@pytest.fixture
def padded(tmp_path, generator):
    values = generator.normal(size=(len(LENGTHS), max(LENGTHS), 8, 8, 1))
    times = 0.5 * np.arange(max(LENGTHS))
    path = tmp_path / "padded.npz"
    np.savez(path, rain=values, trajectory_lengths=LENGTHS, time=times)
    return path


@pytest.mark.parametrize("name", ["groups", "padded"])
def test_every_window_lies_within_its_trajectory(name, request):
    config = own.get_config().data
    config.path = str(request.getfixturevalue(name))
    config.axes = "ntyxc" if name == "padded" else ""
    dataset = load(config)
    assert dataset.split_name == "trajectories"
    assert sorted(dataset.trajectories.lengths) == sorted(LENGTHS)
    assert dataset.frame_interval == 0.5
    lengths = dataset.trajectories.lengths
    for split, indices in dataset.splits.items():
        windows = Windows(dataset, split, 5)
        assert len(windows) == sum(lengths[n] - 4 for n in indices)
        last = windows.read(np.array([len(windows) - 1]))
        assert last.shape[1:3] == (5, 8) and np.isfinite(last).all()


@pytest.mark.parametrize("name", ["groups", "padded"])
def test_a_forecast_follows_the_last_frame_of_each(name, request, tmp_path):
    axes = "ntyxc" if name == "padded" else ""
    source = open_sequences(request.getfixturevalue(name), axes=axes)
    assert source.lengths == list(LENGTHS)
    ahead = [np.full((STEPS, 8, 8, 1), index) for index in range(len(LENGTHS))]
    shape = (STEPS, *source.frame_shape)
    writer.write(tmp_path / "o.h5", ".h5", source, enumerate(ahead), shape, {})
    with h5py.File(tmp_path / "o.h5") as file:
        for index, length in enumerate(LENGTHS):
            if name == "padded":
                assert (file["rain"][index] == index).all()
            else:
                following = 0.5 * (length + np.arange(STEPS))
                np.testing.assert_array_equal(file[f"{index}/grid/t"], following)
    if name == "padded":  # no axis of time holds for all
        assert "t" not in open_sequences(tmp_path / "o.h5", axes=axes).coordinates


def test_inspect_says_how_long_they_are(groups, padded):
    text = "\n".join(describe(groups))
    assert "4 trajectories of 9 to 30 frames of 8 x 8 x 1" in text
    assert "note: trajectories have 9 to 30 frames" in "\n".join(
        describe(padded, axes="ntyxc")
    )


@pytest.mark.parametrize(
    "lengths", [(9, 30, 14), (9, 30, 14, 31), (9.0, 9.0, 9.0, 9.0)]
)
def test_lengths_that_do_not_fit(lengths, tmp_path, generator):
    values = generator.normal(size=(4, 30, 8, 8))
    np.savez(tmp_path / "f.npz", rain=values, trajectory_lengths=lengths)
    with pytest.raises(InputError, match="expected 4 numbers of frames in trajectory_"):
        _ = open_sequences(tmp_path / "f.npz", axes="ntyx").lengths
