"""What a run needs before its next step: data, a state, mapped steps, a record."""

import dataclasses
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import cast

import jax
import jax.numpy as jnp
from etils import epath
from flax import linen as nn
from flax import serialization
from jaxtyping import PyTree
from ml_collections import ConfigDict

from adr_jax import data
from adr_jax.data.contract import SPLITS, Dataset
from adr_jax.data.normalisation import Statistics
from adr_jax.data.windows import Batch, Windows, prefetch, read_batch
from adr_jax.errors import InputError
from adr_jax.evaluation.metrics import metrics_of
from adr_jax.evaluation.workdir import read_config
from adr_jax.training import configuration
from adr_jax.training.devices import parallel
from adr_jax.training.model import build_model, check_same_arrays, load
from adr_jax.training.optimizer import make_optimizer
from adr_jax.training.run import locks
from adr_jax.training.run.checkpoint import Checkpoints
from adr_jax.training.run.record import Record, new_record
from adr_jax.training.run.stopping import with_vote, with_wish
from adr_jax.training.step import TrainState, init_state, make_train_step

log = logging.getLogger("adr_jax")

# A run is fitted into train.minutes by steps that take so many seconds together, or a
# share of the minutes where that is less: a few alone are off by a factor of two.
TIMED_SECONDS, TIMED_SHARE = 10.0, 0.05


@dataclasses.dataclass
class Preparation:
    """A run ready for its next step."""

    model: nn.Module
    statistics: Statistics
    # On all devices.
    state: TrainState
    # What a checkpoint says of itself besides the state.
    record: Record
    # By the number of forecasts fed back.
    steps: Mapping[int, Callable]
    # This process's rows of a global batch, by the batch's number.
    read: Callable[[int], Batch]

    @property
    def first_step(self) -> int:
        """Steps done so far."""
        return self.record["step"]

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.record["total_steps"]

    def stopped_early(self, patience: int) -> str:
        """Why no more steps are worth their time, or ""."""
        if not patience or self.record["validations_since_best"] < patience:
            return ""
        return (
            f"has had no better score in {patience} validations; its steps end at "
            f"{self.record['step']}; set train.patience higher to go on"
        )

    def finished(self, patience: int) -> str:
        """Why there are no steps left to take, or ""."""
        if self.first_step >= self.total_steps:
            steps = self.total_steps
            return f"has its {steps} steps; set train.steps higher to go on"
        return self.stopped_early(patience)


def open_data(config: ConfigDict) -> Dataset:
    """Makes the data where it can be made and is missing, and opens it.

    The first process goes ahead: where all share a disk, it leaves nothing to make to
    the others. Where they do not, one process of each host makes it.
    """

    def make() -> None:
        with locks.one_at_a_time("data"):
            data.prepare(config.data)

    parallel.together(lambda: make() if parallel.is_first() else None)
    parallel.together(make)
    dataset = parallel.together(lambda: data.load(config.data))
    settings = json.dumps(configuration.as_json(config), sort_keys=True)
    parallel.check_same("their configuration", settings)
    parallel.check_same("the data they read", dataset.fingerprint)
    return dataset


def describe_data(dataset: Dataset) -> str:
    """The splits and their sizes in one line."""
    counts = ", ".join(
        f"{name} {len(dataset.splits[name])} ({dataset.states[name]} distinct states)"
        for name in SPLITS
    )
    return f"{dataset.name}, split {dataset.split_name}: trajectories {counts}"


def prepare(
    config: ConfigDict,
    workdir: epath.Path,
    dataset: Dataset,
    checkpoints: Checkpoints,
    best: Checkpoints,
) -> Preparation:
    """Begins a run, or takes it up where its newest checkpoint left it.

    Raises:
      InputError: the checkpoints are of another run, or cannot be read.
    """
    restored = checkpoints.restore()
    if restored:
        record = restored[1]
        record.check_complete()
        parallel.on_first(lambda: _check_continues(config, workdir, dataset, record))
        _check_best(best, record, dataset)
    else:
        content = parallel.on_first(lambda: new_record(dataset))
        record = Record(content, checkpoints.folder)
    statistics = record.statistics
    model = build_model(config, statistics)
    optimizer = make_optimizer(config.train)
    state = init_state(model, optimizer, config, dataset.trajectories.frame_shape)
    if restored:
        check_same_arrays(restored[0], state, checkpoints.folder)
        state = cast(TrainState, serialization.from_state_dict(state, restored[0]))
    elif config.train.start_from:
        params = _best_of(config.train.start_from, state)
        state = state._replace(params=params, average=jax.tree.map(jnp.copy, params))
    steps = {
        feedback: parallel.map_step(
            with_vote(make_train_step(model, optimizer, statistics, config, feedback))
        )
        for feedback in {0, config.train.feedback}
    }
    windows = Windows(dataset, "train", configuration.window_length(config))

    def read(step: int) -> Batch:
        return read_batch(
            windows,
            config.seed,
            step,
            batch_size=config.train.batch_size,
            augment=config.data.augment,
            rows=parallel.rows(config.train.batch_size),
        )

    minutes = config.train.minutes
    if not minutes:
        record["total_steps"] = config.train.steps
    elif record.get("minutes") != minutes:
        total = _steps_within(60 * minutes, config, steps, state, read)
        record["total_steps"] = parallel.from_first(total)
    record["minutes"] = minutes
    total = jnp.int32(record["total_steps"])
    state = parallel.replicate(state._replace(total_steps=total))
    return Preparation(model, statistics, state, record, steps, read)


def _best_of(workdir: str, state: TrainState) -> PyTree:
    """The best parameters of another run, of the same network."""
    params = load(workdir).params
    check_same_arrays(
        params,
        state.params,
        f"train.start_from={workdir}",
        remedy="start from a run of the same network, or from none",
    )
    return jax.tree.map(jnp.asarray, params)


def _check_continues(
    config: ConfigDict, workdir: epath.Path, dataset: Dataset, record: Record
) -> None:
    """Refuses to mix two runs in one folder."""
    changed = configuration.differences(
        read_config(workdir), configuration.as_json(config)
    )
    if record["fingerprint"] != dataset.fingerprint:
        changed.append("the data file's content")
    if changed:
        raise InputError(
            f"{workdir} holds a run at step {record['step']} of another configuration "
            f"({'; '.join(changed)}): continue with its own, or name another --workdir"
        )


def _check_best(best: Checkpoints, record: Record, dataset: Dataset) -> None:
    """Starts the search for the best model anew where it has been lost."""
    if math.isinf(record["best_score"]):
        return
    try:
        found = best.restore() is not None
    except InputError:
        found = False
    if not found:
        log.warning("%s is lost: the next validation's model goes there", best.folder)
        record["best_score"] = metrics_of(dataset)[0].worst


def _steps_within(
    seconds: float,
    config: ConfigDict,
    steps: Mapping[int, Callable],
    state: TrainState,
    read: Callable[[int], Batch],
) -> int:
    """How many steps fit into `seconds`, by timing each kind."""
    enough = min(TIMED_SECONDS, TIMED_SHARE * seconds)
    cost = {
        feedback: _seconds_a_step(step, state, read, enough)
        for feedback, step in steps.items()
    }
    after = config.train.feedback_after
    mean_cost = after * cost[0] + (1 - after) * cost[config.train.feedback]
    total = max(1, int(seconds / mean_cost))
    parallel.say(
        f"{mean_cost:.3f} s a step: {total} steps in {seconds / 60:.3g} minutes"
    )
    return total


def _seconds_a_step(
    step: Callable, state: TrainState, read: Callable[[int], Batch], enough: float
) -> float:
    """The mean over about `enough` seconds, data read too; the state is copied."""
    copy = parallel.replicate(jax.device_get(state))

    def take(count: int) -> float:
        nonlocal copy
        start = time.perf_counter()
        for batch in prefetch(read, range(count)):
            copy, _ = step(copy, with_wish(batch, False))
        jax.block_until_ready(copy)
        return time.perf_counter() - start

    take(1)  # compiles
    # All processes have to take as many.
    count = parallel.from_first(1 + int(enough / take(1)))
    return take(count) / count
