"""Times on a GPU: forms of one task in turn, round after round, and their rows."""

import importlib.util
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import jax

ROUNDS = 7
# A turn queues as many calls as fill this many seconds, then waits once: else the way
# from Python to the GPU would be timed with those that take microseconds. Their results
# may all be in memory at once, so they are few.
TURN, MOST_CALLS = 0.02, 20

Row = dict[str, Any]
T = TypeVar("T")


class Form(NamedTuple):
    """One way to do a task."""

    call: Callable[[], object]
    # Called with the last result, it returns when all is done.
    wait: Callable[[Any], object] = jax.block_until_ready


class Time(NamedTuple):
    """Seconds of the first call less one of the later, and of those the median."""

    compilation: float = math.nan
    seconds: float = math.nan
    error: str = ""


def timed(forms: Mapping[str, Form], rounds: int = ROUNDS) -> dict[str, Time]:
    """Return the time of each form; one that fails says why."""
    firsts, calls, failed = {}, {}, {}
    turns: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(-2, rounds):
        for name, form in forms.items():
            if name in failed:
                continue
            try:
                seconds = _seconds(form, calls.get(name, 1))
            except Exception as error:  # out of memory, or not supported
                failed[name] = Time(error=one_line(error))
            else:
                if turn == -2:
                    firsts[name] = seconds
                elif turn == -1:  # warm
                    calls[name] = min(MOST_CALLS, math.ceil(TURN / seconds))
                else:
                    turns[name].append(seconds)
    medians = {name: statistics.median(t) for name, t in turns.items() if t}
    return {
        name: failed.get(name)
        or Time(max(0.0, firsts[name] - medians[name]), medians[name])
        for name in forms
    }


def _seconds(form: Form, calls: int) -> float:
    """Return the seconds of one call of several."""
    start, result = time.perf_counter(), None
    for _ in range(calls):
        result = form.call()
    form.wait(result)
    return (time.perf_counter() - start) / calls


def within(seconds: float, cases: Sequence[T]) -> Iterator[T]:
    """Yield the cases that begin in time.

    Raises:
      TimeoutError: some are left out.
    """
    end = time.monotonic() + seconds
    for index, case in enumerate(cases):
        if time.monotonic() > end:
            left = len(cases) - index
            raise TimeoutError(f"{left} of {len(cases)} cases are left out")
        yield case


def one_line(error: Exception) -> str:
    """Return the kind and the first line of an error, cut to 200 characters."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:200]


def row(what: str, found: Time, **facts: Any) -> Row:
    """Return the row of a time, with what follows from it."""
    if found.error:
        return {"what": what, "failed": found.error}
    times = {"ms": 1e3 * found.seconds, "compile s": found.compilation}
    return {"what": what, **times, **facts}


def torch_wait() -> Callable[[Any], object] | None:
    """Let PyTorch work where JAX does; return what waits for it, None if it cannot."""
    if importlib.util.find_spec("torch") is None:
        return None
    try:
        import torch
    except (ImportError, OSError) as error:  # installed, but not for this CUDA
        print(f"PyTorch is left out: {one_line(error)}")
        return None
    if jax.default_backend() == "cpu":
        torch.set_default_device("cpu")
        return lambda result: result
    if not torch.cuda.is_available():
        return None
    torch.set_default_device("cuda")
    torch.set_float32_matmul_precision("high")  # as JAX on GPUs: TF32
    return lambda _: torch.cuda.synchronize()
