"""A run under way: its steps, and what is due between them."""

import collections
import contextlib
import math

import jax
from ml_collections import ConfigDict

from adr_jax.data.contract import Dataset
from adr_jax.data.windows import Batch, prefetch
from adr_jax.errors import InputError
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.evaluation.metrics import metrics_of
from adr_jax.training.devices import parallel
from adr_jax.training.preparation import Preparation
from adr_jax.training.run.checkpoint import Checkpoints
from adr_jax.training.run.clock import Clock, StartUp
from adr_jax.training.run.journal import Journal
from adr_jax.training.run.stopping import Stopped, StopSignals, with_wish
from adr_jax.training.validation import make_picture, make_validation


class Session:
    """Takes a prepared run from its first step to its last.

    The metrics of a step are read when the next one is on its way, so that devices
    never wait for this process, and at once where something is due. Every process reads
    them after the same step, so all decide alike: to stop, or that a loss is not
    finite.
    """

    def __init__(
        self,
        config: ConfigDict,
        dataset: Dataset,
        run: Preparation,
        checkpoints: Checkpoints,
        best: Checkpoints,
        journal: Journal | None,
    ):
        self._config = config.train
        self._run, self._journal = run, journal
        self._checkpoints, self._best = checkpoints, best
        forecast = parallel.map_forecast(
            physical_rollout(run.model.apply, run.statistics, config.data.history)
        )
        self._headline = metrics_of(dataset)[0]
        self._validate = make_validation(config, dataset, forecast)
        self._picture = make_picture(config, dataset, forecast)
        self._clock = Clock(run.record["train_seconds"], run.first_step)
        self._compiled = set()
        # Steps whose metrics were not read yet, and the last that were.
        self._unread = collections.deque()
        self._metrics = {}
        self._stop_voted = False

    def take_all(self, signals: StopSignals, start_up: StartUp) -> None:
        """All of them.

        Raises:
          InputError: a metric is not finite, or what was done cannot be saved.
          Stopped: a signal came; what was done is saved.
        """
        first, total = self._run.first_step, self._run.total_steps
        batches = prefetch(self._run.read, range(first, total))
        with contextlib.closing(batches), signals.held():
            for done in range(first + 1, total + 1):
                with self._clock.waiting():
                    batch = next(batches)
                self._take(done, batch, signals.wish, start_up)
                enough = self._do_what_is_due(done)
                if enough or self._stop_voted:
                    break
            self._finish(done, signals)

    def _take(self, done: int, batch: Batch, wish: bool, start_up: StartUp) -> None:
        """One step, the `done`-th of the run; one of a new kind is compiled."""
        feedback = self._config.feedback if self._is_late(done) else 0
        step, batch_and_wish = self._run.steps[feedback], with_wish(batch, wish)
        if feedback in self._compiled:
            self._run.state, metrics = step(self._run.state, batch_and_wish)
        else:
            jax.block_until_ready(self._run.state)
            with self._clock.stopped(), start_up.part("compilation"):
                self._run.state, metrics = jax.block_until_ready(
                    step(self._run.state, batch_and_wish)
                )
            if not self._compiled and self._journal:
                self._journal.say(str(start_up))
            self._compiled.add(feedback)
        self._unread.append((done, metrics))

    def _is_late(self, done: int) -> bool:
        return done > self._config.feedback_after * self._run.total_steps

    def _do_what_is_due(self, done: int) -> bool:
        """Logs, validates and saves at their intervals; says whether to stop early."""
        last = done == self._run.total_steps
        log, validate, save = (
            last or done % self._config[f"{task}_every"] == 0
            for task in ("log", "validate", "checkpoint")
        )
        self._read_metrics(leave=0 if log or validate or save else 1)
        if log:
            self._log(done)
        if validate:
            self._score(done)
        if save:
            self._save(done)
        return bool(self._run.stopped_early(self._config.patience))

    def _read_metrics(self, leave: int) -> None:
        """Reads all but `leave` of the unread metrics, and what they decide."""
        while len(self._unread) > leave:
            done, metrics = self._unread.popleft()
            values = jax.device_get(metrics)
            self._metrics = {name: float(value) for name, value in values.items()}
            self._stop_voted |= self._metrics.pop("stop") > 0
            self._check_finite(done)

    def _check_finite(self, done: int) -> None:
        bad = [
            name for name, value in self._metrics.items() if not math.isfinite(value)
        ]
        if bad:
            self._checkpoints.wait()
            raise InputError(
                f"{' and '.join(bad)} at step {done} is not finite; "
                f"{self._checkpoints.last_good()}. A lower train.learning_rate or a "
                "train.clip usually helps. This comes to the same batch again: "
                f"{self._run.record['command']} --config.train.log_every=1"
            )

    def _log(self, done: int) -> None:
        lap = self._clock.lap(done)
        if self._journal:
            metrics = {**self._metrics, **lap, **parallel.device_memory()}
            self._journal.progress(done, metrics)

    def _score(self, done: int) -> None:
        """Validates, and keeps the model if it is the best so far."""
        state, record = self._run.state, self._run.record
        jax.block_until_ready(state)
        with self._clock.stopped():
            # The first process's scores count: all have to decide alike.
            scores = parallel.from_first(self._validate(state.average))
            picture = self._picture(state.average)
        if self._journal:
            seconds = {"train_seconds": self._clock.read()}
            self._journal.record(done, {**scores, **seconds})
            self._journal.show(done, "target, forecast, difference", picture)
        record["validations_since_best"] += 1
        score = scores[f"validation_{self._headline.name}"]
        if self._headline.improves(score, on=record["best_score"]):
            record["best_score"] = score
            record["validations_since_best"] = 0
            self._note(done)
            self._best.save(done, state.average, record)

    def _save(self, done: int) -> None:
        self._note(done)
        # What the record tells of the best model must be there before it.
        self._best.wait()
        self._checkpoints.save(done, self._run.state, self._run.record)
        if self._journal:
            self._journal.sync()

    def _note(self, done: int) -> None:
        self._run.record |= {"step": done, "train_seconds": self._clock.read()}

    def _finish(self, done: int, signals: StopSignals) -> None:
        """Sees to it that the last step taken is saved; says why it is the last."""
        self._read_metrics(leave=0)
        if done != self._checkpoints.last_step:
            self._save(done)
        self._checkpoints.wait()
        if self._stop_voted or signals.wish:
            raise Stopped(
                f"stopped after step {done}, which is saved: the same command resumes",
                signals.exit_code,
            )
        reason = self._run.stopped_early(self._config.patience)
        if reason and self._journal:
            self._journal.say(reason)
