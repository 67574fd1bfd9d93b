"""Many trainings at a time, each on a core of its own, and how each one went.

Two runs of one core each get through more steps than one run of two cores does twice,
and neither disturbs the other as two runs that share their cores would (Linux only).
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
# So that a run can be read at any of its steps: no schedule that ends with it, and the
# averaged parameters validated often. The test split is left to those who score it.
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


class Validation(NamedTuple):
    """What a run had reached at some step."""

    step: int
    seconds: float
    # The data set's first one, by which all validation frames are scored, and the first
    # of them.
    metric: str
    score: float
    first_frame: float
    # All validation frames by each metric of the set.
    scores: Mapping[str, float]


Curve = list[Validation]


def train_all(
    runs: Mapping[str, Mapping[str, object]], output: pathlib.Path
) -> dict[str, Curve]:
    """The validations of each run, as many at a time as there are cores.

    Args:
      runs: fields of each run's config, after its name; "config" is the file. They
        come on top of COMMON.
      output: folder of their workdirs; what is there already goes on, or is read.
    """
    cores = list(os.sched_getaffinity(0))

    def keep_to_one() -> None:
        os.sched_setaffinity(0, {cores.pop()})  # of this thread, and what it starts

    def run(name: str) -> Curve:
        curve = _train(name, runs[name], output)
        last = curve[-1]
        said = f"{last.score:.3g}, {last.step} steps in {last.seconds:.0f} s"
        print(f"{name}: {said}", flush=True)
        return curve

    with ThreadPoolExecutor(len(cores), initializer=keep_to_one) as pool:
        return dict(zip(runs, pool.map(run, runs), strict=True))


def workdir_of(name: str, output: pathlib.Path) -> pathlib.Path:
    """Where the run of this name writes."""
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
    with log.open("w") as said:
        ended = subprocess.run(command, stdout=said, stderr=said, cwd=ROOT)
    if ended.returncode:
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
    at = line["step"], line["train_seconds"]
    return Validation(*at, metric, scores[metric], first_frame, scores)


def scored_by(metric: str, curve: Curve) -> Curve:
    """The same validations by another metric, which has no score of the first frame."""
    return [
        of._replace(metric=metric, score=of.scores[metric], first_frame=np.nan)
        for of in curve
    ]


def compare(groups: Mapping[str, Sequence[Curve]]) -> list[dict]:
    """What each group of runs, such as its seeds, had reached when all were there.

    Returns:
      a row for each group: its "name", "seeds", "milliseconds" a step; the "metric"
      with an arrow to where it is better; the "steps" and the "seconds" that all runs
      have; and "after steps" and "after seconds", (score, score of the first frame) of
      each run of the group.
    """
    ends = [curve[-1] for curves in groups.values() for curve in curves]
    steps = min(end.step for end in ends)
    seconds = min(end.seconds for end in ends)
    rows = []
    for name, curves in groups.items():
        per_step = statistics.mean(c[-1].seconds / c[-1].step for c in curves)
        rows.append(
            {
                "name": name,
                "seeds": len(curves),
                "milliseconds": 1e3 * per_step,
                "metric": arrowed(ends[0].metric),
                "steps": steps,
                "seconds": seconds,
                "after steps": [_at(curve, "step", steps) for curve in curves],
                "after seconds": [_at(curve, "seconds", seconds) for curve in curves],
            }
        )
    return rows


def arrowed(metric: str) -> str:
    """The metric's name, with an arrow to where it is better."""
    return f"{metric} {'↑' if direction(metric) == 'higher' else '↓'}"


def _at(curve: Curve, field: str, place: float) -> tuple[float, float]:
    """Both scores at a step or second, on a line between two validations."""
    places = [getattr(validation, field) for validation in curve]

    def there(values: list[float]) -> float:
        return float(np.interp(place, places, values))

    return there([v.score for v in curve]), there([v.first_frame for v in curve])
