"""Targets: chips that programs are compiled for on a machine that has none.

JAX describes a TPU slice by libtpu, and GPUs by its CUDA plugin; both are packages.
"""

import importlib.util
import os
from typing import NamedTuple

from jax.experimental import topologies

from adr_jax.errors import InputError
from adr_jax.training.devices.chips import (
    GPU_SHARE,
    GPUS,
    GPUS_OF_A_HOST,
    SLICES,
    TPU,
    TPUS,
    gpu_configuration,
)

_ENVIRONMENT = {
    # Without these, libtpu asks the network which slice this machine is part of, and
    # is loaded by one process at a time.
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    # The CUDA plugin asks libraries for their versions; some need a GPU to answer.
    "JAX_SKIP_CUDA_CONSTRAINTS_CHECK": "1",
}
_PLUGINS = {12: "jax_plugins.xla_cuda12", 13: "jax_plugins.xla_cuda13"}


class Target(NamedTuple):
    """Chips of one kind that are described only."""

    name: str
    devices: list  # of jax.Device
    # Bytes that a program may take on each.
    memory: float
    # What it reaches at most, where the compiler tells what a program costs.
    peaks: TPU | None


def find(name: str) -> Target:
    """Return the chips that `name` means: a slice, "v5e:4x4", or GPUs, "h100:8".

    Call it before anything asks JAX for its devices.

    Raises:
      InputError: there is no such target, or the package that compiles for it is not
        installed.
    """
    for variable, value in _ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    kind, _, size = name.partition(":")
    if size in SLICES.get(kind, ()):
        return Target(name, _tpus(name), TPUS[kind].memory, TPUS[kind])
    if kind in GPUS and (size or "1") in map(str, GPUS_OF_A_HOST):
        devices = _gpus(kind, size or "1")
        return Target(name, devices, GPU_SHARE * GPUS[kind].memory, None)
    raise InputError(f"--target {name} is not known; known are {_known()}")


def _known() -> str:
    slices = (f"{kind}: {' '.join(sizes)}" for kind, sizes in SLICES.items())
    several = ", ".join(f":{count}" for count in GPUS_OF_A_HOST[1:])
    return f"{'; '.join(slices)} (as v5e:4x4); {', '.join(GPUS)}, also with {several}"


def _tpus(name: str) -> list:
    if importlib.util.find_spec("libtpu") is None:
        raise InputError(
            f"--target {name} is compiled by libtpu, which is not installed: "
            "pip install 'adr_jax[tpu]'"
        )
    return topologies.get_topology_desc(platform="tpu", topology_name=name).devices


def _gpus(kind: str, count: str) -> list:
    version = _cuda_version()
    if version is None:
        raise InputError(
            f"--target {kind} is compiled by JAX's CUDA plugin, which is not "
            "installed: pip install 'adr_jax[cuda]'"
        )
    try:
        topology = topologies.get_topology_desc(
            platform="cuda",
            topology_name=kind,
            topology=f"1x1x{count}",
            target_config=gpu_configuration(kind, version),
        )
    except NotImplementedError as error:
        raise InputError(
            f"--target {kind} is compiled by JAX's CUDA plugin, which does not start "
            "here: install it anew, pip install --force-reinstall 'adr_jax[cuda]'"
        ) from error
    return topology.devices


def _cuda_version() -> int | None:
    """Return the major version of CUDA whose plugin is installed."""
    if importlib.util.find_spec("jax_plugins") is None:
        return None
    installed = (n for n, name in _PLUGINS.items() if importlib.util.find_spec(name))
    return max(installed, default=None)
