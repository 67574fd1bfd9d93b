"""Flags and configurations, and their errors in one line."""

import functools
import pathlib
import subprocess
import sys

import pytest

from adr_jax.errors import InputError
from adr_jax.training import command_line

ROOT = pathlib.Path(__file__).parents[2]

# ml_collections loads configuration files in a way that Python 3.15 will drop.
pytestmark = pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")


def test_a_file_and_what_to_change_in_it(monkeypatch):
    monkeypatch.chdir(ROOT)
    config = command_line.read_config(
        "configs/shallow_water.py:mixed",
        ["--config.train.steps=7", "--noconfig.model.conserve"],
    )
    assert config.data.shape == "mixed"
    assert config.train.steps == 7
    assert not config.model.conserve


@pytest.mark.parametrize(
    ("path", "overrides", "message"),
    [
        (
            "configs/quickstart.py",
            ["--config.train.stesp=1"],
            """no field 'stesp'. Did you mean "steps" instead of "stesp".; .*options""",
        ),
        (
            "configs/quickstart.py",
            ["--config.trian.steps=1"],
            """no field 'trian'. Did you mean "train" instead of "trian".; .*options""",
        ),
        (
            "configs/quickstart.py:x",
            [],
            "^flag --config=.*: TypeError: get_config.. ta",
        ),
        (
            "configs/quickstart.py",
            ["--config.train.patience=1"],
            "^the configuration has no field 'patience'; adr_jax/options.py has all$",
        ),
        ("configs/quickstart.py", ["--config.train.steps=1.5"], "1.5"),
        ("configs/quickstart.py", ["--colour=red"], "colour"),
        ("configs/quickstart.py", ["stray"], "unexpected argument 'stray'"),
        ("configs/absent.py", [], "--config configs/absent.py: no such file"),
    ],
)
def test_errors_are_one_line(monkeypatch, path, overrides, message):
    monkeypatch.chdir(ROOT)
    with pytest.raises(InputError, match=message) as error:
        command_line.read_config(path, overrides)
    assert "\n" not in str(error.value)


def test_steps_that_are_asked_for_count(monkeypatch):
    monkeypatch.chdir(ROOT)
    read = functools.partial(command_line.read_config, "configs/own.py")
    assert read([]).train.minutes == 5.0
    assert read(["--config.train.steps=7"]).train.minutes == 0.0
    assert read(["--config.train.steps=7", "--config.train.minutes=0"]).train.steps == 7
    assert read(["--config.train.minutes=1"]).train.minutes == 1.0
    with pytest.raises(InputError, match="steps is 7 and config.train.minutes 2; exp"):
        read(["--config.train.steps=7", "--config.train.minutes=2"])


def test_reading_a_configuration_does_not_start_jax():
    code = "import sys, adr_jax.training.command_line; print('jax' in sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "False"
