"""Run the notebooks and keep what they show; `python docs/notebooks.py` runs all.

It takes no Jupyter: cells are Python, figures are matplotlib's, `%pip` is left out.
"""

import ast
import base64
import contextlib
import io
import json
import pathlib
import re
import sys
import tempfile

import matplotlib
import matplotlib.pyplot as plt
from PIL import Image

FOLDER = pathlib.Path(__file__).resolve().parent / "notebooks"


def main() -> None:
    """Run the notebooks that are named, or all of them."""
    named = [pathlib.Path(name).resolve() for name in sys.argv[1:]]
    for path in named or sorted(FOLDER.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            notebook = run(json.loads(path.read_text()))
        text = json.dumps(notebook, indent=1, ensure_ascii=False)
        path.write_text(f"{text}\n")
        print(path)


def run(notebook: dict) -> dict:
    """Run the code in order in one namespace, and fill in its outputs."""
    matplotlib.use("Agg")
    namespace = {"__name__": "__main__"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = list(_outputs("".join(cell["source"]), namespace))
    return notebook


def _outputs(source: str, namespace: dict):
    """Run a cell, and yield what it prints, the value of its last line and figures."""
    python = re.sub(r"^(\s*)%pip.*", r"\1pass", source, flags=re.M)
    *body, last = ast.parse(python).body
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), "<cell>", "exec"), namespace)
        if isinstance(last, ast.Expr):
            value = eval(
                compile(ast.Expression(last.value), "<cell>", "eval"), namespace
            )
        else:
            exec(compile(ast.Module([last], []), "<cell>", "exec"), namespace)
    lines = printed.getvalue().splitlines(keepends=True)
    # A training's progress is one line that moves where the notebook is opened.
    lines = [line for line in lines if not re.match(r"step \d+/\d+ ", line)]
    if lines:
        yield {"name": "stdout", "output_type": "stream", "text": lines}
    if value is not None:
        yield _display({"text/plain": [repr(value)]})
    for number in plt.get_fignums():
        yield _display({"image/png": _png(plt.figure(number))})
    plt.close("all")


def _png(figure) -> str:
    """Return a small picture of a figure: 32 colours, in base64."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=72)
    colours = Image.open(drawn).convert("RGB").quantize(32, dither=Image.Dither.NONE)
    colours.save(small, "png", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def _display(data: dict) -> dict:
    """Return an output of a notebook that shows data of these types."""
    return {"data": data, "metadata": {}, "output_type": "display_data"}


if __name__ == "__main__":
    main()
