"""Measure what advection is worth: in the frame, in the state, in both, in neither.

    python benchmarks/experiments/advection.py [--data FOLDER] [--minutes 1]
        [--seeds 0 1]
        [--only NAME ...] [--output runs/advection]

On each set its configuration trains four times from each seed. "Frame": it starts from
the last frame carried along the measured motion (head advection). "State": its blocks
move their hidden state by displacements they learn. Without the first, the network adds
to the base that the set had before, PLAIN; without the second, a residual convolution
of as many parameters takes the place of transport.

Each run has the same minutes on one core of its own, and one_core.COMMON in the place
of its optimiser: AdamW at a constant rate, no forecasts fed back. Scores are those of
the validation split by the set's first metric, beside the last frame carried along its
motion with nothing learned. Blocks find displacements of waves that are seen rarely on
coarser levels too. Real samples are read from FOLDER (default $ADR_JAX_TEST_DATA). A
set without its file is left out, and a line says so. Started again, it continues with
what is missing. Writes advection.json and advection.svg.
"""

import argparse
import math
import pathlib

import matplotlib.pyplot as plt
from datasets import SETS
from one_core import Curve, arrowed, compare, train_all
from outcome import as_range, parser, print_setting, print_table, set_style, write

COLOURS = {
    "neither": "#999999",
    "state": "#0072b2",
    "frame": "#d55e00",
    "both": "#cc79a7",
}
WAYS = tuple(COLOURS)
NAMES = {
    "synthetic_vortex": "vortices",
    "radar": "radar",
    "satellite": "satellite",
    "cloud_sample": "cloud sample",
    "ocean": "ocean tracer",
    "shallow_water": "shallow water",
    "waves_5": "every 5th frame",
    "waves_10": "every 10th frame",
}
# Sets that are another one, changed: waves seen so rarely that they move cells a frame.
CHANGED = {"waves_5": "shallow_water", "waves_10": "shallow_water"}
# Waves at half the resolution, where a minute is worth 300 steps.
COARSE = {"data.cells": 64, "model.conserve": False}
RARE = {"data.history": 4, "model.context": 3, "train.validation_frames": 6}
FURTHER = {
    "shallow_water": COARSE,
    "waves_5": COARSE | RARE | {"data.frames": 21},
    "waves_10": COARSE | RARE | {"data.frames": 11},
}
# Heads without measured motion, and how many frames they forecast at once.
PLAIN = dict.fromkeys(NAMES, ("persistence", 1)) | {
    "radar": ("frames", 1),
    "cloud_sample": ("persistence", 4),
    "shallow_water": ("extrapolation", 1),
    "waves_5": ("extrapolation", 1),
}
# The longest lead of a set whose configuration has another head.
LONGEST = {"shallow_water": 20, "waves_5": 6, "waves_10": 6}

Curves = dict[tuple[str, str, int], Curve]


def main() -> None:
    options = parser(__doc__, "advection", minutes=1.0, seeds=(0, 1), data=True)
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
    keys = [(name, way, seed) for seed in arguments.seeds for way in WAYS]
    runs = {
        f"{name} {way} {seed}": fields | of_way(name, way) | {"seed": seed}
        for name, way, seed in keys
    }
    curves = train_all(runs, arguments.output)
    return dict(zip(keys, curves.values(), strict=True))


def of_way(name: str, way: str) -> dict[str, object]:
    """Return the fields that put advection into the frame, the state, both, neither."""
    fields: dict[str, object] = {
        "model.transport": "pull" if way in ("state", "both") else "none"
    }
    if way in ("neither", "state"):
        head, at_once = PLAIN[name]
        return fields | {"model.head": head, "model.frames_out": at_once}
    fields["model.head"] = "advection"
    if name in LONGEST:
        fields["model.frames_out"] = LONGEST[name]
    return fields


def fields_of(name: str, arguments: argparse.Namespace) -> dict[str, object] | None:
    """Return a set's fields for `train_all`; None where its file is missing."""
    experiment = SETS[CHANGED.get(name, name)]
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
    """Return a row of `compare` for each way, set by set, and one of nothing learned.

    A run in the frame is validated before its first step.
    """
    groups = {name: {way: [] for way in WAYS} for name, _, _ in curves}
    for (name, way, _), curve in curves.items():
        groups[name][way].append(curve)
    rows = []
    for name, by_way in groups.items():
        untrained = by_way["frame"][0][0]
        scores = [(untrained.score, untrained.first_frame)]
        compared = compare(by_way)
        nothing = {"after steps": scores, "after seconds": scores, "steps": 0}
        nothing |= {"name": "nothing learned", "milliseconds": math.nan, "seconds": 0}
        rows += [{"set": NAMES[name]} | row for row in compared]
        rows.append({"set": NAMES[name], "metric": compared[0]["metric"]} | nothing)
    return rows


def print_scores(rows: list[dict]) -> None:
    """Print the range over seeds of the rollout's score and of the first frame's."""
    heads = ["set", "metric", "advection in", "ms a step"]
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
        for (run_set, way, seed), curve in curves.items():
            if run_set == name:
                label = way if seed == next(iter(curves))[2] else None
                panel.plot(
                    [validation.seconds for validation in curve],
                    [validation.score for validation in curve],
                    color=COLOURS[way],
                    linewidth=1.2,
                    label=label,
                )
        panel.set_title(f"{NAMES[name]}: {arrowed(metrics[name])}", fontsize=9)
        panel.set_xlabel("seconds of training")
    for panel, name in zip(panels[0], names, strict=True):
        if name in ("shallow_water", "synthetic_vortex", *CHANGED):
            panel.set_yscale("log")
    panels[0][0].set_ylabel("validation score")
    panels[0][0].legend(frameon=False)
    return figure


if __name__ == "__main__":
    main()
