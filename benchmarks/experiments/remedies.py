"""Measure what keeps a rollout together: one remedy at a time, then four together.

    python benchmarks/experiments/remedies.py [--minutes 3] [--seed 0]
        [--output runs/remedies]

Runs are of shallow water on half as many cells and frames
(`configs/shallow_water.py:coarse`). Each takes the same minutes on one core of its own,
and as many run at a time as there are cores. Every row changes one thing of the first
one, the configuration of our first results. The last ones put four together. Scores are
nRMSE on the test split, of one step and of a rollout of 41. Started again, it continues
with what is missing. Writes remedies.json.
"""

import pathlib

from etils import epath
from one_core import train_all, workdir_of
from outcome import parser, print_setting, print_table, write

from adr_jax.evaluation.workdir import read_results

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
    options = parser(__doc__, "remedies", minutes=3.0, seed=0)
    options.add_argument("--only", nargs="+", choices=REMEDIES, default=list(REMEDIES))
    arguments = options.parse_args()
    same = FIRST | {"train.minutes": arguments.minutes, "seed": arguments.seed}
    runs = {name: same | REMEDIES[name] for name in arguments.only}
    curves = train_all(runs, arguments.output)
    rows = [
        {"remedy": name, "steps": curves[name][-1].step}
        | scores(workdir_of(name, arguments.output))
        for name in runs
    ]
    print_setting(arguments)
    print_table(
        ["remedy", "steps", "one step", "rollout of 41"],
        [
            [row["remedy"], f"{row['steps']:,}"]
            + [f"{row[protocol]:.2e}" for protocol in ("one_step", "rollout")]
            for row in rows
        ],
    )
    write("remedies", arguments, {"rows": rows})


def scores(workdir: pathlib.Path) -> dict[str, float]:
    """Return the nRMSE of a run by protocol."""
    protocols = read_results(epath.Path(workdir))["protocols"]
    return {name: rows["model"]["nrmse"] for name, rows in protocols.items()}


if __name__ == "__main__":
    main()
