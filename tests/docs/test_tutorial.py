"""The tutorial's commands and Python run in order, in a new folder."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
# A training of seconds instead of minutes; it is not here to become good.
MINUTES = "--config.train.minutes=3"
STEPS = "--config.train.minutes=0 --config.train.steps=4"


def test_the_tutorial_from_its_first_line_to_its_last(tmp_path, monkeypatch):
    blocks = re.findall(
        r"^```(python|bash)\n(.*?)^```",
        (ROOT / "docs" / "tutorial.md").read_text(),
        re.M | re.S,
    )
    assert sum(MINUTES in text for _, text in blocks) == 1
    monkeypatch.chdir(tmp_path)
    for name in ("train.py", "configs"):
        pathlib.Path(name).symlink_to(ROOT / name)
    namespace = {}
    for language, text in blocks:
        if language == "python":
            exec(compile(text, "tutorial.md", "exec"), namespace)
        else:
            _run(text.replace(MINUTES, STEPS))
    with np.load("data/ahead.npz") as ahead:
        assert ahead["dye"].shape == (1, 10, 64, 64)
    for made in ("data/ahead.gif", "runs/dye/report.html", "runs/dye/model_card.md"):
        assert pathlib.Path(made).stat().st_size > 0, made


def _run(commands: str) -> None:
    """Run in a shell that finds this Python as `python` and stops at a failure."""
    bin_folder = pathlib.Path(sys.executable).parent
    assert shutil.which("python", path=str(bin_folder))
    done = subprocess.run(
        ["bash", "-e", "-c", commands],
        env=os.environ
        | {
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
