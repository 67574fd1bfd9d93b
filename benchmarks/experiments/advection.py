"""What advection is worth: push, pull and none, on five data sets.

    python benchmarks/experiments/advection.py [--data FOLDER] [--minutes 1.25]
        [--seeds 0 1]
        [--only NAME ...] [--output runs/advection]

On each set its configuration trains three times from each seed with another transport
(without it a residual convolution of as many parameters takes its place), for the same
minutes on one core of its own, and with one_core.COMMON in the place of its optimiser:
AdamW at a constant rate, no forecasts fed back. Scores are those of the validation
split by the set's first metric. Real samples are looked for under FOLDER (default
$ADR_JAX_TEST_DATA); a set without its file is left out, which is said. Started again,
it goes on with what is missing. Writes advection.json and advection.svg.
"""

import argparse
import json
import os
import pathlib

import matplotlib.pyplot as plt
from datasets import SETS
from one_core import Curve, arrowed, compare, train_all

from adr_jax.training.devices import host

COLOURS = {"none": "#999999", "push": "#0072b2", "pull": "#d55e00"}
TRANSPORTS = tuple(COLOURS)
NAMES = {
    "shallow_water": "shallow water",
    "moving_mnist": "Moving MNIST",
    "radar": "radar",
    "cloud_sample": "cloud sample",
    "ocean": "ocean tracer",
}
# Waves at half the resolution, where 75 seconds are worth 300 steps.
FURTHER = {"shallow_water": {"data.cells": 64}}

Curves = dict[tuple[str, str, int], Curve]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = os.environ.get("ADR_JAX_TEST_DATA")
    parser.add_argument("--data", default=usual, metavar="FOLDER", help="real samples")
    parser.add_argument("--minutes", type=float, default=1.25, help="of each run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", nargs="+", choices=tuple(NAMES), default=list(NAMES))
    parser.add_argument("--output", type=pathlib.Path, default="runs/advection")
    arguments = parser.parse_args()
    curves = {}
    for name in arguments.only:
        curves |= train(name, arguments)
    rows = summary(curves)
    print(f"\n{arguments.minutes:g} minutes a run, {host.describe_devices()}")
    print_table(rows)
    text = json.dumps({"arguments": str(arguments), "rows": rows}, indent=1)
    (arguments.output / "advection.json").write_text(text + "\n")
    figure = arguments.output / "advection.svg"
    draw(curves).savefig(figure, metadata={"Date": None})
    print(figure)


def train(name: str, arguments: argparse.Namespace) -> Curves:
    """One set's runs; none where its file is missing."""
    fields = fields_of(name, arguments)
    if fields is None:
        return {}
    keys = [(name, t, seed) for seed in arguments.seeds for t in TRANSPORTS]
    runs = {
        f"{name} {transport} {seed}": fields
        | {"model.transport": transport, "seed": seed}
        for name, transport, seed in keys
    }
    curves = train_all(runs, arguments.output)
    return dict(zip(keys, curves.values(), strict=True))


def fields_of(name: str, arguments: argparse.Namespace) -> dict[str, object] | None:
    """What a run on a set takes, for `train_all`; None where its file is missing."""
    experiment = SETS[name]
    fields: dict[str, object] = {
        field.removeprefix("config."): value
        for field, value in experiment.flags.items()
    }
    fields |= FURTHER.get(name, {}) | {"config": experiment.config}
    fields["train.minutes"] = arguments.minutes
    if experiment.file:
        file = pathlib.Path(arguments.data or "").absolute() / experiment.file
        if not file.exists():
            print(f"{name}: left out, {file} is not there; --data names its folder")
            return None
        fields["data.path"] = file
    return fields


def summary(curves: Curves) -> list[dict]:
    """A row of `compare` for each transport, set by set."""
    groups = {name: {t: [] for t in TRANSPORTS} for name, _, _ in curves}
    for (name, transport, _), curve in curves.items():
        groups[name][transport].append(curve)
    return [
        {"set": NAMES[name]} | row for name, of in groups.items() for row in compare(of)
    ]


def print_table(rows: list[dict]) -> None:
    """Score of all frames ahead and of the first, from the lowest to the highest."""
    print(
        "| set | metric | transport | ms a step | steps | rollout | first frame "
        f"| seconds | rollout | first frame |\n{'|---' * 10}|"
    )
    for row in rows:
        cells = [row["set"], row["metric"], row["name"], f"{row['milliseconds']:.0f}"]
        for place in ("steps", "seconds"):
            cells.append(f"{row[place]:.0f}")
            for scores in zip(*row[f"after {place}"], strict=True):
                ends = dict.fromkeys(f"{end(scores):.3g}" for end in (min, max))
                cells.append(" to ".join(ends))
        print(f"| {' | '.join(cells)} |")


def draw(curves: Curves):
    """Score of the rollout against seconds of training, set by set."""
    plt.rcParams |= {"font.size": 9, "svg.hashsalt": "adr_jax"}
    metrics = {name: curve[0].metric for (name, *_), curve in curves.items()}
    names = list(metrics)
    figure, panels = plt.subplots(
        1, len(names), figsize=(2.6 * len(names), 2.8), layout="tight", squeeze=False
    )
    for panel, name in zip(panels[0], names, strict=True):
        for (of, transport, seed), curve in curves.items():
            if of == name:
                label = transport if seed == next(iter(curves))[2] else None
                panel.plot(
                    [validation.seconds for validation in curve],
                    [validation.score for validation in curve],
                    color=COLOURS[transport],
                    linewidth=1.2,
                    label=label,
                )
        panel.set_title(f"{NAMES[name]}: {arrowed(metrics[name])}", fontsize=9)
        panel.set_xlabel("seconds of training")
    for panel, name in zip(panels[0], names, strict=True):
        if name == "shallow_water":
            panel.set_yscale("log")
    panels[0][0].set_ylabel("validation score")
    panels[0][0].legend(frameon=False)
    return figure


if __name__ == "__main__":
    main()
