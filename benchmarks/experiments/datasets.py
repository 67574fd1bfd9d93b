"""Every data set's configuration, trained for minutes and scored: one table.

    python benchmarks/experiments/datasets.py [--data FOLDER] [--minutes 4 | --steps N]
        [--seed 0]
        [--only NAME ...] [--file NAME=PATH ...] [--again] [--output runs/datasets]

Each set trains in a process of its own, in OUTPUT/NAME, and is scored by its
configuration's protocols beside persistence, linear extrapolation and advected
persistence, on the metric that comes first for it. What can be made is made; real
samples are looked for under FOLDER (default $ADR_JAX_TEST_DATA), by the names in SETS
or those that --file gives, and a set without its file is left out, which is said.

The same command again goes on: a set with a result is kept unless --again is given, one
that was stopped resumes. Every result writes OUTPUT/datasets.json and datasets.md anew.
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
from one_core import arrowed

from adr_jax.data.files.atomic import written_whole
from adr_jax.evaluation.metrics import direction
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.workdir import read_results
from adr_jax.training import results

ROOT = pathlib.Path(__file__).parents[2]
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = os.environ.get("ADR_JAX_TEST_DATA")
    parser.add_argument("--data", default=usual, metavar="FOLDER", help="real samples")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=4.0, help="of each training")
    length.add_argument("--steps", type=int, help="of each training, instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=tuple(SETS), metavar="NAME")
    parser.add_argument("--file", nargs="+", default=[], metavar="NAME=PATH")
    parser.add_argument("--again", action="store_true")
    parser.add_argument(
        "--output", type=pathlib.Path, default=pathlib.Path("runs/datasets")
    )
    arguments = parser.parse_args()
    if arguments.data:
        arguments.data = pathlib.Path(arguments.data).absolute()
    files = {}
    for given in arguments.file:
        name, _, path = given.partition("=")
        if not (name in SETS and path):
            parser.error(f"--file {given}: expected NAME=PATH")
        files[name] = str(pathlib.Path(path).absolute())
    os.chdir(ROOT)  # where configs/ and train.py are
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
        elif missing := _missing(experiment, arguments.data):
            print(f"{name}: left out, {missing}", flush=True)
        elif not _train(name, experiment, workdir, arguments):
            failed.append(name)
        write(arguments.output)
    print((arguments.output / "datasets.md").read_text())
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; their logs are in {arguments.output}")


def _missing(experiment: Experiment, folder: pathlib.Path | None) -> str:
    """What keeps an experiment from being run, or ""."""
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
    """Trains and scores a set in a process of its own; whether it went well."""
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
    # Digits for Moving MNIST are looked for in the folder of samples, too.
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
        said = log.read_text().strip().splitlines() or ["nothing"]
        print(f"{name}: exit code {process.returncode}: {said[-1]}", flush=True)
    return process.returncode == 0


def write(output: pathlib.Path) -> None:
    """The table of every result that is there, as JSON and Markdown."""
    rows = [
        row
        for name in SETS
        if (output / name / "results.json").exists()
        for row in _rows(name, read_results(epath.Path(output / name)))
    ]
    output.mkdir(parents=True, exist_ok=True)
    results.write({"rows": rows}, epath.Path(output / "datasets.json"))
    with written_whole(output / "datasets.md") as partial:
        partial.write_text(_markdown(rows))


def _rows(name: str, result: Mapping) -> list[dict]:
    """A row for each protocol, with what made its numbers."""
    shared = {
        "set": name,
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
        values = {who: scores[who][metric] for who in FORECASTERS}
        row = {"protocol": protocol, **facts, "metric": metric, **values}
        rows.append({"set": name, **row, **shared})
    return rows


def _markdown(rows: Sequence[Mapping]) -> str:
    """One line a row, the best score of each in bold, then the commands."""
    heads = ("data set", "protocol", "windows", "metric", "ADRNet", *FORECASTERS[1:])
    heads += ("step", "seconds", "seed", "parameters")
    lines = [heads, ("---",) * len(heads)]
    for row in rows:
        is_higher = direction(row["metric"]) == "higher"
        best = (max if is_higher else min)(row[who] for who in FORECASTERS)
        scores = [numeral(row[who]) for who in FORECASTERS]
        scores = [
            f"**{score}**" if row[who] == best else score
            for who, score in zip(FORECASTERS, scores, strict=True)
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
