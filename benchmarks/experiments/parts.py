"""What each part of ADRNet is worth: the same run with one part changed at a time.

    python benchmarks/experiments/parts.py [--config configs/shallow_water.py]
        [--minutes 3]
        [--output runs/parts] [--set train.batch_size=8 ...]

Every run trains for the same minutes at a constant rate, its averaged parameters
validated on the way, so that one run tells both the score after equal steps and that
after equal seconds. Each has one core, and as many as there are cores run at a time
(Linux). Seed 0 for all; then seeds 1 and 2 for the model as it is and for the two
changes that made the largest difference after equal seconds. Started again, it goes on
with what is missing. Writes parts.json and parts.svg.
"""

import argparse
import json
import math
import pathlib
import statistics
from collections.abc import Iterable

import matplotlib.pyplot as plt
from one_core import Curve, compare, train_all

from adr_jax.training.devices import host

AS_IT_IS = "as it is"
PARTS = {
    AS_IT_IS: {},
    "no transport": {"transport": "none"},
    "pull for push": {"transport": "pull"},
    "no diffusion": {"diffusion": "none"},
    "exact diffusion": {"diffusion": "exact"},
    "reaction of 3 x 3 cells": {"reaction": "conv"},
    "reaction first": {"splitting": "rda"},
    "Strang splitting": {"splitting": "strang"},
    "one displacement field": {"displacement_fields": 1},
    "four displacement fields": {"displacement_fields": 4},
    "balance learned": {"balance": "learned"},
    "balance predicted": {"balance": "predicted"},
}

# The network with one of each part, on a grid that leaves time for many runs.
PLAIN = ["data.cells=64", "model.reaction=pointwise", "model.frames_out=1"]
PLAIN += ["train.noise=0.3"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="configs/shallow_water.py")
    parser.add_argument("--minutes", type=float, default=3.0, help="of each run")
    parser.add_argument("--output", type=pathlib.Path, default="runs/parts")
    parser.add_argument(
        "--set", nargs="*", default=PLAIN, help="further fields, NAME=VALUE"
    )
    arguments = parser.parse_args()
    curves = train(PARTS, [0], arguments)
    chosen = (AS_IT_IS, *most_different(summary(curves)))
    curves |= train(chosen, [1, 2], arguments)
    print(f"\n{arguments.config}, {arguments.set}, {host.describe_devices()}")
    rows = summary(curves)
    print_table(rows)
    text = json.dumps({"arguments": str(arguments), "rows": rows}, indent=1)
    (arguments.output / "parts.json").write_text(text + "\n")
    draw(rows).savefig(arguments.output / "parts.svg", metadata={"Date": None})
    print(arguments.output / "parts.svg")


def train(
    parts: Iterable[str], seeds: list[int], arguments
) -> dict[tuple[str, int], Curve]:
    """The validations of each part with each seed."""
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
    """A row of `compare` for each part."""
    groups = {part: [] for part in PARTS}
    for (part, _), curve in curves.items():
        groups[part].append(curve)
    return compare(groups)


def most_different(rows: list[dict]) -> list[str]:
    """The two parts farthest from the model as it is, after equal seconds."""
    scores = {row["name"]: row["after seconds"][0][0] for row in rows}

    def distance(part: str) -> float:
        return abs(math.log(scores[part] / scores[AS_IT_IS]))

    return sorted(scores, key=distance)[-2:]


def print_table(rows: list[dict]) -> None:
    """Score of the rollout and of its first frame, for each row."""
    first = rows[0]
    print(
        f"| part | seeds | ms a step | after {first['steps']} steps: rollout | "
        f"first frame | after {first['seconds']:.0f} s: rollout | first frame |\n"
        f"|---|---|---|---|---|---|---|"
    )
    for row in rows:
        cells = [
            mean_and_spread(score[k] for score in row[place])
            for place in ("after steps", "after seconds")
            for k in (0, 1)
        ]
        facts = [row["name"], str(row["seeds"]), f"{row['milliseconds']:.0f}"]
        print(f"| {' | '.join(facts + cells)} |")


def mean_and_spread(values: Iterable[float]) -> str:
    """Mean, and half the range of several."""
    values = list(values)
    text = f"{statistics.mean(values):.3g}"
    half = (max(values) - min(values)) / 2
    return f"{text} ± {half:.1g}" if len(values) > 1 else text


def draw(rows: list[dict]):
    """A dot for each seed: the rollout's score, part by part."""
    plt.rcParams |= {"font.size": 9, "svg.hashsalt": "adr_jax"}
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="tight")
    for panel, place in zip(panels, ("after steps", "after seconds"), strict=True):
        for height, row in enumerate(reversed(rows)):
            scores = [score[0] for score in row[place]]
            panel.plot(scores, [height] * len(scores), "o", color="#0072b2", alpha=0.7)
        base = statistics.mean(score[0] for score in rows[0][place])
        panel.axvline(base, color="#999999", linewidth=1)
        panel.set_xscale("log")
        unit = place.removeprefix("after ")
        panel.set_xlabel(f"validation score after {rows[0][unit]:.0f} {unit}")
    panels[0].set_yticks(range(len(rows)), [row["name"] for row in reversed(rows)])
    return figure


if __name__ == "__main__":
    main()
