"""The pages on extending adr_jax are followed to the letter, in a copy of it."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "extending").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_followed_from_its_first_line_to_its_last(page, tmp_path):
    for name in ("adr_jax", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "train.py", tmp_path)
    commands = 0
    blocks = re.findall(r"^```(python|bash)\n(.*?)^```", page.read_text(), re.M | re.S)
    for language, text in blocks:
        if language == "python":
            _edit(tmp_path, text)
        else:
            _run(tmp_path, text)
            commands += 1
    assert commands == 1


def _edit(folder: pathlib.Path, block: str) -> None:
    """Write the file that a block's first line names, or change it there."""
    first, _, text = block.partition("\n")
    name, after, line = first.removeprefix("# ").partition(", after ")
    if after:
        new = f"{line}\n{text}"
    else:
        name, replaces, line = name.partition(", in place of ")
        new = text.strip() if replaces else ""
    path = folder / name
    if not new:
        assert not path.exists(), path
        path.write_text(text)
        return
    content = path.read_text()
    found = f"{line}\n" if after else line
    assert content.count(found) == 1, (name, line)
    path.write_text(content.replace(found, new))


def _run(folder: pathlib.Path, commands: str) -> None:
    environment = {
        "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    }
    done = subprocess.run(
        ["bash", "-e", "-c", commands],
        cwd=folder,
        env=os.environ | environment | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
