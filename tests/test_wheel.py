"""The wheel alone: who has no clone trains, forecasts and loads what is shipped."""

import os
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the wheel and unpack it into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"]
    subprocess.run(
        [*build, "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)],
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def run(installed, tmp_path):
    """Return a function that runs Python far from the clone, with the wheel first."""

    def run_python(*arguments, fails=False):
        # In isolation from this folder; the wheel's package hides the clone's.
        environment = os.environ | {"PYTHONPATH": str(installed), "COLUMNS": "200"}
        process = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (process.returncode != 0) == fails, process.stderr
        return process.stdout + process.stderr

    return run_python


def test_it_is_the_wheel_that_runs(installed, run):
    assert str(installed) in run("-c", "import adr_jax; print(adr_jax.__file__)")


def test_it_trains_on_a_file_and_forecasts(tmp_path, run):
    frames = np.random.default_rng(0).normal(size=(60, 16, 16)).astype(np.float32)
    np.save(tmp_path / "mine.npy", frames)
    few = {"steps": 2, "minutes": 0, "validation_windows": 2, "batch_size": 2}
    flags = [f"--config.train.{name}={value}" for name, value in few.items()]
    flags += ["--config.model.channels=4", "--config.data.history=4"]
    module = ("-m", "adr_jax")
    run(*module, "train", "--config", "own", "--config.data.path=mine.npy", *flags)
    assert (tmp_path / "runs" / "own" / "results.json").is_file()
    told = run(
        *module,
        *("forecast", "--workdir", "runs/own", "--input", "mine.npy"),
        *("--steps", "2", "--output", "ahead.npz"),
    )
    assert "1 x 2 frames" in told


def test_every_configuration_is_known_by_its_name(run):
    code = """
from adr_jax import shipped
from adr_jax.training import command_line, configuration
for name in shipped.config_names():
    configuration.read(command_line.read_config(name, []))
    print(name)
print(command_line.read_config("synthetic:shear", []).data.shape)
"""
    names = run("-c", code).split()
    expected = {file.stem for file in (ROOT / "configs").glob("*.py")}
    assert set(names[:-1]) == expected - {"base", "__init__"}
    assert names[-1] == "shear"


def test_shipped_weights_are_loaded_by_name(run):
    code = """
import numpy as np, adr_jax
rain = adr_jax.load("rain")
print(rain.exceedance(np.zeros((4, 32, 32, 1), np.float32), 2).shape)
print(adr_jax.load("shallow_water").config.data.name)
"""
    told = run("-c", code)
    assert "(2, 32, 32, 4)" in told
    assert "shallow_water" in told


def test_help_lists_what_there_is_and_a_typo_gets_the_near_names(run):
    assert "train" in run("-m", "adr_jax", "--help")
    assert "configurations: cloudcast, kitti" in run("-m", "adr_jax", "train", "--help")
    told = run("-m", "adr_jax", "train", "--config=radra", fails=True)
    assert told.startswith("error: --config radra: no such file; did you mean radar?")
    assert "Traceback" not in told
