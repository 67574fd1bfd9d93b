"""The numbers of a run, each with what made it."""

import importlib.metadata
import json
from collections.abc import Sequence

import jax
import numpy as np
from etils import epath

from adr_jax.data.dataset import Dataset
from adr_jax.data.windows import Windows
from adr_jax.evaluation import protocols
from adr_jax.training import configuration, parallel
from adr_jax.training.checkpoint import Run

# Steps of the drawn forecast, as far as the trajectory goes.
DRAWN_STEPS = (1, 10, 50, 91)


def evaluate(run: Run, dataset: Dataset) -> dict:
    """Scores a run's best model on the test split: the content of results.json."""
    config = run.config
    scores = protocols.score(
        run.forecast(),
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
        "command": run.record["command"],
    }


def write_example(run: Run, dataset: Dataset, folder: epath.Path) -> None:
    """One forecast of the test split and what moved in it, for the report to draw."""
    history_length = run.config.data.history
    lengths = dataset.trajectories.lengths
    frames = lengths[int(dataset.splits["test"][0])]
    window = Windows(dataset, "test", frames)[0]
    steps = [step for step in DRAWN_STEPS if step <= frames - history_length]
    past, future = window[:history_length], window[history_length:]
    forecast = run.forecast()(past[None], steps[-1])[0]
    chosen = np.array(steps) - 1
    arrays = {
        "steps": np.array(steps),
        "target": future[chosen],
        "forecast": forecast[chosen],
        "history_last": past[-1],
        **_displacement(run, past),
        **{
            name: np.array(value)
            for name in ("cell_size", "frame_interval", "unit")
            if (value := getattr(dataset, name))
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "forecast.npz").open("wb") as file:
        np.savez_compressed(file, **arrays)


def _displacement(run: Run, past: np.ndarray) -> dict[str, np.ndarray]:
    """Each block's displacement, (blocks, *space, fields, axes), if there is one."""
    mean, std = np.array(run.statistics.mean), np.array(run.statistics.std)
    history = ((past - mean) / std).astype(np.float32)[None]
    _, sown = run.model.apply(run.params, history, mutable=["intermediates"])
    if "intermediates" not in sown:
        return {}
    (displacement,) = sown["intermediates"]["blocks"]["displacement"]
    return {"displacement": np.asarray(displacement)[:, 0]}


def write(results: dict, path: epath.Path) -> None:
    """Writes JSON whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(results, indent=1) + "\n")
    partial.replace(path)


def summary(results: Sequence[tuple[str, dict]]) -> str:
    """The tables of several runs, each under its name."""
    return "\n\n".join(
        f"{name}: step {result['step']}, {result['parameters']:,} parameters, "
        f"{result['train_seconds']:.0f} s of training\n\n"
        + protocols.table(result["protocols"])
        for name, result in results
    )
