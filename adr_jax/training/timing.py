"""Find how many steps fit into `train.minutes`, by timing some."""

import time
from collections.abc import Callable, Mapping

import jax

from adr_jax.data.batches import Batch, prefetch
from adr_jax.options import Configuration
from adr_jax.training.devices import mapping, processes
from adr_jax.training.step import TrainState

# Steps are timed for so many seconds together, or a share of the minutes where that is
# less: a few alone are off by a factor of two.
TIMED_SECONDS, TIMED_SHARE = 10.0, 0.05


def total_steps(
    config: Configuration,
    record: Mapping,
    steps: Mapping[int, Callable],
    state: TrainState,
    read: Callable[[int], Batch],
) -> int:
    """Return the steps of the whole run; a continued one keeps what was measured."""
    minutes, after = config.train.minutes, config.train.feedback_after
    if not minutes:
        return config.train.steps
    if record.get("minutes") == minutes:
        return record["total_steps"]
    enough = min(TIMED_SECONDS, TIMED_SHARE * 60 * minutes)
    cost = {
        feedback: _seconds_a_step(step, state, read, enough)
        for feedback, step in steps.items()
    }
    mean_cost = after * cost[0] + (1 - after) * cost[config.train.feedback]
    total = max(1, int(60 * minutes / mean_cost))
    processes.say(f"{mean_cost:.3f} s a step: {total} steps in {minutes:.3g} minutes")
    return processes.from_first(total)


def _seconds_a_step(
    step: Callable, state: TrainState, read: Callable[[int], Batch], enough: float
) -> float:
    """Return the mean over about `enough` seconds, reading included.

    The state is copied: a step consumes its own.
    """
    copy = mapping.replicate(jax.device_get(state))

    def take(count: int) -> float:
        nonlocal copy
        start = time.perf_counter()
        for batch in prefetch(read, range(count)):
            copy, _ = step(copy, batch)
        jax.block_until_ready(copy)
        return time.perf_counter() - start

    take(1)  # compiles
    # All processes have to take as many.
    count = processes.from_first(1 + int(enough / take(1)))
    return take(count) / count
