"""The notebooks run from their first cell to their last, and keep what they show."""

import copy
import importlib.util
import json
import pathlib

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning"),
]

DOCS = pathlib.Path(__file__).parents[2] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
# Seconds of training, and of compilation, instead of minutes: not to become good.
SHORTER = {"own_data": ("minutes=1,", "steps=4, head='persistence',")}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_outputs_are_those_of_its_code(
    path, tmp_path, monkeypatch
):
    text = path.read_text()
    if path.stem in SHORTER:
        assert text.count(SHORTER[path.stem][0]) == 1
        text = text.replace(*SHORTER[path.stem])
    kept = json.loads(text)
    monkeypatch.chdir(tmp_path)
    shown = runner().run(copy.deepcopy(kept))
    for before, now in zip(kept["cells"], shown["cells"], strict=True):
        assert kinds(before) == kinds(now), "".join(now["source"])


def kinds(cell: dict) -> list:
    """Return of what kind each output of a cell is."""
    return [sorted(output.get("data", ["text"])) for output in cell.get("outputs", ())]


def runner():
    """Return the module docs/notebooks.py."""
    spec = importlib.util.spec_from_file_location("notebooks", DOCS / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
