"""The shallow-water set: no state in two splits, and states are counted."""

import h5py
import numpy as np
import pytest

from adr_jax.data.contract import SPLITS
from adr_jax.data.shallow_water import dam_break
from adr_jax.data.shallow_water import source as shallow_water
from adr_jax.errors import InputError


@pytest.fixture(scope="module")
def coarse_file(tmp_path_factory):
    """Write centred dams on a grid so coarse that many seeds share a state."""
    path = tmp_path_factory.mktemp("data") / "coarse.h5"
    shallow_water.generate(path, dam_break.Dam(cells=32, frames=3), trajectories=60)
    return path


def load(config, path, **fields):
    config.data.path = str(path)
    config.data.update(fields)
    return shallow_water.load(config.data)


def states_of(dataset, split):
    return {
        dataset.trajectories.read(int(index), 0, 1).tobytes()
        for index in dataset.splits[split]
    }


def test_no_state_in_two_splits(config, coarse_file):
    dataset = load(config, coarse_file, cells=32)
    states = {split: states_of(dataset, split) for split in SPLITS}
    assert sum(len(dataset.splits[split]) for split in SPLITS) == 60
    assert {split: len(states[split]) for split in SPLITS} == dict(dataset.states)
    assert not states["train"] & states["test"]
    assert not states["train"] & states["validation"]
    assert not states["validation"] & states["test"]
    # The case is only a test if seeds do share states, as in the public set.
    assert len(set.union(*states.values())) < 60


def test_test_states_are_those_of_seeds_0_to_7(config, coarse_file):
    dataset = load(config, coarse_file, cells=32)
    dam = dam_break.Dam(cells=32)
    expected = {
        dam_break.initial_height(dam, seed).astype(np.float32).tobytes()
        for seed in range(8)
    }
    assert states_of(dataset, "test") == expected
    assert set(range(8)) <= set(dataset.splits["test"].tolist())


def test_public_test_states_are_held_out_of_files_without_those_seeds(config, tmp_path):
    path = tmp_path / "later.h5"
    dam = dam_break.Dam(cells=32, frames=3)
    shallow_water.generate(path, dam, trajectories=40, first_seed=100)
    dataset = load(config, path, cells=32)
    held_out = {
        dam_break.initial_height(dam, seed).astype(np.float32).tobytes()
        for seed in range(16)
    }
    assert len(dataset.splits["test"]) > 0
    assert not states_of(dataset, "train") & held_out


def test_split_pdebench_takes_the_last_tenth_of_the_keys(config, coarse_file):
    dataset = load(config, coarse_file, cells=32, split="pdebench")
    assert dataset.splits["test"].tolist() == list(range(54, 60))
    assert dataset.splits["validation"].tolist() == list(range(48, 54))
    # What is wrong with it: its test states are in training, too.
    assert states_of(dataset, "train") & states_of(dataset, "test")


def test_split_all_is_for_scoring(config, coarse_file):
    dataset = load(config, coarse_file, cells=32, split="all")
    assert len(dataset.splits["test"]) == 60
    assert len(dataset.splits["train"]) == 0


def test_another_resolution_is_refused(config, coarse_file):
    with pytest.raises(InputError, match="32 x 32 cells, data.cells is 128"):
        load(config, coarse_file, cells=128)


def test_the_fingerprint_follows_the_content(config, coarse_file, tmp_path):
    same = tmp_path / "same.h5"
    same.write_bytes(coarse_file.read_bytes())
    first = load(config, coarse_file, cells=32).fingerprint
    assert load(config, same).fingerprint == first
    for frame in (0, 2):
        with h5py.File(same, "a") as file:
            file["0004/data"][frame, 3, 3] += 1e-3
        changed = load(config, same).fingerprint
        assert changed != first
        first = changed


def test_the_grid_gives_cell_size_and_interval(config, water_file):
    dataset = load(config, water_file)
    # float32 coordinates
    assert dataset.cell_size == pytest.approx(5 / 16, rel=1e-6)
    assert dataset.frame_interval == pytest.approx(1 / 15, rel=1e-6)


def test_prepare_makes_the_default_file_once(config, tmp_path):
    config.data.update(root=str(tmp_path), path="", trajectories=2, cells=8)
    shallow_water.prepare(config.data)
    path = tmp_path / "shallow_water_circle_8_x2.h5"
    before = path.stat().st_mtime_ns
    shallow_water.prepare(config.data)
    assert path.stat().st_mtime_ns == before
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_a_named_file_is_never_made(config, tmp_path):
    config.data.path = str(tmp_path / "typo.h5")
    shallow_water.prepare(config.data)
    assert list(tmp_path.iterdir()) == []


def test_generate_does_not_overwrite(water_file):
    with pytest.raises(InputError, match="exists; name another"):
        shallow_water.generate(water_file, dam_break.Dam(), trajectories=1)


def test_generate_refuses_no_trajectories(tmp_path):
    with pytest.raises(InputError, match="at least 1 trajectory"):
        shallow_water.generate(tmp_path / "f.h5", dam_break.Dam(), trajectories=0)


def test_the_reference_file_is_read_by_the_same_code(config, real_data):
    path = real_data / "swe" / "2D_rdb_pyclaw_8.h5"
    dataset = load(config, path, cells=128)
    assert len(dataset.splits["test"]) == 8
    assert dataset.trajectories.frame_shape == (128, 128, 1)
    assert dataset.cell_size == pytest.approx(5 / 128, rel=1e-5)  # float32 grid
