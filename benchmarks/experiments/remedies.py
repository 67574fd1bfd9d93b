"""What keeps a rollout together: one remedy at a time, and four together.

    python benchmarks/experiments/remedies.py [--minutes 3] [--seed 0]
        [--output runs/remedies]

Shallow water on half as many cells and frames (`configs/shallow_water.py:coarse`), the
same minutes a run on one core of its own, as many at a time as there are cores. Every
row changes one thing of the first one, the configuration of our first results; the last
ones put four together. Scores are nRMSE on the test split: of one step, and of a
rollout of 41. Started again, it goes on with what is missing. Writes remedies.json.
"""

import argparse
import json
import pathlib

from etils import epath
from one_core import train_all, workdir_of

from adr_jax.evaluation.workdir import read_results
from adr_jax.training.devices import host

FIRST = {
    "config": "configs/shallow_water.py:coarse",
    "model.reaction": "pointwise",
    "model.frames_out": 1,
    "train.schedule": "cosine",
    "train.learning_rate": 2e-3,
    "train.noise": 0.3,
    "train.validate_every": 100,
    "eval.protocols": "('one_step', 'rollout')",
}
MUON = {"train.optimizer": "muon", "train.learning_rate": 1e-2}
TOGETHER = MUON | {"model.frames_out": 2, "train.noise": 0.1, "model.reaction": "conv"}
LATE = {"train.feedback": 2, "train.feedback_after": 0.5}
REMEDIES = {
    "first": {},
    "no noise": {"train.noise": 0.0},
    "a third of the noise": {"train.noise": 0.1},
    "own forecasts, 2 fed back": LATE,
    "own forecasts, pushforward": LATE | {"train.feedback_gradient": 1},
    "base: the last frame": {"model.head": "persistence"},
    "sums not kept": {"model.conserve": False},
    "2 frames at once": {"model.frames_out": 2},
    "4 frames at once": {"model.frames_out": 4},
    "no diffusion": {"model.diffusion": "none"},
    "reaction of 3 x 3 cells": {"model.reaction": "conv"},
    "no transport": {"model.transport": "none"},
    "muon": MUON,
    "together": TOGETHER,
    "together, no transport": TOGETHER | {"model.transport": "none"},
    "together, own forecasts": TOGETHER | LATE,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=3.0, help="of each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=REMEDIES, default=list(REMEDIES))
    parser.add_argument("--output", type=pathlib.Path, default="runs/remedies")
    arguments = parser.parse_args()
    same = FIRST | {"train.minutes": arguments.minutes, "seed": arguments.seed}
    runs = {name: same | REMEDIES[name] for name in arguments.only}
    curves = train_all(runs, arguments.output)
    rows = [
        {"remedy": name, "steps": curves[name][-1].step}
        | scores(workdir_of(name, arguments.output))
        for name in runs
    ]
    print(f"\n{arguments.minutes:g} minutes a run, {host.describe_devices()}")
    print("| remedy | steps | one step | rollout of 41 |\n|---|---|---|---|")
    for row in rows:
        one, far = row["one_step"], row["rollout"]
        print(f"| {row['remedy']} | {row['steps']:,} | {one:.2e} | {far:.2e} |")
    text = json.dumps({"arguments": str(arguments), "rows": rows}, indent=1)
    (arguments.output / "remedies.json").write_text(text + "\n")


def scores(workdir: pathlib.Path) -> dict[str, float]:
    """NRMSE of a run by protocol."""
    protocols = read_results(epath.Path(workdir))["protocols"]
    return {name: of["model"]["nrmse"] for name, of in protocols.items()}


if __name__ == "__main__":
    main()
