"""What all tests share: two CPU devices, small data, the place of real data."""

import os
import pathlib
from collections.abc import Callable

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from adr_jax.data import dam_break, shallow_water
from configs import base

# Before anything asks for devices: what is shared among devices must be seen to be.
jax.config.update("jax_num_cpu_devices", 2)


@pytest.fixture(autouse=True, scope="module")
def forget_compiled():
    """Each compiled function holds memory maps, of which a process gets some 65,000.

    Without this, XLA dies of a segmentation fault half way through the tests.
    """
    yield
    jax.clear_caches()


@pytest.fixture
def real_data() -> pathlib.Path:
    """The folder of real data, or a skip that says how to provide it."""
    folder = os.environ.get("ADR_JAX_TEST_DATA")
    if not folder:
        pytest.skip("set ADR_JAX_TEST_DATA to the folder of real data to run this")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def water_file(tmp_path_factory) -> pathlib.Path:
    """Forty dam breaks of 16 x 16 cells and 16 frames, seeds 0 to 39."""
    path = tmp_path_factory.mktemp("data") / "water.h5"
    dam = dam_break.Dam(cells=16, frames=16, shape="off_centre")
    shallow_water.generate(path, dam, trajectories=40)
    return path


@pytest.fixture(scope="session")
def make_config(water_file) -> Callable[[], ConfigDict]:
    """Makes configurations of a run of seconds on `water_file`."""

    def small() -> ConfigDict:
        config = base.get_config()
        config.data.path = str(water_file)
        config.data.cells = 16
        config.data.history = 4
        config.model.channels = 4
        config.model.num_blocks = 2
        config.train.steps = 6
        config.train.log_every = 2
        config.train.checkpoint_every = 2
        config.train.validate_every = 3
        config.train.validation_windows = 4
        config.train.validation_frames = 3
        return config

    return small


@pytest.fixture
def config(make_config) -> ConfigDict:
    """One of them."""
    return make_config()


@pytest.fixture
def generator() -> np.random.Generator:
    """Random numbers, the same in every run."""
    return np.random.default_rng(0)
