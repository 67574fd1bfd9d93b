"""The only file that names pmap, devices and processes.

A step is written for one device and ends in sums over the axis "batch"; here it is
mapped over all of them. State has no device axis: every device holds the same.
"""

import ctypes
import os
from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import PyTree

from adr_jax.errors import InputError

AXIS = "batch"

# glibc's mallopt parameters: keep freed memory instead of returning it to the system,
# which a training step would otherwise take and give back hundreds of times.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_KEEP_BYTES = 1 << 30


def prepare_host(batch_size: int) -> None:
    """Sets what a CPU needs; call it before anything asks JAX for its devices.

    One virtual device per core, as far as they divide the batch. No effect on
    accelerators.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    devices = max(n for n in range(1, cores + 1) if batch_size % n == 0)
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        jax.config.update("jax_num_cpu_devices", devices)
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return  # not glibc
    for parameter in (_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD):
        mallopt(parameter, _KEEP_BYTES)


def check_devices(expected: int, batch_size: int) -> None:
    """Refuses a number of devices other than expected, or that cannot share a batch."""
    count = jax.device_count()
    if expected and count != expected:
        raise InputError(
            f"config.expected_devices is {expected}, but JAX sees {count} "
            f"{jax.devices()[0].platform} devices: mend the launch, or set it to 0"
        )
    if batch_size % count:
        raise InputError(
            f"config.train.batch_size is {batch_size}, which {count} devices cannot "
            f"share: set a multiple of {count}"
        )


def describe_devices() -> str:
    """For example "2 x cpu"."""
    device = jax.devices()[0]
    kind = device.device_kind if device.platform != "cpu" else _cpu_name()
    return f"{jax.device_count()} x {kind}"


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as info:
            names = [
                line.split(":")[1].strip() for line in info if "model name" in line
            ]
    except OSError:
        names = []
    return f"CPU device, {names[0]}, {len(names)} cores" if names else "CPU device"


def replicate(state: PyTree) -> PyTree:
    """Puts the same state on every local device.

    Donating a state that is not placed like this crashes where there are several
    processes, and only there.
    """
    mesh = jax.sharding.Mesh(np.array(jax.local_devices()), (AXIS,))
    return jax.device_put(state, jax.NamedSharding(mesh, jax.P()))


def map_step(step: Callable) -> Callable:
    """`(state, batch) -> (state, metrics)` on all devices; the old state is consumed.

    The batch's leading axis is shared among the devices. Metrics must be sums over
    AXIS, or follow from them: the mapping takes one device's unseen of the others'.
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

    NumPy in, NumPy out; any number of samples, filled up to share them equally.
    """
    mapped = jax.pmap(
        forecast, AXIS, in_axes=(None, 0), static_broadcasted_argnums=(2,)
    )

    def on_all_devices(
        params: PyTree, history: np.ndarray, num_frames: int
    ) -> np.ndarray:
        samples = len(history)
        missing = -samples % jax.local_device_count()
        filled = np.concatenate([history, np.repeat(history[-1:], missing, axis=0)])
        frames = np.asarray(mapped(params, _shard(filled), num_frames))
        return frames.reshape(-1, *frames.shape[2:])[:samples]

    return on_all_devices


def _shard(batch: PyTree) -> PyTree:
    devices = jax.local_device_count()
    return jax.tree.map(lambda a: a.reshape(devices, -1, *a.shape[1:]), batch)
