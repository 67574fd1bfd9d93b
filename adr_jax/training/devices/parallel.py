"""The only file that names pmap, devices and processes.

A step is written for one device and ends in sums over the axis "batch"; here it is
mapped over all devices of all processes. State has no device axis: every device holds
the same. What one process reads or decides reaches the others through `from_first`,
`on_first` and `together`, which all of them call at the same place.
"""

import ctypes
import hashlib
import os
import pathlib
import pickle
import platform
import warnings
from collections.abc import Callable
from typing import TypeVar, cast

import jax
import numpy as np
from jax.experimental import multihost_utils
from jaxtyping import PyTree

from adr_jax.errors import InputError

AXIS = "batch"
T = TypeVar("T")

# glibc's mallopt parameters: keep freed memory instead of returning it to the system,
# which a training step would otherwise take and give back hundreds of times.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_KEEP_BYTES = 1 << 30

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
    """Joins the processes of a run; call it before anything asks JAX for its devices.

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


def prepare_host(batch_size: int) -> None:
    """Sets what a process needs; call it before anything asks JAX for its devices.

    On CPUs one virtual device per core, as far as they divide the batch, or one for
    each of several processes; JAX_NUM_CPU_DEVICES overrides it. What is compiled is
    kept in a folder of the user's cache; JAX_COMPILATION_CACHE_DIR names another.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    devices = max(n for n in range(1, cores + 1) if batch_size % n == 0)
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        alone = not jax.distributed.is_initialized()
        jax.config.update("jax_num_cpu_devices", devices if alone else 1)
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        _keep_what_is_compiled()
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return  # not glibc
    for parameter in (_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD):
        mallopt(parameter, _KEEP_BYTES)


def _keep_what_is_compiled() -> None:
    """Apart for each kind of CPU: code for one may not run, or round, on another."""
    flags = " ".join([platform.machine(), *_cpu_info("flags")[:1]])
    kind = hashlib.sha256(flags.encode()).hexdigest()[:8]
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(cache) / "adr_jax" / f"compiled-{kind}"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        # Small things are many.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def check_devices(expected: int, batch_size: int, accumulate: int = 1) -> None:
    """Refuses a number of devices other than expected, or that cannot share a batch."""
    count = jax.device_count()
    if expected and count != expected:
        raise InputError(
            f"config.expected_devices is {expected}, but JAX sees {count} "
            f"{jax.devices()[0].platform} devices in {jax.process_count()} processes: "
            "mend the launch, or set it to 0"
        )
    if jax.local_device_count() * jax.process_count() != count:
        raise InputError(
            f"{jax.process_count()} processes have {count} devices, not the same "
            "number each: mend the launch"
        )
    if batch_size % (count * accumulate):
        parts = f" {accumulate} times" if accumulate > 1 else ""
        raise InputError(
            f"config.train.batch_size is {batch_size}, which {count} devices cannot "
            f"share{parts}: set a multiple of {count * accumulate}"
        )


def check_same(what: str, value: str) -> None:
    """Refuses processes that differ in `value`, which `what` names."""
    for process, other in enumerate(_gather(value.encode())):
        if other.decode() != value:
            raise InputError(
                f"process {process} and process {jax.process_index()} differ in {what}:"
                " start all of them with the same command, code and data"
            )


def describe_devices() -> str:
    """For example "2 x cpu", or "8 x TPU v4 in 2 processes"."""
    device = jax.devices()[0]
    kind = device.device_kind if device.platform != "cpu" else _cpu_name()
    processes = jax.process_count()
    within = f" in {processes} processes" if processes > 1 else ""
    return f"{jax.device_count()} x {kind}{within}"


def _cpu_name() -> str:
    names = _cpu_info("model name")
    return f"CPU device, {names[0]}, {len(names)} cores" if names else "CPU device"


def _cpu_info(field: str) -> list[str]:
    """What Linux says of each core."""
    try:
        with open("/proc/cpuinfo") as info:
            return [line.split(":")[1].strip() for line in info if field in line]
    except OSError:
        return []


def device_memory() -> dict[str, float]:
    """Peak memory of a device of this process; empty where the backend keeps quiet."""
    stats = [device.memory_stats() or {} for device in jax.local_devices()]
    peaks = [of["peak_bytes_in_use"] for of in stats if "peak_bytes_in_use" in of]
    return {"device_memory_gib": max(peaks) / 2**30} if peaks else {}


def is_first() -> bool:
    """Whether this process is the one that writes and prints."""
    return jax.process_index() == 0


def say(line: str) -> None:
    """Prints a line, once for all processes."""
    if is_first():
        print(line, flush=True)


def together(work: Callable[[], T]) -> T:
    """What `work` returns, once all processes did theirs.

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
    """What `work` returns on the first process, where alone it runs; see from_first."""
    return from_first(cast(T, together(lambda: work() if is_first() else None)))


def from_first(value: T) -> T:
    """The first process's value, as it is: dictionaries keep their order."""
    if jax.process_count() == 1:
        return value
    content = pickle.dumps(value) if is_first() else b""
    size = multihost_utils.broadcast_one_to_all(np.int32(len(content)))
    sent = np.frombuffer(content.ljust(int(size), b"\0"), np.uint8)
    received = np.asarray(multihost_utils.broadcast_one_to_all(sent))
    return pickle.loads(received.tobytes())


def _gather(content: bytes) -> list[bytes]:
    """The contents of all processes, in their order."""
    if jax.process_count() == 1:
        return [content]
    sizes = multihost_utils.process_allgather(np.int32(len(content)))
    padded = np.frombuffer(content.ljust(int(sizes.max()) + 1, b"\0"), np.uint8)
    rows = multihost_utils.process_allgather(padded)
    return [row[:size].tobytes() for row, size in zip(rows, sizes, strict=True)]


def rows(batch_size: int) -> slice:
    """The rows of a global batch that this process has to provide."""
    share = batch_size // jax.process_count()
    return slice(share * jax.process_index(), share * (jax.process_index() + 1))


def replicate(state: PyTree) -> PyTree:
    """Puts the same state on every device of this process.

    Donating a state that is not placed like this crashes where there are several
    processes, and only there.
    """
    return jax.device_put(state, jax.NamedSharding(_local_mesh(), jax.P()))


def map_step(step: Callable) -> Callable:
    """`(state, batch) -> (state, metrics)` on all devices; the old state is consumed.

    The batch is this process's part of the global one: its leading axis is shared among
    the local devices. Metrics must be sums over AXIS, or follow from them: the mapping
    takes one device's unseen of the others'.
    """
    mapped = jax.pmap(
        step, AXIS, in_axes=(None, 0), out_axes=(None, None), donate_argnums=(0,)
    )
    return lambda state, batch: mapped(state, _shard(batch))


def total(tree: PyTree) -> PyTree:
    """The sum over all devices, inside a mapped step."""
    return jax.lax.psum(tree, AXIS)


def map_forecast(forecast: Callable) -> Callable:
    """`(params, history, num_frames) -> frames` on all devices.

    NumPy in, NumPy out, the same on all processes; any number of samples, filled up to
    share them equally.
    """
    mapped = jax.pmap(
        forecast, AXIS, in_axes=(None, 0), static_broadcasted_argnums=(2,)
    )

    def on_all_devices(
        params: PyTree, history: np.ndarray, num_frames: int
    ) -> np.ndarray:
        samples = len(history)
        missing = -samples % jax.device_count()
        filled = np.concatenate([history, np.repeat(history[-1:], missing, axis=0)])
        mine = filled[rows(len(filled))]
        frames = jax.device_get(mapped(params, _shard(mine), num_frames))
        frames = frames.reshape(-1, *frames.shape[2:])
        return multihost_utils.process_allgather(frames, tiled=True)[:samples]

    return on_all_devices


def _shard(batch: PyTree) -> PyTree:
    devices = jax.local_device_count()
    stacked = jax.tree.map(lambda a: a.reshape(devices, -1, *a.shape[1:]), batch)
    return jax.device_put(stacked, jax.NamedSharding(_local_mesh(), jax.P(AXIS)))


def _local_mesh() -> jax.sharding.Mesh:
    return jax.sharding.Mesh(np.array(jax.local_devices()), (AXIS,))
