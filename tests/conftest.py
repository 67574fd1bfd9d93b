"""What all tests share: two CPU devices, small data, the folder of real data."""

import json
import os
import pathlib
from collections.abc import Callable, Mapping

import h5py
import jax
import numpy as np
import pytest
from etils import epath
from ml_collections import ConfigDict

from adr_jax import data
from adr_jax.data.shallow_water import dam_break
from adr_jax.data.shallow_water import source as shallow_water
from adr_jax.training import configuration, optimizer, step
from adr_jax.training.network import build_network
from adr_jax.training.run import checkpoint, record
from configs import base

# Before anything asks for devices: what is shared among devices must be seen to be. The
# variable keeps commands at two also where there are fewer cores, or more.
jax.config.update("jax_num_cpu_devices", 2)
os.environ["JAX_NUM_CPU_DEVICES"] = "2"

# Most of a run of seconds is compilation, the same in many tests and in the processes
# they start: what was compiled once is kept. Each worker of xdist keeps its own, since
# these files are not written in one piece. Compiling without most optimisations takes
# half the time; with JAX_DISABLE_MOST_OPTIMIZATIONS=0 the tests run what users run.
COMPILED = pathlib.Path(__file__).parent.parent.joinpath(
    ".pytest_cache", "compiled", os.environ.get("PYTEST_XDIST_WORKER", "main")
)
for setting, value in {
    "jax_compilation_cache_dir": str(COMPILED),
    "jax_persistent_cache_min_compile_time_secs": 0,
    "jax_disable_most_optimizations": os.environ.get(
        "JAX_DISABLE_MOST_OPTIMIZATIONS", "1"
    )
    == "1",
}.items():
    jax.config.update(setting, value)
    os.environ[setting.upper()] = str(int(value) if isinstance(value, bool) else value)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, so that no worker waits for them in the end.

    It takes --no-loadscope-reorder: xdist would begin with the files of most tests.
    """
    items.sort(key=lambda item: "docs" not in item.path.parts)


@pytest.fixture(autouse=True, scope="module")
def forget_compiled():
    """Each compiled function holds memory maps, of which a process gets some 65,000.

    Without this, XLA dies of a segmentation fault half way through the tests.
    """
    yield
    jax.clear_caches()


@pytest.fixture(scope="module")
def optimised():
    """Compile as users do, for tests that compute longer than they compile."""
    setting = "jax_disable_most_optimizations"
    before = jax.config.read(setting)
    jax.config.update(setting, False)
    yield
    jax.config.update(setting, before)


@pytest.fixture
def real_data() -> pathlib.Path:
    """Return the folder of real data, or skip, saying how to provide it."""
    folder = os.environ.get("ADR_JAX_TEST_DATA")
    if not folder:
        pytest.skip("set ADR_JAX_TEST_DATA to the folder of real data to run this")
    return pathlib.Path(folder)


@pytest.fixture
def cloudcast(real_data) -> dict[str, np.ndarray]:
    """Return sixteen frames of cloud labels 0 to 3, and a published forecast.

    Both (1, 16, 128, 128, 1) float32.
    """
    path = real_data / "cloudcast" / "cloudcast_20180701_0400_0745_4class.h5"
    with h5py.File(path) as file:
        names = ("label", "convlstm_prediction")
        return {n: file[n][:].astype(np.float32)[None, ..., None] for n in names}


@pytest.fixture(scope="session")
def water_file(tmp_path_factory) -> pathlib.Path:
    """Make forty dam breaks of 16 x 16 cells and 16 frames, seeds 0 to 39."""
    path = tmp_path_factory.mktemp("data") / "water.h5"
    dam = dam_break.Dam(cells=16, frames=16, shape="off_centre")
    shallow_water.generate(path, dam, trajectories=40)
    return path


@pytest.fixture(scope="session")
def make_config(water_file) -> Callable[[], ConfigDict]:
    """Make configurations of a run of seconds on `water_file`."""

    def small() -> ConfigDict:
        config = base.get_config()
        config.data.path = str(water_file)
        config.data.cells = 16
        config.data.history = 4
        config.model.channels = 4
        config.model.num_blocks = 1
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
    """Make one of them."""
    return make_config()


@pytest.fixture(scope="session")
def untrained(tmp_path_factory, make_config) -> pathlib.Path:
    """Make the workdir of a model that was never trained."""
    config = configuration.read(make_config())
    workdir = tmp_path_factory.mktemp("runs") / "untrained"
    dataset = data.load(config.data)
    content = record.new_record(config, dataset)
    found = record.Record(content, workdir)
    network = build_network(config, found.statistics, found.get("misses"))
    frame_shape = dataset.trajectories.frame_shape
    rule = optimizer.make_optimizer(config.train)
    state = step.init_state(network, rule, config, frame_shape)
    best = checkpoint.Checkpoints(epath.Path(workdir) / "best", keep=1)
    best.save(0, state.params, content)
    best.close()
    settings = json.dumps(configuration.as_json(config))
    (workdir / "config.json").write_text(settings)
    return workdir


@pytest.fixture
def generator() -> np.random.Generator:
    """Return random numbers, the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture
def write_clouds() -> Callable[..., pathlib.Path]:
    """Write CloudCast's parts, as ".nc" or as ".npy", and return their folder.

    Parts are (time, rows, columns) by name; times are minutes, a frame every 15.
    """

    def write(
        folder: pathlib.Path,
        parts: Mapping[str, np.ndarray],
        form: str = ".nc",
        minutes: Mapping[str, np.ndarray] | None = None,
    ) -> pathlib.Path:
        folder.mkdir(exist_ok=True)
        for name, frames in parts.items():
            times = (minutes or {}).get(name, 15 * np.arange(len(frames)))
            if form == ".nc":
                with h5py.File(folder / f"{name}.nc", "w") as file:
                    file["__xarray_dataarray_variable__"] = np.moveaxis(frames, 0, -1)
                    file["time"] = times
                    file["time"].attrs["units"] = "minutes since 2017-01-01"
            else:
                part = folder / name
                part.mkdir()
                for number, frame in enumerate(frames):
                    np.save(part / f"{number}.npy", frame)
                stamps = np.datetime64("2017-01-01", "m") + times
                np.save(part / "TIMESTAMPS.npy", stamps)
                np.savez(part / "GEO.npz", lats=times, lons=times)
        return folder

    return write
