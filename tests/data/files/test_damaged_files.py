"""Bytes changed or cut off at thirty offsets: read, or refused with an InputError."""

import shutil

import h5py
import numpy as np
import pytest

from adr_jax import data
from adr_jax.data.files import pdebench
from adr_jax.data.tracers import currents
from adr_jax.errors import InputError
from configs import base

PLACES = 30


def radar(folder, generator):
    """Write a compressed file with everything that radar's reader looks at."""
    path = folder / "radar.h5"
    with h5py.File(path, "w") as file:
        film = generator.integers(0, 200, (60, 6, 5), np.uint8)
        file.create_dataset("dbz8", data=film, chunks=(10, 6, 5), compression="gzip")
        attributes = {"units": "dBZ", "scale_factor": 0.25, "_FillValue": 199}
        file["dbz8"].attrs.update(attributes)
        file["time"] = 300 * np.arange(60)
        file.attrs["pixel_km"] = 2.0
    return path, {"path": "radar.h5", "split": "in_time"}


def satellite(folder, generator):
    """Write floats, stored as they are."""
    path = folder / "clouds.h5"
    with h5py.File(path, "w") as file:
        file["hrv_4x4"] = generator.random((12, 24, 5)).astype(np.float32)
        file.attrs["dt_minutes"] = 5
    return path, {"path": "clouds.h5", "split": "bands"}


def kitti(folder, generator):
    """Write two films."""
    path = folder / "kitti.h5"
    with h5py.File(path, "w") as file:
        for name in ("drive_a", "drive_b"):
            film = generator.integers(0, 256, (30, 4, 5, 3), np.uint8)
            file.create_dataset(name, data=film, chunks=(1, 4, 5, 3), shuffle=True)
    return path, {"path": "kitti.h5", "split": "in_time"}


def shallow_water(folder, generator):
    """Write trajectories in groups."""
    path = folder / "water.h5"
    frames = generator.random((3, 12, 8, 8, 1)).astype(np.float32)
    grid = {"x": np.arange(8.0), "y": np.arange(8.0), "t": np.arange(12.0)}
    keyed = [(f"{index:04d}", each) for index, each in enumerate(frames)]
    pdebench.write(path, keyed, grid, {}, lambda: None)
    return path, {"path": "water.h5", "split": "all", "cells": 8}


def cloudcast(folder, generator):
    """Write a folder, of which one file is damaged."""
    for name in ("TrainCloud.nc", "TestCloud.nc"):
        with h5py.File(folder / name, "w") as file:
            labels = generator.integers(5, 15, (8, 8, 40), np.uint8)
            file.create_dataset("x", data=labels, chunks=(8, 8, 16), compression="gzip")
            file["time"] = 15 * np.arange(40)
            file["time"].attrs["units"] = "minutes since 2017-01-01"
    return folder / "TestCloud.nc", {"path": ".", "split": "mid_2018", "cells": 8}


def ocean(folder, generator):
    """Write currents, all of which are read at once."""
    path = folder / "year.h5"
    with h5py.File(path, "w") as file:
        for name in "uv":
            file[name] = generator.integers(-900, 900, (9, 4, 5), np.int16)
        for name, cells in (("lat", 4), ("lon", 5)):
            file[name] = np.arange(cells) / 4.0
    return path, {}


def read_everything(name, folder, fields):
    """Read what training would read."""
    if name == "ocean":  # what follows no longer reads the file
        assert currents.read(folder / "year.h5").dtype == np.float32
        return
    config = base.get_config().data
    config.update(name=name, root=str(folder), **fields)
    dataset = data.load(config)
    dataset.describe()
    for index, length in enumerate(dataset.trajectories.lengths):
        frames = dataset.trajectories.read(index, 0, length)
        assert frames.dtype == np.float32
        assert not np.isinf(frames).any()


MAKERS = [radar, satellite, kitti, shallow_water, cloudcast, ocean]


@pytest.mark.slow
@pytest.mark.parametrize("make", MAKERS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("cut", [False, True], ids=["changed", "cut off"])
def test_damage_is_read_over_or_refused(tmp_path, generator, make, cut):
    (tmp_path / "whole").mkdir()
    path, fields = make(tmp_path / "whole", generator)
    read_everything(make.__name__, path.parent, fields)
    whole = path.read_bytes()
    refused = 0
    # Half of the offsets are among the first bytes, HDF5's index.
    ends = [len(whole), min(len(whole), 2500)] * (PLACES // 2)
    for index, offset in enumerate(generator.integers(ends)):
        content = bytearray(whole)
        if cut:
            del content[offset:]
        else:
            content[offset] ^= generator.integers(1, 256)
        # HDF5 remembers files by their path: each gets its own.
        folder = tmp_path / f"damaged_{index}"
        shutil.copytree(path.parent, folder)
        (folder / path.name).write_bytes(content)
        try:
            read_everything(make.__name__, folder, fields)
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
            assert folder.name in str(error)
    assert refused == PLACES if cut else refused > 0
