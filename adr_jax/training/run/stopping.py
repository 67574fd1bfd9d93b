"""Stopping by signal: at a step that all processes agree on, with nothing lost."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Self

from adr_jax.errors import INTERRUPTED

# What the shell is told: try again (job managers then restart the run), interrupted,
# and that the terminal was closed.
EXIT_CODES = {signal.SIGTERM: 75, signal.SIGINT: INTERRUPTED}
if HANGUP := getattr(signal, "SIGHUP", None):  # Windows has none
    EXIT_CODES[HANGUP] = 129


class Stopped(Exception):
    """A run ended by a signal; the same command resumes it."""

    def __init__(self, message: str, exit_code: int = EXIT_CODES[signal.SIGTERM]):
        super().__init__(message)
        self.exit_code = exit_code


class StopSignals:
    """SIGTERM, SIGINT and SIGHUP, noted while it is entered with `with`.

    Within `held` a signal is only noted in `wish`, for the training loop to act on; at
    other times, and at a second SIGINT, it ends the run at once. A SIGHUP that was
    ignored before, as nohup has it, still is.
    """

    def __init__(self):
        self.wish = False
        self.exit_code = EXIT_CODES[signal.SIGTERM]
        self._held = False
        self._before = {}
        self._terminals = []

    def __enter__(self) -> Self:
        """Return itself; threads other than the main one cannot catch signals."""
        if threading.current_thread() is threading.main_thread():
            self._terminals = [stream for stream in (1, 2) if os.isatty(stream)]
            for number in EXIT_CODES:
                if number == HANGUP and signal.getsignal(number) == signal.SIG_IGN:
                    continue
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let a signal wait for the training loop to see it in `wish`."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _receive(self, number: int, _frame: object) -> None:
        self.exit_code = EXIT_CODES[signal.Signals(number)]
        if number == HANGUP:
            self._leave_terminals()
        again = self.wish and number == signal.SIGINT
        if again or not self._held:
            raise Stopped(f"stopped by {signal.Signals(number).name}", self.exit_code)
        self.wish = True
        # print() may be interrupted by itself here; this cannot.
        os.write(2, b"stopping after a step or two; Ctrl-C again stops at once\n")

    def _leave_terminals(self) -> None:
        """Write to nowhere from now on: to a terminal that is gone is an error."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in self._terminals:
            os.dup2(nowhere, stream)
        os.close(nowhere)
