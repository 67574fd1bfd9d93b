"""Training from configuration to results, resuming where a run stopped."""

import collections
import contextlib
import errno
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
from etils import epath
from jaxtyping import PyTree
from ml_collections import ConfigDict

from adr_jax.data.batches import prefetch
from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.evaluation import protocols
from adr_jax.evaluation.workdir import BEST, CHECKPOINTS
from adr_jax.options import Configuration
from adr_jax.training import configuration, heads, losses, results
from adr_jax.training.devices import host, processes
from adr_jax.training.run import locks
from adr_jax.training.run.checkpoint import Checkpoints
from adr_jax.training.run.clock import Clock, StartUp
from adr_jax.training.run.journal import Journal, Silence, open_journal
from adr_jax.training.run.record import Record
from adr_jax.training.run.stopping import Stopped, StopSignals
from adr_jax.training.selection import best_of
from adr_jax.training.setup import Setup, begin, describe_data, open_data
from adr_jax.training.step import TrainState
from adr_jax.training.validation import Validation

# What is wrong with a disk or a mount, not with the program; h5py gives no number.
DISK_ERRORS = {
    None,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.ENODEV,
    errno.ENOSPC,
    errno.ENOTCONN,
    errno.EROFS,
    errno.ESTALE,
}


def train_and_evaluate(
    config: ConfigDict | Configuration, workdir: str | epath.Path
) -> None:
    """Train, or continue training, in `workdir`; then score the best model there.

    All processes of a run call it alike.

    Args:
      config: of a file of configs/, or made in Python; see adr_jax/options.py.
      workdir: a folder or bucket; a run that stopped there is resumed.

    Raises:
      InputError: the configuration cannot run, its data cannot be read, or the folder
        cannot be written, is in use or holds another run.
      Stopped: a signal ended the run.
    """
    start_up = StartUp()
    config = configuration.read(config)
    with start_up.part("devices"):
        host.check_devices(
            config.expected_devices, config.train.batch_size, config.train.accumulate
        )
    folder = epath.Path(workdir)
    with StopSignals() as signals, _claimed(folder), _disk_errors_explained(folder):
        with start_up.part("data"):
            dataset = open_data(config)
        processes.say(f"{folder} on {host.describe_devices()}")
        processes.say(describe_data(dataset))
        protocols.check(
            dataset, config.eval.protocols, model_history=config.data.history
        )
        losses.check(config.train.loss, dataset)
        config = heads.settle(config, folder, dataset)
        heads.check(config, dataset)
        train(config, folder, dataset, signals, start_up)
        results.score_and_write(folder, dataset, config.eval.protocols)


def train(
    config: Configuration,
    workdir: epath.Path,
    dataset: Dataset,
    signals: StopSignals | None = None,
    start_up: StartUp | None = None,
) -> None:
    """Train to the last step, leaving checkpoints/ and best/ in `workdir`."""
    signals, start_up = signals or StopSignals(), start_up or StartUp()
    with contextlib.ExitStack() as stack:
        # Closing waits for what is being saved, also when an error ends the run.
        checkpoints, best = (
            stack.enter_context(contextlib.closing(Checkpoints(workdir / name, keep)))
            for name, keep in ((CHECKPOINTS, 3), (BEST, 1))
        )
        with start_up.part("model"):
            setup = begin(config, workdir, dataset, checkpoints, best)
        first, total = setup.record["step"], setup.record["total_steps"]
        if first >= total:
            processes.say(
                f"{workdir} has its {total} steps; set train.steps higher to go on"
            )
            return
        if first:
            processes.say(f"going on after step {first}")
        journal = stack.enter_context(open_journal(config, workdir, first, total))
        validation = Validation(config, dataset, setup.network, setup.statistics)
        outputs = Outputs(checkpoints, best, journal)
        stack.enter_context(signals.held())
        take_steps(config, setup, validation, outputs, signals, start_up)


class Outputs(NamedTuple):
    """Hold what a run writes to while it trains."""

    checkpoints: Checkpoints
    best: Checkpoints
    journal: Journal | Silence


def take_steps(
    config: Configuration,
    setup: Setup,
    validation: Validation,
    outputs: Outputs,
    signals: StopSignals,
    start_up: StartUp,
) -> None:
    """Take all steps that are left, doing between them what is due.

    The metrics of a step are read when the next one is on its way, so that devices
    never wait for this process, and at once where something is due. Every process reads
    them after the same step, so all decide alike: to stop, or that a loss is not
    finite.
    """
    (checkpoints, best, journal), options = outputs, config.train
    state, record = setup.state, setup.record
    first, total = record["step"], record["total_steps"]
    clock = Clock(record["train_seconds"], first)
    take_step = {
        feedback: _compiled_apart(step, clock, start_up)
        for feedback, step in setup.steps.items()
    }
    unread = UnreadMetrics(record, checkpoints)
    if first == 0 and config.model.head == "advection":
        # Untrained it is the extrapolation: nothing that trains away from it is best.
        _validate(first, state, validation, outputs, record, clock)
    with contextlib.closing(prefetch(setup.read, range(first, total))) as batches:
        for step in range(first + 1, total + 1):
            with clock.waiting():
                batch = next(batches).asking_to_stop(signals.wish)
            feedback = configuration.feedback_at(config, step, total)
            state, metrics = take_step[feedback](state, batch)
            if step == first + 1:
                journal.say(str(start_up))
            if feedback and not configuration.feedback_at(config, step - 1, total):
                journal.say(
                    f"from step {step} on forecasts are fed back, train.feedback="
                    f"{feedback}: their loss, which is larger, counts too"
                )

            log, validate, save = (
                step == total or step % interval == 0
                for interval in (
                    options.log_every,
                    options.validate_every,
                    options.checkpoint_every,
                )
            )
            unread.add(step, metrics)
            latest = unread.read(leave=0 if log or validate or save else 1)
            if log:
                lap = clock.lap(step)
                fed = {"feedback": feedback} if options.feedback else {}
                journal.progress(step, {**latest, **lap, **fed, **host.device_memory()})
            if validate:
                _validate(step, state, validation, outputs, record, clock)
            if save or unread.stop:
                unread.read(leave=0)
                record |= {"step": step, "train_seconds": clock.read()}
                best.wait()  # the record names its score
                checkpoints.save(step, state, record)
                journal.sync()
            if unread.stop:
                break
    checkpoints.wait()
    if unread.stop or signals.wish:
        raise Stopped(
            f"stopped after step {step}, which is saved: the same command resumes",
            signals.exit_code,
        )


def _validate(
    step: int,
    state: TrainState,
    validation: Validation,
    outputs: Outputs,
    record: Record,
    clock: Clock,
) -> None:
    """Score the averaged parameters, and keep them if they are the best so far."""
    _, best, journal = outputs
    jax.block_until_ready(state)
    with clock.stopped():
        scores, picture = validation(state.average)
    journal.record(step, {**scores, "train_seconds": clock.read()})
    journal.show(step, "target, forecast, difference", picture)
    doubt = validation.doubt(scores)
    if doubt and not best_of(record):  # once
        journal.say(doubt)
    if validation.improve(scores, record):
        record |= {"step": step, "train_seconds": clock.read()}
        best.save(step, state.average, record)


class UnreadMetrics:
    """Metrics of steps that may not have finished, read in their order."""

    def __init__(self, record: Record, checkpoints: Checkpoints):
        self._record, self._checkpoints = record, checkpoints
        self._unread = collections.deque()
        self._latest: dict[str, float] = {}
        # Whether a process asked to stop.
        self.stop = False

    def add(self, step: int, metrics: PyTree) -> None:
        """Take the metrics of a step, on the devices."""
        self._unread.append((step, metrics))

    def read(self, leave: int) -> dict[str, float]:
        """Read all but the last `leave` and return the newest of them.

        Raises:
          InputError: one is not finite.
        """
        while len(self._unread) > leave:
            step, metrics = self._unread.popleft()
            values = jax.device_get(metrics)
            self._latest = {name: float(value) for name, value in values.items()}
            self.stop |= self._latest.pop("stop") > 0
            self._check_finite(step)
        return self._latest

    def _check_finite(self, step: int) -> None:
        bad = [n for n, value in self._latest.items() if not math.isfinite(value)]
        if bad:
            self._checkpoints.wait()
            raise InputError(
                f"{' and '.join(bad)} at step {step} is not finite; "
                f"{self._checkpoints.last_good()}. A lower train.learning_rate or a "
                "train.clip usually helps. This comes to the same batch again: "
                f"{self._record['command']} --config.train.log_every=1"
            )


def _compiled_apart(step: Callable, clock: Clock, start_up: StartUp) -> Callable:
    """Return the step; the clock leaves out its first call, which compiles."""
    is_compiled = False

    def take(state, batch):
        nonlocal is_compiled
        if is_compiled:
            return step(state, batch)
        jax.block_until_ready(state)
        with clock.stopped(), start_up.part("compilation"):
            done = jax.block_until_ready(step(state, batch))
        is_compiled = True
        return done

    return take


@contextlib.contextmanager
def _claimed(workdir: epath.Path) -> Iterator[None]:
    """Hold the folder, by the first process for all."""
    with contextlib.ExitStack() as stack:
        claim = locks.claimed(workdir)
        processes.on_first(lambda: stack.enter_context(claim))
        yield


@contextlib.contextmanager
def _disk_errors_explained(workdir: epath.Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise InputError(
            f"{error.filename or workdir}: {error.strerror or error}; the last good "
            f"checkpoint stays in {workdir / CHECKPOINTS}: mend the disk or mount, "
            "then the same command resumes"
        ) from error
