"""Stopping by signal: at a step that all processes agree on, with nothing lost."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Self

import jax.numpy as jnp
import numpy as np

from adr_jax.data.windows import Batch
from adr_jax.training.devices import parallel

# What the shell is told: try again (job managers then restart the run), interrupted.
EXIT_CODES = {signal.SIGTERM: 75, signal.SIGINT: 130}


class Stopped(Exception):
    """A run ended by a signal; the same command resumes it."""

    def __init__(self, message: str, exit_code: int = EXIT_CODES[signal.SIGTERM]):
        super().__init__(message)
        self.exit_code = exit_code


class StopSignals:
    """Notes SIGTERM and SIGINT while it is entered with `with`.

    Within `held` a signal is only noted in `wish`, for the training loop to act on; at
    other times, and at a second SIGINT, it ends the run at once.
    """

    def __init__(self):
        self.wish = False
        self.exit_code = EXIT_CODES[signal.SIGTERM]
        self._held = False
        self._before = {}

    def __enter__(self) -> Self:
        """Itself. Other threads than the main one cannot catch signals."""
        if threading.current_thread() is threading.main_thread():
            for number in EXIT_CODES:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        """Puts back what was there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Within, a signal waits for the training loop to see it in `wish`."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _receive(self, number: int, _frame: object) -> None:
        self.exit_code = EXIT_CODES[signal.Signals(number)]
        again = self.wish and number == signal.SIGINT
        if again or not self._held:
            raise Stopped(f"stopped by {signal.Signals(number).name}", self.exit_code)
        self.wish = True
        # print() may be interrupted by itself here; this cannot.
        os.write(2, b"stopping after a step or two; Ctrl-C again stops at once\n")


def with_vote(step: Callable) -> Callable:
    """A training step that also asks all processes whether one of them has to stop.

    It takes a batch from `with_wish`; its metrics have "stop", which is positive on
    every process after the same step.
    """

    def voting(state, batch_and_wish):
        batch, wish = batch_and_wish
        state, metrics = step(state, batch)
        wishes = parallel.total(jnp.sum(wish, dtype=jnp.int32))
        return state, {**metrics, "stop": wishes}

    return voting


def with_wish(batch: Batch, wish: bool) -> tuple[Batch, np.ndarray]:
    """A batch, and in each of its rows whether this process has to stop."""
    return batch, np.full(len(batch.row), wish)
