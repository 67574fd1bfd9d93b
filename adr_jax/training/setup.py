"""Set a run up for its next step: data, a state, mapped steps, a record."""

import dataclasses
import json
import logging
from collections.abc import Callable, Mapping
from typing import cast

import jax
import jax.numpy as jnp
from etils import epath
from flax import serialization
from jaxtyping import PyTree

from adr_jax import data
from adr_jax.data.batches import Batch, read_batch
from adr_jax.data.contract import SPLITS, Dataset
from adr_jax.data.normalisation import Statistics
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError
from adr_jax.evaluation.workdir import read_config
from adr_jax.models.frames import FrameNetwork
from adr_jax.options import Configuration
from adr_jax.training import configuration, timing
from adr_jax.training.devices import mapping, processes
from adr_jax.training.model import load
from adr_jax.training.network import build_network, check_same_arrays
from adr_jax.training.optimizer import make_optimizer
from adr_jax.training.run import locks
from adr_jax.training.run.checkpoint import Checkpoints
from adr_jax.training.run.record import Record, new_record
from adr_jax.training.selection import best_of
from adr_jax.training.step import TrainState, init_state, make_train_step

log = logging.getLogger("adr_jax")


@dataclasses.dataclass(frozen=True)
class Setup:
    """A run ready for its next step."""

    network: FrameNetwork
    statistics: Statistics
    # On all devices.
    state: TrainState
    # What a checkpoint says of itself besides the state.
    record: Record
    # By the number of forecasts fed back.
    steps: Mapping[int, Callable]
    # This process's rows of a global batch, by the batch's index.
    read: Callable[[int], Batch]


def open_data(config: Configuration) -> Dataset:
    """Make the data where they can be made and are missing, and open them.

    The first process goes ahead: where all share a disk, it leaves nothing to make to
    the others. Where they do not, one process of each host makes them.
    """

    def make() -> None:
        with locks.one_at_a_time("data"):
            data.prepare(config.data)

    processes.together(lambda: make() if processes.is_first() else None)
    processes.together(make)
    dataset = processes.together(lambda: data.load(config.data))
    settings = json.dumps(configuration.as_json(config), sort_keys=True)
    processes.check_same("their configuration", settings)
    processes.check_same("the data they read", dataset.fingerprint)
    return dataset


def describe_data(dataset: Dataset) -> str:
    """Return the splits and their sizes in one line."""
    counts = ", ".join(
        f"{name} {len(dataset.splits[name])} ({dataset.states[name]} distinct states)"
        for name in SPLITS
    )
    notes = "".join(f"; {note}" for note in dataset.notes)
    return f"{dataset.name}, split {dataset.split_name}: trajectories {counts}{notes}"


def begin(
    config: Configuration,
    workdir: epath.Path,
    dataset: Dataset,
    checkpoints: Checkpoints,
    best: Checkpoints,
) -> Setup:
    """Begin a run, or continue from its newest checkpoint.

    Raises:
      InputError: the checkpoints are of another run, or cannot be read.
    """
    restored = checkpoints.restore()
    if restored:
        record = restored[1]
        record.check_complete()
        processes.on_first(lambda: _check_continues(config, workdir, dataset, record))
        _check_best(best, record)
    else:
        content = processes.on_first(lambda: new_record(config, dataset))
        record = Record(content, checkpoints.folder)
    statistics = record.statistics
    network = build_network(
        config, statistics, record.get("misses"), record.get("thresholds", ())
    )
    optimizer = make_optimizer(config.train)
    state = init_state(network, optimizer, config, dataset.trajectories.frame_shape)
    if restored:
        check_same_arrays(restored[0], state, checkpoints.folder)
        state = cast(TrainState, serialization.from_state_dict(state, restored[0]))
    elif config.train.start_from:
        params = _best_of(config.train.start_from, state)
        state = state._replace(params=params, average=jax.tree.map(jnp.copy, params))
    steps = {
        feedback: mapping.map_step(
            make_train_step(network, optimizer, statistics, config, feedback)
        )
        for feedback in {0, config.train.feedback}
    }
    read = _reader(config, dataset)
    record["total_steps"] = timing.total_steps(config, record, steps, state, read)
    record["minutes"] = config.train.minutes
    total = jnp.int32(record["total_steps"])
    state = mapping.replicate(state._replace(total_steps=total))
    return Setup(network, statistics, state, record, steps, read)


def _reader(config: Configuration, dataset: Dataset) -> Callable[[int], Batch]:
    windows = Windows(dataset, "train", configuration.window_length(config))
    longest = config.model.frames_out if config.model.head == "advection" else 1

    def read(step: int) -> Batch:
        return read_batch(
            windows,
            config.seed,
            step,
            batch_size=config.train.batch_size,
            augment=config.data.augment,
            longest_lead=longest,
            whole=config.model.follows_objects,
            rows=mapping.rows(config.train.batch_size),
        )

    return read


def _best_of(workdir: str, state: TrainState) -> PyTree:
    """Return the best parameters of another run, of the same network."""
    params = load(workdir).params
    check_same_arrays(
        params,
        state.params,
        f"train.start_from={workdir}",
        remedy="start from a run of the same network, or from none",
    )
    return jax.tree.map(jnp.asarray, params)


def _check_continues(
    config: Configuration, workdir: epath.Path, dataset: Dataset, record: Record
) -> None:
    """Raise InputError rather than mix two runs in one folder."""
    before = configuration.from_json(read_config(workdir))
    changed = configuration.differences(before, config)
    if record["fingerprint"] != dataset.fingerprint:
        changed.append("the data file's content")
    if changed:
        raise InputError(
            f"{workdir} holds a run at step {record['step']} of another configuration "
            f"({'; '.join(changed)}): continue with its own, or name another --workdir"
        )


def _check_best(best: Checkpoints, record: Record) -> None:
    """Start the search for the best model anew where it has been lost."""
    if not best_of(record):
        return
    try:
        found = best.restore() is not None
    except InputError:
        found = False
    if not found:
        log.warning("%s is lost: the next validation's model goes there", best.folder)
        record["best_score"] = []
