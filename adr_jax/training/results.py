"""The scores of a run, each with what made it."""

import dataclasses
import importlib.metadata
from collections.abc import Sequence

import jax
from etils import epath

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.evaluation import protocols
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.evaluation.report import collecting, tables, write_report
from adr_jax.evaluation.report.model_card import write_model_card
from adr_jax.evaluation.studies import growth, resolution, robustness, time_step
from adr_jax.evaluation.workdir import (
    CONFIG_FILE,
    RESULTS_FILE,
    SAMPLES_FILE,
    write_json,
)
from adr_jax.models.adrnet import ADRNet
from adr_jax.training import configuration
from adr_jax.training.devices import host, processes
from adr_jax.training.model import TrainedModel, load


def evaluate(model: TrainedModel, dataset: Dataset) -> dict:
    """Score a model on the test split: return the content of results.json."""
    config = model.config
    scores = protocols.score(
        model.forecast,
        dataset,
        config.eval.protocols,
        model_history=config.data.history,
        batch_size=config.eval.batch_size,
    )
    return {
        "protocols": scores,
        "config": configuration.as_json(config),
        "seed": config.seed,
        "step": model.record["step"],
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(model.params)),
        "train_seconds": model.record["train_seconds"],
        "trained_on": model.record["device"],
        "device": host.describe_devices(),
        "versions": {
            name: importlib.metadata.version(name) for name in ("adr_jax", "jax")
        },
        "data": dataset.describe(),
        "frame_shape": list(model.frame_shape),
        "channels": model.record["channels"],
        "command": model.record["command"],
    }


def robustness_of(model: TrainedModel, dataset: Dataset) -> dict:
    """Score the next frame from histories with noise or missing cells."""
    return robustness.score(
        model.forecast,
        dataset,
        model.statistics,
        model_history=model.config.data.history,
        batch_size=model.config.eval.batch_size,
    )


def time_step_of(model: TrainedModel, dataset: Dataset) -> dict:
    """Score the next frame of the test split's flows at other intervals of time."""
    has_time_step = isinstance(model.network, ADRNet)
    return time_step.score(
        model.forecast,
        dataset,
        model.config.data,
        batch_size=model.config.eval.batch_size,
        scaled=(lambda n: model.at_interval(n).forecast) if has_time_step else None,
    )


def resolution_of(model: TrainedModel, dataset: Dataset) -> dict:
    """Score the next frame of the same states on other grids, and its cost."""
    return resolution.score(model.forecast, dataset, model.config.data)


def growth_of(model: TrainedModel, dataset: Dataset) -> dict:
    """Measure how much a forecast multiplies a small perturbation of its history."""
    history = model.config.data.history
    forecast = physical_rollout(model.network, model.statistics, history)
    return growth.score(forecast, model.params, dataset, model_history=history)


# Studies by name: the function that scores a model, and its table.
STUDIES = {
    "robustness": (robustness_of, tables.robustness_tables),
    "time_step": (time_step_of, tables.time_step_table),
    "resolution": (resolution_of, tables.resolution_tables),
    "growth": (growth_of, tables.growth_table),
}


def score_and_write(
    workdir: epath.Path, dataset: Dataset, names: Sequence[str]
) -> None:
    """Score the best model of a run by protocols; write results, card and report.

    All processes score; the first writes, and the others wait for it.
    """
    if not names:
        processes.say(
            "not scored, as eval.protocols names none: the same command with some of "
            f"{', '.join(protocols.PROTOCOLS)} scores it"
        )
        return
    model = load(workdir)
    config = model.config.override(eval={"protocols": tuple(names)})
    model = dataclasses.replace(model, config=config).relative_to(dataset.offset)
    scores = evaluate(model, dataset)
    examples = collecting.collect(
        model,
        dataset,
        scores["protocols"],
        model_history=model.config.data.history,
        batch_size=model.config.eval.batch_size,
    )

    def write() -> None:
        examples.write(workdir / SAMPLES_FILE)
        write_json(workdir / CONFIG_FILE, configuration.as_json(model.config))
        write_json(workdir / RESULTS_FILE, scores)
        print(summary([(str(workdir), scores)]))
        print(f"model card: {write_model_card(scores, workdir)}")
        try:
            print(f"report: {write_report(workdir)}")
        except InputError as error:  # a run is worth having without its report
            again = f"python -m adr_jax report --workdir {workdir}"
            print(f"no report: {error}; then {again}")

    processes.on_first(write)


def summary(results: Sequence[tuple[str, dict]]) -> str:
    """Return the tables of several runs, then one with all of them."""
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
