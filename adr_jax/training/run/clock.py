"""Tell where the time of a run goes: training, waiting for data, starting up."""

import contextlib
import time
from collections.abc import Iterator


class Clock:
    """Seconds spent training; compilation and validation stop it."""

    def __init__(self, seconds: float = 0.0, step: int = 0):
        self._seconds = seconds
        self._since = time.perf_counter()
        # Since the last lap: where it ended, and seconds waited.
        self._mark, self._waited = (step, seconds), 0.0

    def read(self) -> float:
        """Return the seconds so far."""
        return self._seconds + time.perf_counter() - self._since

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Leave what happens within out of the count."""
        self._seconds = self.read()
        yield
        self._since = time.perf_counter()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count what happens within as waiting for data."""
        start = time.perf_counter()
        yield
        self._waited += time.perf_counter() - start

    def lap(self, step: int) -> dict[str, float]:
        """Return steps per second and share of time waited, since the last lap."""
        now = self.read()
        steps, seconds = step - self._mark[0], now - self._mark[1]
        waited = self._waited
        self._mark, self._waited = (step, now), 0.0
        return {"steps_per_second": steps / seconds, "wait_share": waited / seconds}


class StartUp:
    """Seconds from the command to the first step, by part."""

    def __init__(self):
        self._start = time.perf_counter()
        self._parts: dict[str, float] = {}

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what happens within under `name`."""
        start = time.perf_counter()
        yield
        self._parts[name] = time.perf_counter() - start

    def __str__(self) -> str:
        """Return for example "first step after 9.1 s: data 2.0 s, model 1.2 s"."""
        parts = ", ".join(
            f"{name} {spent:.1f} s" for name, spent in self._parts.items()
        )
        total = time.perf_counter() - self._start
        return f"first step after {total:.1f} s: {parts}"
