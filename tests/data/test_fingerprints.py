"""Fingerprints of every data set: runs that were stored compare these strings."""

import h5py
import numpy as np
import pytest

from adr_jax import data
from adr_jax.data.contract import SPLITS
from adr_jax.data.files.fingerprint import fingerprint
from adr_jax.data.moving_mnist import digits
from configs import base

# From small files with the same content in every run, see the fixtures below.
PINNED = {
    "shallow_water": "5339cebb489f9b07",
    "cloudcast": "93dc038c87a80426",
    "cloud_sample": "93dc038c87a80426",
    "moving_mnist": "8f3424a64c88782e",
    "moving_mnist_file": "6787c94d17cfe8ef",
    "radar": "770ba85a9bbf5632",
    "satellite": "d1afa7e2b9589b5e",
    "kitti": "e8b550623881cf2f",
    "ocean": "0c92c4a002e6d61d",
    "synthetic": "317f9f07fa54718d",
    "arrays": "8a3fa2f4a656f514",
}


@pytest.fixture
def section(tmp_path):
    """Make the data section of a configuration with these fields."""

    def make(name, **fields):
        config = base.get_config().data
        config.update(name=name, root=str(tmp_path), **fields)
        return config

    return make


def values(*shape):
    """Return whole numbers from 0 to 250 that depend on the shape alone."""
    return (np.arange(np.prod(shape)) * 7919 % 251).reshape(shape)


@pytest.fixture
def shallow_water(section, water_file):
    return section("shallow_water", path=str(water_file), cells=16)


@pytest.fixture
def cloudcast(section, tmp_path, write_clouds):
    frames = values(40, 16, 16).astype(np.uint8) % 15
    write_clouds(tmp_path / "clouds", {"TrainCloud": frames, "TestCloud": frames[:30]})
    return section("cloudcast", path="clouds", cells=16, split="mid_2018")


@pytest.fixture
def cloud_sample(cloudcast):
    cloudcast.name = "cloud_sample"
    return cloudcast


@pytest.fixture
def moving_mnist(section, monkeypatch):
    pools = {split: values(5, 28, 28) % (9 + k) for k, split in enumerate(SPLITS)}
    pools = {split: pool.astype(np.uint8) for split, pool in pools.items()}
    monkeypatch.setattr(digits, "pools", lambda root: pools)
    return section("moving_mnist", cells=64, trajectories=3)


@pytest.fixture
def moving_mnist_file(section, tmp_path):
    np.save(tmp_path / "test.npy", values(20, 2, 64, 64).astype(np.uint8))
    return section("moving_mnist", cells=64, path="test.npy", split="all")


@pytest.fixture
def radar(section, tmp_path):
    with h5py.File(tmp_path / "radar.h5", "w") as file:
        file["dbz8"] = values(70, 6, 5).astype(np.uint8)
        file["dbz8"].attrs["units"] = "dBZ = v/4"
        file["time"] = 300 * np.arange(70)
    return section("radar", path="radar.h5", split="all")


@pytest.fixture
def satellite(section, tmp_path):
    with h5py.File(tmp_path / "satellite.h5", "w") as file:
        file["hrv_4x4"] = values(20, 24, 5).astype(np.uint8)
        file["time"] = 300 * np.arange(20)
    return section("satellite", path="satellite.h5", split="bands")


@pytest.fixture
def kitti(section, tmp_path):
    with h5py.File(tmp_path / "films.h5", "w") as file:
        for name in ("first", "second"):
            file[name] = values(60, 6, 5, 3).astype(np.uint8)
    return section("kitti", path="films.h5", split="in_time")


@pytest.fixture
def ocean(section, tmp_path):
    with h5py.File(tmp_path / "currents.h5", "w") as file:
        file["u"] = values(200, 6, 5).astype(np.int16)
        file["v"] = values(200, 6, 5).astype(np.int16)[::-1]
        file["lat"], file["lon"] = np.arange(6) / 4, np.arange(5) / 4
    return section("ocean", path="currents.h5", split="seasons", trajectories=2)


@pytest.fixture
def synthetic(section):
    return section("synthetic", shape="shear", cells=16, trajectories=2)


@pytest.fixture
def arrays(section, tmp_path):
    np.save(tmp_path / "own.npy", values(5, 12, 6, 7).astype(np.float32))
    return section("arrays", path="own.npy", split="auto", axes="ntyx", history=4)


@pytest.mark.parametrize("case", PINNED)
def test_fingerprints_are_those_that_stored_runs_compare(case, request):
    assert data.load(request.getfixturevalue(case)).fingerprint == PINNED[case]


def test_every_data_set_is_pinned():
    assert {*data.NAMES} <= {*PINNED}


def test_a_fingerprint_takes_in_every_part_in_its_order():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    parts = [b"bytes", array, "words", (1, 2.5)]
    first = fingerprint(parts)
    assert first == fingerprint(iter(parts)) == fingerprint(parts, digits=64)[:16]
    assert fingerprint([b"bytes", array.T.copy().T, *parts[2:]]) == first
    for index in range(len(parts)):
        assert fingerprint(parts[:index] + parts[index + 1 :]) != first
    assert fingerprint(parts[::-1]) != first
