"""What the experiments share: their options, printed tables, and the files they write.

An experiment NAME writes NAME.json, and mostly a figure, into the folder --output.
"""

import argparse
import json
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from adr_jax.errors import InputError
from adr_jax.training.devices import host

# Of networks and baselines, the same in every figure.
COLOURS = {
    "ADRNet": "#d55e00",
    "CNN": "#999999",
    "UNet": "#0072b2",
    "persistence": "#000000",
    "advected": "#009e73",
}


def parser(
    description: str | None,
    name: str | None = None,
    *,
    minutes: float | None = None,
    seed: int | None = None,
    seeds: Sequence[int] = (),
    data: bool = False,
) -> argparse.ArgumentParser:
    """Return a parser of the options that are asked for.

    Args:
      description: the script's docstring.
      name: that of the experiment, for --output; None: no such option.
      minutes: default of --minutes; None: no such option.
      seed: default of --seed; None: no such option.
      seeds: default of --seeds; (): no such option.
      data: whether it reads real samples, so that there is --data.
    """
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if data:
        usual = os.environ.get("ADR_JAX_TEST_DATA")
        options.add_argument(
            "--data", default=usual, metavar="FOLDER", help="real samples"
        )
    if minutes is not None:
        options.add_argument(
            "--minutes", type=float, default=minutes, help="of each run"
        )
    if seed is not None:
        options.add_argument("--seed", type=int, default=seed)
    if seeds:
        options.add_argument("--seeds", type=int, nargs="+", default=list(seeds))
    if name is not None:
        folder = pathlib.Path("runs") / name
        options.add_argument("--output", type=pathlib.Path, default=folder)
    return options


def sample(name: str, arguments: argparse.Namespace) -> pathlib.Path:
    """Return a file of the samples' folder."""
    file = pathlib.Path(arguments.data or "").absolute() / name
    if not file.exists():
        raise InputError(f"{file} is missing: --data names the samples' folder")
    return file


def print_setting(arguments: argparse.Namespace) -> None:
    """Print the minutes of each run and the devices."""
    print(f"\n{arguments.minutes:g} minutes a run, {host.describe_devices()}")


def print_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table in Markdown, each row as soon as it is there."""
    print_row(heads)
    print("|---" * len(heads) + "|")
    for row in rows:
        print_row(row)


def print_row(cells: Sequence[object]) -> None:
    """Print a row of a table."""
    texts = [f" {cell} " if cell != "" else " " for cell in cells]
    print(f"|{'|'.join(texts)}|", flush=True)


def as_range(values: Iterable[float]) -> str:
    """Return the lowest and the highest value, or one where their digits are equal."""
    values = list(values)
    ends = dict.fromkeys(f"{end(values):.3g}" for end in (min, max))
    return " to ".join(ends)


def set_style(font_size: int = 9) -> None:
    """Set the style of figures; the same figure is then the same SVG file."""
    import matplotlib

    matplotlib.rcParams |= {"font.size": font_size, "svg.hashsalt": "adr_jax"}


def write(
    name: str,
    arguments: argparse.Namespace,
    content: Mapping[str, object],
    figure=None,
    kind: str = "svg",
) -> None:
    """Write NAME.json and, where there is a figure, NAME.svg or NAME.png."""
    folder = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"arguments": str(arguments), **content}, indent=1)
    (folder / f"{name}.json").write_text(text + "\n")
    if figure is not None:
        write_figure(figure, folder / f"{name}.{kind}")
        print(folder / f"{name}.{kind}")


def write_figure(figure, file: pathlib.Path) -> None:
    """Write a figure, an SVG without the date."""
    if file.suffix == ".svg":
        figure.savefig(file, metadata={"Date": None})
    else:
        figure.savefig(file, dpi=120)


def run(main: Callable[[], None]) -> None:
    """Run a script; an InputError ends it with one line."""
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
