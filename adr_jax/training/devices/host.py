"""This machine: what a process sets before JAX starts, and which devices it has."""

import ctypes
import hashlib
import os
import pathlib
import platform

import jax

from adr_jax.errors import InputError

# glibc's mallopt parameters: keep freed memory instead of returning it to the system,
# which a training step would otherwise take and give back hundreds of times.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_KEEP_BYTES = 1 << 30


def prepare_host(batch_size: int) -> None:
    """Set what a process needs; call it before anything asks JAX for its devices.

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
    """Keep a cache for each kind of CPU: code for one may fail or round elsewhere."""
    flags = " ".join([platform.machine(), *_cpu_info("flags")[:1]])
    kind = hashlib.sha256(flags.encode()).hexdigest()[:8]
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(cache) / "adr_jax" / f"compiled-{kind}"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        # Small things are many.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def check_devices(expected: int, batch_size: int, accumulate: int = 1) -> None:
    """Raise InputError for another number of devices, or a batch they cannot share."""
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


def describe_devices() -> str:
    """Return for example "8 x TPU v4 in 2 processes"."""
    device = jax.devices()[0]
    kind = device.device_kind if device.platform != "cpu" else _cpu_name()
    processes = jax.process_count()
    within = f" in {processes} processes" if processes > 1 else ""
    return f"{jax.device_count()} x {kind}{within}"


def _cpu_name() -> str:
    names = _cpu_info("model name")
    return f"CPU device, {names[0]}, {len(names)} cores" if names else "CPU device"


def _cpu_info(field: str) -> list[str]:
    """Return a field of /proc/cpuinfo for each core."""
    try:
        with open("/proc/cpuinfo") as info:
            return [line.split(":")[1].strip() for line in info if field in line]
    except OSError:
        return []


def device_memory() -> dict[str, float]:
    """Return the peak memory of a device; {} where the backend does not tell it."""
    stats = [device.memory_stats() or {} for device in jax.local_devices()]
    peaks = [s["peak_bytes_in_use"] for s in stats if "peak_bytes_in_use" in s]
    return {"device_memory_gib": max(peaks) / 2**30} if peaks else {}
