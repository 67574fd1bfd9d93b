"""Measure what advection is worth: push, pull and none on five data sets.

    python benchmarks/experiments/advection.py [--data FOLDER] [--minutes 1.25]
        [--seeds 0 1]
        [--only NAME ...] [--output runs/advection]

On each set its configuration trains three times from each seed, with another transport
each time. Without transport a residual convolution of as many parameters takes its
place. Each run has the same minutes on one core of its own, and one_core.COMMON in the
place of its optimiser: AdamW at a constant rate, no forecasts fed back. Scores are
those of the validation split by the set's first metric. Real samples are read from
FOLDER (default $ADR_JAX_TEST_DATA). A set without its file is left out, and a line says
so. Started again, it continues with what is missing. Writes advection.json and
advection.svg.
"""

import argparse
import pathlib

import matplotlib.pyplot as plt
from datasets import SETS
from one_core import Curve, arrowed, compare, train_all
from outcome import as_range, parser, print_setting, print_table, set_style, write

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
    options = parser(__doc__, "advection", minutes=1.25, seeds=(0, 1), data=True)
    options.add_argument("--only", nargs="+", choices=tuple(NAMES), default=list(NAMES))
    arguments = options.parse_args()
    curves = {}
    for name in arguments.only:
        curves |= train(name, arguments)
    rows = summary(curves)
    print_setting(arguments)
    print_scores(rows)
    write("advection", arguments, {"rows": rows}, draw(curves))


def train(name: str, arguments: argparse.Namespace) -> Curves:
    """Train on one set; return no curves where its file is missing."""
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
    """Return a set's fields for `train_all`; None where its file is missing."""
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
    """Return a row of `compare` for each transport, set by set."""
    groups = {name: {t: [] for t in TRANSPORTS} for name, _, _ in curves}
    for (name, transport, _), curve in curves.items():
        groups[name][transport].append(curve)
    return [
        {"set": NAMES[name]} | row
        for name, by_transport in groups.items()
        for row in compare(by_transport)
    ]


def print_scores(rows: list[dict]) -> None:
    """Print the range over seeds of the rollout's score and of the first frame's."""
    heads = ["set", "metric", "transport", "ms a step"]
    for unit in ("steps", "seconds"):
        heads += [unit, "rollout", "first frame"]
    lines = []
    for row in rows:
        cells = [row["set"], row["metric"], row["name"], f"{row['milliseconds']:.0f}"]
        for unit in ("steps", "seconds"):
            cells.append(f"{row[unit]:.0f}")
            cells += [as_range(s) for s in zip(*row[f"after {unit}"], strict=True)]
        lines.append(cells)
    print_table(heads, lines)


def draw(curves: Curves):
    """Draw the rollout's score by seconds of training, a panel for each set."""
    set_style()
    metrics = {name: curve[0].metric for (name, *_), curve in curves.items()}
    names = list(metrics)
    figure, panels = plt.subplots(
        1, len(names), figsize=(2.6 * len(names), 2.8), layout="tight", squeeze=False
    )
    for panel, name in zip(panels[0], names, strict=True):
        for (run_set, transport, seed), curve in curves.items():
            if run_set == name:
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
