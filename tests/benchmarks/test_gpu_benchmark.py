"""The measurements of benchmarks/gpu.sh, of tiny sizes on this machine."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
SCRIPT = pathlib.Path(__file__).parents[2] / "benchmarks" / "speed" / "gpu.py"


@pytest.fixture
def measure(tmp_path):
    """Return a function that measures and returns what is printed and written."""

    def run(*arguments, **environment):
        file = tmp_path / "gpu.json"
        done = subprocess.run(
            [sys.executable, SCRIPT, "--small", "--output", file, *arguments],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout, json.loads(file.read_text())

    return run


def test_parts_write_their_rows(measure):
    parts = ["bandwidth", "push", "train"]
    printed, content = measure(*parts)
    assert content["small"] and content["device"] in printed
    assert list(dict.fromkeys(row["part"] for row in content["rows"])) == parts
    for row in content["rows"]:
        assert row["what"] in printed
        # PyTorch may be of any version, or absent.
        assert row.get("ms", 0) > 0 or "torch" in row["what"].lower(), row
    steps = [row for row in content["rows"] if "step of 2, adr_jax" in row["what"]]
    assert len(steps) == 2  # float32 and bfloat16
    assert all(step["samples/s"] > 0 and step["peak MiB"] > 0 for step in steps)


def test_a_part_that_fails_leaves_the_others(measure, tmp_path):
    (tmp_path / "optax.py").write_text("raise ModuleNotFoundError('no optax')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    printed, content = measure("train", "bandwidth", PYTHONPATH=path)
    first, *rest = content["rows"]
    assert first["part"] == "train" and "no optax" in first["failed"]
    assert "no optax" in printed
    assert rest and all(row["part"] == "bandwidth" and row["ms"] > 0 for row in rest)


def test_without_time_nothing_starts(measure):
    _, content = measure("--seconds=1", "push", "learn")
    assert [row["part"] for row in content["rows"]] == ["push", "learn"]
    assert all("no time" in row["what"] for row in content["rows"])
