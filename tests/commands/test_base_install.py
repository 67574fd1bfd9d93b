"""Run what `pip install adr_jax` gives without any of the extras."""

import importlib.metadata
import subprocess
import sys

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.slow

# Forgets the packages in the first argument, then runs one command.
WITHOUT = """
import sys
absent, command = set(sys.argv[1].split(",")), sys.argv[2:]

class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
if command[0] == "train.py":
    import runpy
    sys.argv = command
    runpy.run_path("train.py", run_name="__main__")
else:
    from adr_jax.__main__ import main
    main(command)
"""


def installed(name, extras=("",)):
    """Return the distributions that a distribution needs, itself included."""
    needed, todo = {}, [(canonicalize_name(name), tuple(extras))]
    while todo:
        name, extras = todo.pop()
        if set(extras) <= needed.get(name, set()):
            continue
        needed.setdefault(name, set()).update(extras)
        try:
            requirements = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:  # of another platform
            continue
        for requirement in map(Requirement, requirements):
            marker = requirement.marker
            if not marker or any(marker.evaluate({"extra": extra}) for extra in extras):
                further = ("", *requirement.extras)
                todo.append((canonicalize_name(requirement.name), further))
    return set(needed)


@pytest.fixture(scope="module")
def absent():
    """Return the modules that only extras bring."""
    extras = importlib.metadata.metadata("adr_jax").get_all("Provides-Extra")
    only = installed("adr_jax", ("", *extras)) - installed("adr_jax")
    modules = importlib.metadata.packages_distributions()
    found = {
        module
        for module, owners in modules.items()
        if {canonicalize_name(owner) for owner in owners} <= only
    }
    assert {"matplotlib", "jinja2", "flatbuffers"} <= found
    return ",".join(found)


def test_every_command_of_a_base_install(tmp_path, absent):
    rows, columns = np.mgrid[:24, :20]
    film = [np.sin(0.4 * (rows - t)) + np.cos(0.3 * columns) for t in range(60)]
    np.save(tmp_path / "film.npy", np.stack(film).astype(np.float32))
    run = tmp_path / "run"

    def works(*command):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT, absent, *map(str, command)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    fields = {
        "data.path": tmp_path / "film.npy",
        "data.axes": "tyx",
        "data.history": 3,
        "model.channels": 4,
        "model.num_blocks": 1,
        "model.frames_out": 2,
        "train.minutes": 0,
        "train.steps": 2,
        "train.validation_frames": 3,
    }
    flags = [f"--config.{name}={value}" for name, value in fields.items()]
    told = works("train.py", "--config=configs/own.py", f"--workdir={run}", *flags)
    assert "pip install 'adr_jax[report]'" in told
    for written in ("best", "results.json", "model_card.md", "metrics.jsonl"):
        assert (run / written).exists()
    works("evaluate", "--workdir", run)
    works("data", "inspect", tmp_path / "film.npy", "--axes", "tyx")
    output = tmp_path / "ahead.h5"
    film = tmp_path / "film.npy"
    works(
        *("forecast", "--workdir", run, "--input", film),
        *("--steps", 3, "--output", output),
    )
    assert output.exists()
