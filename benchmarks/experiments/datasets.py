"""Train every data set's configuration for minutes and score it: one table.

    python benchmarks/experiments/datasets.py [--data FOLDER] [--minutes 4 | --steps N]
        [--seed 0]
        [--only NAME ...] [--file NAME=PATH ...] [--again] [--output runs/datasets]

Each set trains in a process of its own, in OUTPUT/NAME. It is scored by its
configuration's protocols and by the first metric of each. Beside the model are
persistence, linear extrapolation and advected persistence. Data that can be made are
made. Real samples are read from FOLDER (default $ADR_JAX_TEST_DATA), by the names in
SETS or those of --file. A set without its file is left out, and a line says so.

The same command again continues: a set with a result is kept unless --again is given,
and one that was stopped resumes. Each result rewrites OUTPUT/datasets.json and
datasets.md.
"""

import argparse
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from etils import epath
from one_core import ROOT, arrowed
from outcome import parser

from adr_jax.data.files.atomic import written_whole
from adr_jax.evaluation.metrics import direction
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.workdir import read_results, write_json

FORECASTERS = ("model", "persistence", "extrapolation", "advected")


class Experiment(NamedTuple):
    """How a set is trained."""

    config: str
    # The real sample it needs, below --data; "" where its data are made.
    file: str = ""
    flags: Mapping[str, str] = {}


RADAR = "radar/knmi_20100826_128.h5"
SETS = {
    "shallow_water": Experiment("configs/shallow_water.py"),
    "shallow_water_mixed": Experiment("configs/shallow_water.py:mixed"),
    "cloud_sample": Experiment("configs/cloudcast.py:sample"),
    "moving_mnist": Experiment("configs/moving_mnist.py"),
    "kitti": Experiment(
        "configs/kitti.py",
        "kitti/kitti_128x160.h5",
        {"config.data.split": "in_time"},
    ),
    "radar": Experiment("configs/radar.py", RADAR),
    "satellite": Experiment(
        "configs/satellite.py", "satellite/msg_hrv_uk_20200401_small.h5"
    ),
    "ocean": Experiment("configs/ocean.py", "ocean/globcurrent_agulhas_2002_daily.h5"),
    **{
        f"synthetic_{shape}": Experiment(f"configs/synthetic.py:{shape}")
        for shape in ("uniform", "shear", "rotation", "vortex")
    },
    # A radar file, read as any file of one's own.
    "own": Experiment(
        "configs/own.py",
        RADAR,
        {"config.data.root": "", "config.data.variable": "dbz8"},
    ),
}


def main() -> None:
    options = parser(__doc__, "datasets", seed=0, data=True)
    length = options.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=4.0, help="of each training")
    length.add_argument("--steps", type=int, help="of each training, instead")
    options.add_argument("--only", nargs="+", choices=tuple(SETS), metavar="NAME")
    options.add_argument("--file", nargs="+", default=[], metavar="NAME=PATH")
    options.add_argument("--again", action="store_true")
    arguments = options.parse_args()
    if arguments.data:
        arguments.data = pathlib.Path(arguments.data).absolute()
    files = {}
    for given in arguments.file:
        name, _, path = given.partition("=")
        if not (name in SETS and path):
            options.error(f"--file {given}: expected NAME=PATH")
        files[name] = str(pathlib.Path(path).absolute())
    os.chdir(ROOT)  # the folder of configs/ and train.py
    failed = []
    for name in arguments.only or SETS:
        experiment = SETS[name]
        if name in files:
            experiment = experiment._replace(file=files[name])
        workdir = arguments.output / name
        if arguments.again:
            shutil.rmtree(workdir, ignore_errors=True)
        if (workdir / "results.json").exists():
            print(f"{name}: kept, {workdir} has its result", flush=True)
        elif reason := _missing(experiment, arguments.data):
            print(f"{name}: left out, {reason}", flush=True)
        elif not _train(name, experiment, workdir, arguments):
            failed.append(name)
        write(arguments.output)
    print((arguments.output / "datasets.md").read_text())
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; their logs are in {arguments.output}")


def _missing(experiment: Experiment, folder: pathlib.Path | None) -> str:
    """Return why an experiment cannot run, or ""."""
    file = pathlib.Path(experiment.file)
    if not experiment.file or file.is_file():
        return ""
    if folder is None:
        return f"it needs --data FOLDER with {file}, or --file"
    return "" if (folder / file).is_file() else f"no {folder / file}; see --file"


def _train(
    name: str,
    experiment: Experiment,
    workdir: pathlib.Path,
    arguments: argparse.Namespace,
) -> bool:
    """Train and score a set in a process of its own; return whether it succeeded."""
    flags = {"config": experiment.config, "workdir": workdir, **experiment.flags}
    if experiment.file:
        flags["config.data.path"] = experiment.file
    if arguments.steps:
        flags["config.train.steps"] = arguments.steps
        flags["config.train.minutes"] = 0.0
    else:
        flags["config.train.minutes"] = arguments.minutes
    flags["config.seed"] = arguments.seed
    command = ["train.py", *(f"--{flag}={value}" for flag, value in flags.items())]
    print(f"{name}: python {shlex.join(command)}", flush=True)
    workdir.parent.mkdir(parents=True, exist_ok=True)
    log = workdir.with_name(f"{name}.log")
    # Moving MNIST looks for its digits in the folder of samples, too.
    reads = arguments.data and (experiment.file or name == "moving_mnist")
    root = {"ADR_JAX_DATA": str(arguments.data)} if reads else {}
    with log.open("w") as output:
        process = subprocess.run(
            [sys.executable, *command],
            env=os.environ | {"PYTHONPATH": str(ROOT)} | root,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if process.returncode:
        lines = log.read_text().strip().splitlines() or ["nothing"]
        print(f"{name}: exit code {process.returncode}: {lines[-1]}", flush=True)
    return process.returncode == 0


def write(output: pathlib.Path) -> None:
    """Write the table of all results so far, as JSON and Markdown."""
    rows = [
        row
        for name in SETS
        if (output / name / "results.json").exists()
        for row in _rows(name, read_results(epath.Path(output / name)))
    ]
    output.mkdir(parents=True, exist_ok=True)
    write_json(epath.Path(output / "datasets.json"), {"rows": rows})
    with written_whole(output / "datasets.md") as partial:
        partial.write_text(_markdown(rows))


def _rows(set_name: str, result: Mapping) -> list[dict]:
    """Return a row for each protocol: its scores, and what they were made with."""
    shared = {
        "set": set_name,
        "step": result["step"],
        "seconds": result["train_seconds"],
        "seed": result["seed"],
        "parameters": result["parameters"],
        "device": result["trained_on"],
        "command": result["command"],
        "data": result["data"],
        "versions": result["versions"],
    }
    rows = []
    for protocol, scores in result["protocols"].items():
        metric = next(iter(scores["model"]))
        facts = {key: scores[key] for key in ("history", "horizon", "samples")}
        values = {name: scores[name][metric] for name in FORECASTERS}
        row = {"protocol": protocol, **facts, "metric": metric, **values}
        rows.append({"set": set_name, **row, **shared})
    return rows


def _markdown(rows: Sequence[Mapping]) -> str:
    """Return the table, the best score of each row in bold, and the commands."""
    heads = ("data set", "protocol", "windows", "metric", "ADRNet", *FORECASTERS[1:])
    heads += ("step", "seconds", "seed", "parameters")
    lines = [heads, ("---",) * len(heads)]
    for row in rows:
        is_higher = direction(row["metric"]) == "higher"
        best = (max if is_higher else min)(row[name] for name in FORECASTERS)
        scores = [
            f"**{numeral(row[name])}**" if row[name] == best else numeral(row[name])
            for name in FORECASTERS
        ]
        protocol = f"`{row['protocol']}`: {row['history']} in, {row['horizon']} out"
        metric = arrowed(row["metric"])
        facts = (row["step"], f"{row['seconds']:.0f}", row["seed"], row["parameters"])
        cells = (row["set"], protocol, row["samples"], metric, *scores, *facts)
        lines.append(tuple(map(str, cells)))
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    made = {row["set"]: (row["command"], row["device"]) for row in rows}
    commands = "".join(
        f"- {name}, on {device}: `{command}`\n"
        for name, (command, device) in made.items()
    )
    return (
        f"{table}\nThe step is that of the best model by validation, the seconds are "
        f"those of training up to it. Samples lie in `$ADR_JAX_DATA`.\n\n{commands}"
    )


if __name__ == "__main__":
    main()
