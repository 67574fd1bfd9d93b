"""Trainings side by side, each on a core of its own, and their validation scores.

Two runs of one core each take more steps than two runs of two cores one after the
other. Neither disturbs the other, as two runs that share their cores would (Linux
only).
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from adr_jax.evaluation.metrics import direction

ROOT = pathlib.Path(__file__).parents[2]
# A run can be read at any of its steps: the rate is constant, and the averaged
# parameters are validated often. No run scores the test split unless asked to.
COMMON = {
    "train.optimizer": "adamw",
    "train.schedule": "constant",
    "train.learning_rate": 1e-3,
    "train.ema": 0.99,
    "train.feedback": 0,
    "train.validate_every": 50,
    "train.checkpoint_every": 50,
    "eval.protocols": "()",
}
# Called CNN in the tables: ADRNet whose blocks add the displacement fields to the
# state, a residual convolution of as many parameters in the place of transport.
CNN = {"model.transport": "none"}


class Validation(NamedTuple):
    """The scores of a run at some step."""

    step: int
    seconds: float
    # The data set's first metric, over all validation frames, and over the first.
    metric: str
    score: float
    first_frame: float
    # Over all validation frames, by each metric of the set.
    scores: Mapping[str, float]


Curve = list[Validation]


def train_all(
    runs: Mapping[str, Mapping[str, object]], output: pathlib.Path
) -> dict[str, Curve]:
    """Train as many runs at a time as there are cores; return their validations.

    Args:
      runs: by name, the fields of each run's configuration, which override COMMON;
        "config" is the file.
      output: folder of their workdirs; a run that is there already is continued, or
        read where it has ended.
    """
    cores = list(os.sched_getaffinity(0))

    def keep_to_one() -> None:
        os.sched_setaffinity(0, {cores.pop()})  # of this thread and its children

    def run(name: str) -> Curve:
        curve = _train(name, runs[name], output)
        last = curve[-1]
        print(
            f"{name}: {last.score:.3g}, {last.step} steps in {last.seconds:.0f} s",
            flush=True,
        )
        return curve

    with ThreadPoolExecutor(len(cores), initializer=keep_to_one) as pool:
        return dict(zip(runs, pool.map(run, runs), strict=True))


def workdir_of(name: str, output: pathlib.Path) -> pathlib.Path:
    """Return the folder of the run of this name."""
    return output.absolute() / name.replace(",", "").replace(" ", "_")


def _train(name: str, fields: Mapping[str, object], output: pathlib.Path) -> Curve:
    workdir = workdir_of(name, output)
    fields = COMMON | dict(fields)
    flags = {"config": fields.pop("config"), "workdir": workdir}
    flags |= {f"config.{field}": value for field, value in fields.items()}
    command = [sys.executable, ROOT / "train.py"]
    command += [f"--{flag}={value}" for flag, value in flags.items()]
    log = output / f"{workdir.name}.log"
    output.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        process = subprocess.run(command, stdout=file, stderr=file, cwd=ROOT)
    if process.returncode:
        sys.exit(f"{name} failed; {log} says why")
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [
        _validation(line) for line in map(json.loads, lines) if "train_seconds" in line
    ]


def _validation(line: Mapping) -> Validation:
    scores = {
        key.removeprefix("validation_"): score
        for key, score in line.items()
        if key.startswith("validation_")
    }
    metric = next(iter(scores))
    first_frame = scores.pop(f"{metric}_first_step")
    return Validation(
        line["step"], line["train_seconds"], metric, scores[metric], first_frame, scores
    )


def scored_by(metric: str, curve: Curve) -> Curve:
    """Return the curve by another metric, without scores of the first frame."""
    return [
        validation._replace(
            metric=metric, score=validation.scores[metric], first_frame=np.nan
        )
        for validation in curve
    ]


def compare(groups: Mapping[str, Sequence[Curve]]) -> list[dict]:
    """Compare groups of runs after as many steps, and as many seconds, as all have.

    Returns:
      for each group, such as the seeds of one network: its "name", "seeds" and
      "milliseconds" a step; the "metric" with an arrow; the "steps" and "seconds" that
      all runs have; and "after steps" and "after seconds", (score, score of the first
      frame) of each run.
    """
    ends = [curve[-1] for curves in groups.values() for curve in curves]
    steps = min(end.step for end in ends)
    seconds = min(end.seconds for end in ends)
    return [
        {
            "name": name,
            "seeds": len(curves),
            "milliseconds": 1e3
            * statistics.mean(c[-1].seconds / c[-1].step for c in curves),
            "metric": arrowed(ends[0].metric),
            "steps": steps,
            "seconds": seconds,
            "after steps": [_at(curve, "step", steps) for curve in curves],
            "after seconds": [_at(curve, "seconds", seconds) for curve in curves],
        }
        for name, curves in groups.items()
    ]


def arrowed(metric: str) -> str:
    """Return the metric's name with an arrow to where it is better."""
    return f"{metric} {'↑' if direction(metric) == 'higher' else '↓'}"


def _at(curve: Curve, field: str, position: float) -> tuple[float, float]:
    """Return both scores at a step or second, interpolated between validations."""
    positions = [getattr(validation, field) for validation in curve]

    def interpolated(values: list[float]) -> float:
        return float(np.interp(position, positions, values))

    return (
        interpolated([validation.score for validation in curve]),
        interpolated([validation.first_frame for validation in curve]),
    )
