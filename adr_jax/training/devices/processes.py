"""Several processes: joining them, and what one reads or decides told to all.

`from_first`, `on_first`, `together` and `check_same` are called by all processes at the
same point.
"""

import os
import pickle
import warnings
from collections.abc import Callable
from typing import TypeVar, cast

import jax
import numpy as np
from jax.experimental import multihost_utils

from adr_jax.errors import InputError

T = TypeVar("T")

# What launchers of several processes set. Where JAX recognises none of them, going on
# would be one run in each process.
_TASK_COUNTS = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
_INDEXED_JOB = "JOB_COMPLETION_INDEX"

# How long a process that fails waits for the others before it takes them with it.
_SHUTDOWN_SECONDS = 15


def start_processes(
    mode: str,
    coordinator: str | None,
    num_processes: int | None,
    process_id: int | None,
) -> None:
    """Join the processes of a run; call it before anything asks JAX for its devices.

    Args:
      mode: "on", "off", or "auto": where JAX recognises a TPU pod, SLURM, Open MPI or
        an indexed job of Kubernetes, or where the rest is given.
      coordinator: HOST:PORT that the first process listens at; None to let JAX find it
        and the two numbers.
      num_processes: how many.
      process_id: which of them this is, from 0.

    Raises:
      InputError: they cannot be joined, or there should be several and JAX sees none.
    """
    given = {
        "--coordinator": coordinator,
        "--num_processes": num_processes,
        "--process_id": process_id,
    }
    missing = [name for name, value in given.items() if value is None]
    if 0 < len(missing) < 3 or (mode == "off" and len(missing) < 3):
        raise InputError(
            f"{', '.join(given)} go together, and not with --distributed=off; "
            f"missing: {', '.join(missing) or 'none'}"
        )
    if mode == "off":
        return
    # Nothing else may take SIGTERM: see stopping.py.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        with warnings.catch_warnings(action="ignore"):
            jax.distributed.initialize(
                coordinator,
                num_processes,
                process_id,
                shutdown_timeout_seconds=_SHUTDOWN_SECONDS,
            )
    except (ValueError, RuntimeError) as error:
        if mode == "auto" and len(missing) == 3 and not _launched_with_others():
            return
        reason = " ".join(str(error).split())
        raise InputError(
            f"the processes of this run cannot be joined ({reason}): give "
            "--coordinator=HOST:PORT --num_processes=N --process_id=I, or, for a run "
            "of one process, --distributed=off"
        ) from error


def _launched_with_others() -> bool:
    counts = (os.environ.get(name, "1") for name in _TASK_COUNTS)
    return _INDEXED_JOB in os.environ or any(count != "1" for count in counts)


def check_same(what: str, value: str) -> None:
    """Raise InputError where processes differ in `value`, which `what` names."""
    for process, other in enumerate(_gather(value.encode())):
        if other.decode() != value:
            raise InputError(
                f"process {process} and process {jax.process_index()} differ in {what}:"
                " start all of them with the same command, code and data"
            )


def is_first() -> bool:
    """Return whether this process is the one that writes and prints."""
    return jax.process_index() == 0


def say(line: str) -> None:
    """Print a line, once for all processes."""
    if is_first():
        print(line, flush=True)


def together(work: Callable[[], T]) -> T:
    """Return the result of `work` once all processes did theirs.

    An InputError of one is raised in all: the others would wait for it in vain.
    """
    result, complaint, failure = None, "", None
    try:
        result = work()
    except InputError as error:
        complaint, failure = str(error), error
    complaints = _gather(complaint.encode())
    if failure:
        raise failure
    for process, other in enumerate(complaints):
        if other:
            raise InputError(f"process {process}: {other.decode()}")
    return cast(T, result)


def on_first(work: Callable[[], T]) -> T:
    """Run `work` on the first process alone and return its result on all."""
    return from_first(cast(T, together(lambda: work() if is_first() else None)))


def from_first(value: T) -> T:
    """Return the first process's value, unchanged: dictionaries keep their order."""
    if jax.process_count() == 1:
        return value
    content = pickle.dumps(value) if is_first() else b""
    size = multihost_utils.broadcast_one_to_all(np.int32(len(content)))
    sent = np.frombuffer(content.ljust(int(size), b"\0"), np.uint8)
    received = np.asarray(multihost_utils.broadcast_one_to_all(sent))
    return pickle.loads(received.tobytes())


def _gather(content: bytes) -> list[bytes]:
    """Return the contents of all processes, in their order."""
    if jax.process_count() == 1:
        return [content]
    sizes = multihost_utils.process_allgather(np.int32(len(content)))
    padded = np.frombuffer(content.ljust(int(sizes.max()) + 1, b"\0"), np.uint8)
    rows = multihost_utils.process_allgather(padded)
    return [row[:size].tobytes() for row, size in zip(rows, sizes, strict=True)]
