"""Training from configuration to results, resuming where a run stopped."""

import contextlib
import dataclasses
import functools
import math
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath
from flax import linen as nn
from flax import serialization
from jaxtyping import PyTree
from ml_collections import ConfigDict

from adr_jax import data
from adr_jax.data.dataset import Dataset
from adr_jax.data.statistics import Statistics
from adr_jax.data.windows import Windows, prefetch, read_batch
from adr_jax.errors import InputError
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.evaluation.metrics import nrmse
from adr_jax.evaluation.report import write_report
from adr_jax.evaluation.run_files import read_config
from adr_jax.training import configuration, parallel, results
from adr_jax.training.checkpoint import Checkpoints, build_model, load
from adr_jax.training.journal import Journal
from adr_jax.training.step import (
    TrainState,
    init_state,
    make_optimizer,
    make_train_step,
)

# Steps timed, after one that compiles, to fit a run into train.minutes.
TIMED_STEPS = 6


class Clock:
    """Seconds spent training; compilation and validation stop it."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._since = time.perf_counter()

    def read(self) -> float:
        """Seconds so far."""
        return self._seconds + time.perf_counter() - self._since

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Leaves what happens within out of the count."""
        self._seconds = self.read()
        yield
        self._since = time.perf_counter()


def train_and_evaluate(config: ConfigDict, workdir: str | epath.Path) -> None:
    """Trains, or goes on training, in `workdir`; then scores the best model there.

    Args:
      config: see configs/base.py.
      workdir: a folder or bucket; a run that stopped there is resumed.

    Raises:
      InputError: the configuration cannot run, its data cannot be read, or the folder
        cannot be written or holds another run.
    """
    configuration.check(config)
    parallel.check_devices(config.expected_devices, config.train.batch_size)
    folder = _writable(epath.Path(workdir))
    data.prepare(config.data)
    dataset = data.load(config.data)
    counts = ", ".join(
        f"{name} {len(numbers)} ({dataset.states[name]} distinct states)"
        for name, numbers in dataset.splits.items()
    )
    print(
        f"{folder} on {parallel.describe_devices()}\n"
        f"{dataset.name}, split {dataset.split_name}: trajectories {counts}",
        flush=True,
    )

    train(config, folder, dataset)

    run = load(folder)
    scores = results.evaluate(run, dataset)
    results.write(scores, folder / "results.json")
    results.write_example(run, dataset, folder / "figures")
    print(results.summary([(str(folder), scores)]))
    try:
        print(f"report: {write_report(folder)}")
    except InputError as error:  # a run is worth having without its picture book
        print(f"no report: {error}; then python -m adr_jax report --workdir {folder}")


def train(config: ConfigDict, workdir: epath.Path, dataset: Dataset) -> None:
    """Trains to the last step, leaving checkpoints/ and best/ in `workdir`."""
    # Closing waits for what is being saved, also when an error ends the run.
    with (
        contextlib.closing(Checkpoints(workdir / "checkpoints", keep=3)) as checkpoints,
        contextlib.closing(Checkpoints(workdir / "best", keep=1)) as best,
    ):
        _train(config, workdir, dataset, checkpoints, best)


def _train(
    config: ConfigDict,
    workdir: epath.Path,
    dataset: Dataset,
    checkpoints: Checkpoints,
    best: Checkpoints,
) -> None:
    restored = checkpoints.restore()
    if restored:
        _check_continues(config, workdir, dataset, restored[1])
    record = restored[1] if restored else _new_record(dataset)
    statistics = Statistics(**record["statistics"])
    model = build_model(config, statistics)
    optimizer = make_optimizer(config.train)
    state = init_state(model, optimizer, config, dataset.trajectories.frame_shape)
    if restored:
        state = cast(TrainState, serialization.from_state_dict(state, restored[0]))
    steps = {
        feedback: parallel.map_step(
            make_train_step(model, optimizer, statistics, config, feedback)
        )
        for feedback in {0, config.train.feedback}
    }
    windows = Windows(dataset, "train", configuration.window_length(config))
    read = functools.partial(
        read_batch,
        windows,
        config.seed,
        batch_size=config.train.batch_size,
        augment=config.data.augment,
    )
    validate = _validation(config, dataset, model, statistics)

    minutes = config.train.minutes
    if not minutes:
        record["total_steps"] = config.train.steps
    elif record.get("minutes") != minutes:
        record["total_steps"] = _steps_within(60 * minutes, config, steps, state, read)
    record["minutes"] = minutes
    total = record["total_steps"]
    first = int(state.step)
    if first >= total:
        print(f"{workdir} has its {total} steps; set train.steps higher to go on")
        return
    results.write(configuration.as_json(config), workdir / "config.json")
    state = parallel.replicate(state._replace(total_steps=jnp.int32(total)))

    compiled = set()
    clock = Clock(record["train_seconds"])
    logged = (first, clock.read())
    with Journal(workdir, first, total) as journal:
        for step, batch in zip(
            range(first, total), prefetch(read, range(first, total)), strict=True
        ):
            feedback = _feedback_at(step, total, config)
            if feedback in compiled:
                state, metrics = steps[feedback](state, batch)
            else:
                jax.block_until_ready(state)
                with clock.stopped():
                    state, metrics = jax.block_until_ready(
                        steps[feedback](state, batch)
                    )
                compiled.add(feedback)
            done = step + 1

            if done % config.train.log_every == 0 or done == total:
                metrics = {name: float(value) for name, value in metrics.items()}
                _check_finite(metrics, done, workdir)
                now = clock.read()
                rate = (done - logged[0]) / (now - logged[1])
                journal.progress(done, {**metrics, "steps_per_second": rate})
                logged = (done, now)
            record |= {"step": done, "train_seconds": clock.read()}
            if done % config.train.validate_every == 0 or done == total:
                jax.block_until_ready(state)
                with clock.stopped():
                    scores = validate(state.average)
                journal.record(done, scores)
                if scores["validation_nrmse"] < record["best_score"]:
                    record["best_score"] = scores["validation_nrmse"]
                    best.save(done, state.average, record)
            if done % config.train.checkpoint_every == 0 or done == total:
                checkpoints.save(done, state, record)


def _writable(workdir: epath.Path) -> epath.Path:
    """The folder, made if need be and tried for writing."""
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        probe = workdir / ".writable"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"workdir {workdir} cannot be written ({error.strerror or error}); "
            "name another with --workdir"
        ) from error
    return workdir


def _new_record(dataset: Dataset) -> dict:
    """What a checkpoint says of itself, before the first step."""
    return {
        "step": 0,
        "train_seconds": 0.0,
        "best_score": math.inf,
        "statistics": dataclasses.asdict(Statistics.of(dataset)),
        "fingerprint": dataset.fingerprint,
        "device": parallel.describe_devices(),
        "command": shlex.join(["python", *sys.argv]),
    }


def _check_continues(
    config: ConfigDict, workdir: epath.Path, dataset: Dataset, record: Mapping
) -> None:
    """Refuses to mix two runs in one folder."""
    changed = configuration.differences(
        read_config(workdir / "config.json"), configuration.as_json(config)
    )
    if record["fingerprint"] != dataset.fingerprint:
        changed.append("the data file's content")
    if changed:
        raise InputError(
            f"{workdir} holds a run at step {record['step']} of another configuration "
            f"({'; '.join(changed)}): continue with its own, or name another --workdir"
        )


def _feedback_at(step: int, total: int, config: ConfigDict) -> int:
    late = step >= config.train.feedback_after * total
    return config.train.feedback if late else 0


def _steps_within(
    seconds: float,
    config: ConfigDict,
    steps: Mapping[int, Callable],
    state: TrainState,
    read: Callable,
) -> int:
    """How many steps fit into `seconds`, by timing each kind on a copy of the state."""
    batch = read(0)
    cost = {}
    for feedback, step in steps.items():
        copy = parallel.replicate(jax.device_get(state))
        copy, _ = jax.block_until_ready(step(copy, batch))
        start = time.perf_counter()
        for _ in range(TIMED_STEPS):
            copy, _ = step(copy, batch)
        jax.block_until_ready(copy)
        cost[feedback] = (time.perf_counter() - start) / TIMED_STEPS
    after = config.train.feedback_after
    mean_cost = after * cost[0] + (1 - after) * cost[config.train.feedback]
    total = max(1, int(seconds / mean_cost))
    print(f"{mean_cost:.3f} s a step: {total} steps in {seconds / 60:.3g} minutes")
    return total


def _validation(
    config: ConfigDict, dataset: Dataset, model: nn.Module, statistics: Statistics
) -> Callable[[PyTree], dict[str, float]]:
    """Parameters to scores: nRMSE of short rollouts, spread over the split."""
    history = config.data.history
    lengths = dataset.trajectories.lengths
    longest = max((lengths[int(n)] for n in dataset.splits["validation"]), default=0)
    frames = max(1, min(config.train.validation_frames, longest - history))
    windows = Windows(dataset, "validation", history + frames)
    chosen = np.linspace(0, len(windows) - 1, config.train.validation_windows)
    numbers = np.unique(chosen.astype(int))
    forecast = parallel.map_forecast(physical_rollout(model.apply, statistics, history))

    def validate(params: PyTree) -> dict[str, float]:
        scores = []
        for start in range(0, len(numbers), config.eval.batch_size):
            batch = numbers[start : start + config.eval.batch_size]
            window = windows.read(batch)
            past, target = window[:, :history], window[:, history:]
            scores.append(nrmse(forecast(params, past, frames), target))
        by_step = np.concatenate(scores).mean(axis=(0, 2))
        return {
            "validation_nrmse": float(by_step.mean()),
            "validation_nrmse_first_step": float(by_step[0]),
        }

    return validate


def _check_finite(metrics: Mapping[str, float], step: int, workdir: epath.Path) -> None:
    bad = [name for name, value in metrics.items() if not math.isfinite(value)]
    if bad:
        raise InputError(
            f"{' and '.join(bad)} at step {step} is not finite; the last good "
            f"checkpoint is in {workdir / 'checkpoints'}: a lower train.learning_rate "
            "or a train.clip usually helps"
        )
