"""Training from configuration to results, resuming where a run stopped."""

import contextlib
import errno
from collections.abc import Iterator, Sequence

from etils import epath
from ml_collections import ConfigDict

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.evaluation import protocols
from adr_jax.evaluation.report import write_report
from adr_jax.evaluation.report.model_card import write_model_card
from adr_jax.evaluation.workdir import (
    BEST,
    CHECKPOINTS,
    CONFIG_FILE,
    RESULTS_FILE,
)
from adr_jax.training import configuration, losses, results
from adr_jax.training.devices import parallel
from adr_jax.training.model import load
from adr_jax.training.preparation import describe_data, open_data, prepare
from adr_jax.training.run import locks
from adr_jax.training.run.checkpoint import Checkpoints
from adr_jax.training.run.clock import StartUp
from adr_jax.training.run.journal import Journal
from adr_jax.training.run.stopping import StopSignals
from adr_jax.training.session import Session

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


def train_and_evaluate(config: ConfigDict, workdir: str | epath.Path) -> None:
    """Trains, or goes on training, in `workdir`; then scores the best model there.

    All processes of a run call it alike.

    Args:
      config: see configs/base.py.
      workdir: a folder or bucket; a run that stopped there is resumed.

    Raises:
      InputError: the configuration cannot run, its data cannot be read, or the folder
        cannot be written, is in use or holds another run.
      Stopped: a signal ended the run.
    """
    start_up = StartUp()
    configuration.check(config)
    train_config = config.train
    with start_up.part("devices"):
        parallel.check_devices(
            config.expected_devices, train_config.batch_size, train_config.accumulate
        )
    folder = epath.Path(workdir)
    with StopSignals() as signals, _claimed(folder), _disk_errors_in_a_line(folder):
        with start_up.part("data"):
            dataset = open_data(config)
        parallel.say(f"{folder} on {parallel.describe_devices()}")
        parallel.say(describe_data(dataset))
        protocols.check(
            dataset, config.eval.protocols, model_history=config.data.history
        )
        losses.check(config.train.loss, dataset)
        train(config, folder, dataset, signals, start_up)
        _evaluate(folder, dataset, config.eval.protocols)


def train(
    config: ConfigDict,
    workdir: epath.Path,
    dataset: Dataset,
    signals: StopSignals | None = None,
    start_up: StartUp | None = None,
) -> None:
    """Trains to the last step, leaving checkpoints/ and best/ in `workdir`."""
    signals, start_up = signals or StopSignals(), start_up or StartUp()
    # Closing waits for what is being saved, also when an error ends the run.
    with (
        contextlib.closing(Checkpoints(workdir / CHECKPOINTS, keep=3)) as checkpoints,
        contextlib.closing(Checkpoints(workdir / BEST, keep=1)) as best,
    ):
        with start_up.part("model"):
            run = prepare(config, workdir, dataset, checkpoints, best)
        if reason := run.finished(config.train.patience):
            parallel.say(f"{workdir} {reason}")
            return
        if run.first_step:
            parallel.say(f"going on after step {run.first_step}")
        with _journal(config, workdir, run.first_step, run.total_steps) as journal:
            session = Session(config, dataset, run, checkpoints, best, journal)
            session.take_all(signals, start_up)


@contextlib.contextmanager
def _journal(
    config: ConfigDict, workdir: epath.Path, first_step: int, total_steps: int
) -> Iterator[Journal | None]:
    """The first process's; the others have none."""
    if not parallel.is_first():
        yield None
        return
    results.write(configuration.as_json(config), workdir / CONFIG_FILE)
    with Journal(workdir, first_step, total_steps) as journal:
        yield journal


def _evaluate(workdir: epath.Path, dataset: Dataset, named: Sequence[str]) -> None:
    """Scores on all processes, writes on the first, which the others wait for."""
    if not named:
        parallel.say(
            "not scored, as eval.protocols names none: the same command with some of "
            f"{', '.join(protocols.PROTOCOLS)} scores it"
        )
        return
    run = load(workdir)
    run.config.eval.protocols = named
    settings = configuration.as_json(run.config)
    scores = results.evaluate(run, dataset)
    results.write_samples(run, dataset, scores, workdir)

    def write() -> None:
        results.write(settings, workdir / CONFIG_FILE)
        results.write(scores, workdir / RESULTS_FILE)
        print(results.summary([(str(workdir), scores)]))
        print(f"model card: {write_model_card(scores, workdir)}")
        try:
            print(f"report: {write_report(workdir)}")
        except InputError as error:  # a run is worth having without its picture book
            again = f"python -m adr_jax report --workdir {workdir}"
            print(f"no report: {error}; then {again}")

    parallel.on_first(write)


@contextlib.contextmanager
def _claimed(workdir: epath.Path) -> Iterator[None]:
    """The first process holds the folder for all."""
    with contextlib.ExitStack() as stack:
        claim = locks.claimed(workdir)
        parallel.on_first(lambda: stack.enter_context(claim))
        yield


@contextlib.contextmanager
def _disk_errors_in_a_line(workdir: epath.Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        place = error.filename or workdir
        raise InputError(
            f"{place}: {error.strerror or error}; the last good checkpoint stays in "
            f"{workdir / 'checkpoints'}: mend the disk or mount, then the same command "
            "resumes"
        ) from error
