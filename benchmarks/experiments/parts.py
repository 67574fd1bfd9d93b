"""Measure what each part of ADRNet is worth: the same run with one part changed.

    python benchmarks/experiments/parts.py [--config configs/shallow_water.py]
        [--minutes 3]
        [--output runs/parts] [--set train.batch_size=8 ...]

Every run trains for the same minutes at a constant rate and validates its averaged
parameters on the way. So one run gives the score after equal steps and after equal
seconds. Each run has a core of its own, and as many run at a time as there are cores
(Linux). All parts run with seed 0. The network as it is and the two changes with the
largest effect after equal seconds also run with seeds 1 and 2. Started again, it
continues with what is missing. Writes parts.json and parts.svg.
"""

import argparse
import math
import statistics
from collections.abc import Iterable

import matplotlib.pyplot as plt
from one_core import Curve, compare, train_all
from outcome import parser, print_table, set_style, write

from adr_jax.training.devices import host

AS_IT_IS = "as it is"
PARTS = {
    AS_IT_IS: {},
    "no transport": {"transport": "none"},
    "pull for push": {"transport": "pull"},
    "no diffusion": {"diffusion": "none"},
    "exact diffusion": {"diffusion": "exact"},
    "reaction of 3 x 3 cells": {"reaction": "conv"},
    "one displacement field": {"displacement_fields": 1},
    "four displacement fields": {"displacement_fields": 4},
}
# A plain network, on a grid that leaves time for many runs.
PLAIN = ["data.cells=64", "model.reaction=pointwise", "model.frames_out=1"]
PLAIN += ["train.noise=0.3"]
MOMENTS = ("after steps", "after seconds")


def main() -> None:
    options = parser(__doc__, "parts", minutes=3.0)
    options.add_argument("--config", default="configs/shallow_water.py")
    options.add_argument(
        "--set", nargs="*", default=PLAIN, help="further fields, NAME=VALUE"
    )
    arguments = options.parse_args()
    curves = train(PARTS, [0], arguments)
    chosen = (AS_IT_IS, *most_different(summary(curves)))
    curves |= train(chosen, [1, 2], arguments)
    print(f"\n{arguments.config}, {arguments.set}, {host.describe_devices()}")
    rows = summary(curves)
    print_scores(rows)
    write("parts", arguments, {"rows": rows}, draw(rows))


def train(
    parts: Iterable[str], seeds: list[int], arguments: argparse.Namespace
) -> dict[tuple[str, int], Curve]:
    """Train each part with each seed; return the validations."""
    common = {"config": arguments.config, "train.minutes": arguments.minutes}
    common |= dict(setting.split("=", 1) for setting in arguments.set)
    runs = {}
    for part in parts:
        model = {f"model.{name}": value for name, value in PARTS[part].items()}
        for seed in seeds:
            runs[part, seed] = common | model | {"seed": seed}
    named = {f"{part} {seed}": fields for (part, seed), fields in runs.items()}
    return dict(zip(runs, train_all(named, arguments.output).values(), strict=True))


def summary(curves: dict[tuple[str, int], Curve]) -> list[dict]:
    """Return a row of `compare` for each part."""
    groups = {part: [] for part in PARTS}
    for (part, _), curve in curves.items():
        groups[part].append(curve)
    return compare(groups)


def most_different(rows: list[dict]) -> list[str]:
    """Return the two parts with the largest effect after equal seconds."""
    scores = {row["name"]: row["after seconds"][0][0] for row in rows}

    def distance(part: str) -> float:
        return abs(math.log(scores[part] / scores[AS_IT_IS]))

    return sorted(scores, key=distance)[-2:]


def print_scores(rows: list[dict]) -> None:
    """Print the score of the rollout and of its first frame for each row."""
    first = rows[0]
    heads = ["part", "seeds", "ms a step"]
    for moment in (f"{first['steps']} steps", f"{first['seconds']:.0f} s"):
        heads += [f"after {moment}: rollout", "first frame"]
    cells = [
        [row["name"], row["seeds"], f"{row['milliseconds']:.0f}"]
        + [
            mean_and_spread(scores)
            for moment in MOMENTS
            for scores in zip(*row[moment], strict=True)
        ]
        for row in rows
    ]
    print_table(heads, cells)


def mean_and_spread(values: Iterable[float]) -> str:
    """Return the mean and, for several values, half their range."""
    values = list(values)
    text = f"{statistics.mean(values):.3g}"
    half = (max(values) - min(values)) / 2
    return f"{text} ± {half:.1g}" if len(values) > 1 else text


def draw(rows: list[dict]):
    """Draw the rollout's score of each part, a dot for each seed."""
    set_style()
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="tight")
    for panel, moment in zip(panels, MOMENTS, strict=True):
        for height, row in enumerate(reversed(rows)):
            scores = [score for score, _ in row[moment]]
            heights = [height] * len(scores)
            panel.plot(scores, heights, "o", color="#0072b2", alpha=0.7)
        base = statistics.mean(score for score, _ in rows[0][moment])
        panel.axvline(base, color="#999999", linewidth=1)
        panel.set_xscale("log")
        unit = moment.removeprefix("after ")
        panel.set_xlabel(f"validation score after {rows[0][unit]:.0f} {unit}")
    panels[0].set_yticks(range(len(rows)), [row["name"] for row in reversed(rows)])
    return figure


if __name__ == "__main__":
    main()
