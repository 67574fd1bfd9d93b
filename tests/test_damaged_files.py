"""Bytes changed or cut off at thirty places: read, or refused with an InputError."""

import h5py
import numpy as np
import pytest

from adr_jax import data
from adr_jax.errors import InputError
from configs import base

PLACES = 30


def radar(folder, generator):
    """A compressed file with everything that radar's reader looks at."""
    path = folder / "radar.h5"
    with h5py.File(path, "w") as file:
        film = generator.integers(0, 200, (60, 6, 5), np.uint8)
        file.create_dataset("dbz8", data=film, chunks=(10, 6, 5), compression="gzip")
        attributes = {"units": "dBZ", "scale_factor": 0.25, "_FillValue": 199}
        file["dbz8"].attrs.update(attributes)
        file["time"] = 300 * np.arange(60)
        file.attrs["pixel_km"] = 2.0
    return path, "in_time"


def satellite(folder, generator):
    """Floats, stored as they are."""
    path = folder / "clouds.h5"
    with h5py.File(path, "w") as file:
        file["hrv_4x4"] = generator.random((12, 24, 5)).astype(np.float32)
        file.attrs["dt_minutes"] = 5
    return path, "bands"


def kitti(folder, generator):
    """Two films."""
    path = folder / "kitti.h5"
    with h5py.File(path, "w") as file:
        for name in ("drive_a", "drive_b"):
            film = generator.integers(0, 256, (30, 4, 5, 3), np.uint8)
            file.create_dataset(name, data=film, chunks=(1, 4, 5, 3), shuffle=True)
    return path, "in_time"


def read_everything(config):
    """What training would read."""
    dataset = data.load(config)
    trajectories = dataset.trajectories
    dataset.describe()
    for number, length in enumerate(trajectories.lengths):
        frames = trajectories.read(number, 0, length)
        assert frames.dtype == np.float32
        assert not np.isinf(frames).any()


@pytest.mark.parametrize("make", [radar, satellite, kitti], ids=lambda f: f.__name__)
@pytest.mark.parametrize("cut", [False, True], ids=["changed", "cut off"])
def test_damage_is_read_over_or_refused(tmp_path, generator, make, cut):
    path, split = make(tmp_path, generator)
    config = base.get_config().data
    config.update(name=make.__name__, path=str(path), split=split)
    read_everything(config)
    whole = path.read_bytes()
    refused = 0
    # Half of the places among the first bytes, where HDF5 says what is where.
    ends = [len(whole), 2500] * (PLACES // 2)
    for number, place in enumerate(generator.integers(ends)):
        content = bytearray(whole)
        if cut:
            del content[place:]
        else:
            content[place] ^= generator.integers(1, 256)
        # HDF5 remembers files by their place: each gets its own.
        damaged = path.with_name(f"damaged_{number}.h5")
        damaged.write_bytes(content)
        config.path = str(damaged)
        try:
            read_everything(config)
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
            assert damaged.name in str(error)
    assert refused == PLACES if cut else refused > 0
