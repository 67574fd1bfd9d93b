"""The numbers of a run, each with what made it."""

import importlib.metadata
import json
from collections.abc import Sequence

import jax
from etils import epath

from adr_jax.data.contract import Dataset
from adr_jax.evaluation import protocols
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.evaluation.report import collecting as sampling
from adr_jax.evaluation.report import tables
from adr_jax.evaluation.studies import growth, resolution, robustness, time_step
from adr_jax.evaluation.workdir import SAMPLES_FILE, write_whole
from adr_jax.models.adrnet import ADRNet
from adr_jax.training import configuration
from adr_jax.training.devices import parallel
from adr_jax.training.model import Run


def evaluate(run: Run, dataset: Dataset) -> dict:
    """Scores a run's best model on the test split: the content of results.json."""
    config = run.config
    scores = protocols.score(
        run.forecast,
        dataset,
        config.eval.protocols,
        model_history=config.data.history,
        batch_size=config.eval.batch_size,
    )
    return {
        "protocols": scores,
        "config": configuration.as_json(config),
        "seed": config.seed,
        "step": run.record["step"],
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(run.params)),
        "train_seconds": run.record["train_seconds"],
        "trained_on": run.record["device"],
        "device": parallel.describe_devices(),
        "versions": {
            name: importlib.metadata.version(name) for name in ("adr_jax", "jax")
        },
        "data": dataset.describe(),
        "frame_shape": list(run.frame_shape),
        "channels": run.record["channels"],
        "command": run.record["command"],
    }


def robustness_of(run: Run, dataset: Dataset) -> dict:
    """Score the next frame from histories with noise or missing cells."""
    return robustness.score(
        run.forecast,
        dataset,
        run.statistics,
        model_history=run.config.data.history,
        batch_size=run.config.eval.batch_size,
    )


def time_step_of(run: Run, dataset: Dataset) -> dict:
    """Score the next frame of the same flows at other time intervals."""
    has_time_step = isinstance(run.model, ADRNet)
    return time_step.score(
        run.forecast,
        dataset,
        run.config.data,
        batch_size=run.config.eval.batch_size,
        scaled=(lambda n: run.at_interval(n).forecast) if has_time_step else None,
    )


def resolution_of(run: Run, dataset: Dataset) -> dict:
    """Score the next frame of the same shallow water on other grids, and its cost."""
    return resolution.score(run.forecast, dataset, run.config.data)


def growth_of(run: Run, dataset: Dataset) -> dict:
    """Measure how much a forecast multiplies a small perturbation of its history."""
    history = run.config.data.history
    forecast = physical_rollout(run.model.apply, run.statistics, history)
    return growth.score(forecast, run.params, dataset, model_history=history)


# Studies by name: the function that scores a run, and the one that formats its result.
STUDIES = {
    "robustness": (robustness_of, tables.robustness_tables),
    "time_step": (time_step_of, tables.time_step_table),
    "resolution": (resolution_of, tables.resolution_tables),
    "growth": (growth_of, tables.growth_table),
}


def write_samples(
    run: Run, dataset: Dataset, scores: dict, workdir: epath.Path
) -> None:
    """Write the forecasts that the report draws into the workdir."""
    collected = sampling.collect(
        run,
        dataset,
        scores["protocols"],
        model_history=run.config.data.history,
        batch_size=run.config.eval.batch_size,
    )
    if parallel.is_first():
        collected.write(workdir / SAMPLES_FILE)


def write(results: dict, path: epath.Path) -> None:
    """Writes JSON whole or not at all."""
    write_whole(path, json.dumps(results, indent=1) + "\n")


def summary(results: Sequence[tuple[str, dict]]) -> str:
    """The tables of several runs, each under its name, then the runs beside another."""
    blocks = []
    for name, result in results:
        blocks.append(
            f"{name}: step {result['step']}, {result['parameters']:,} parameters, "
            f"{result['train_seconds']:.0f} s of training; scored on {result['device']}"
        )
        blocks += [tables.protocol_table(*item) for item in result["protocols"].items()]
        blocks += [
            table(result[study])
            for study, (_, table) in STUDIES.items()
            if study in result
        ]
    if joint := tables.side_by_side(results):
        blocks.append(joint)
    return "\n\n".join(blocks)
