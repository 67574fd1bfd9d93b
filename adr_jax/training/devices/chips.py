"""Chips that programs are compiled for: their memory, peaks and slices."""

from typing import NamedTuple


class TPU(NamedTuple):
    """Hold what a chip offers, in bytes, and in bytes or operations a second."""

    # What a program may take.
    memory: float
    # Multiplications and additions in matrix products of bfloat16.
    operations: float
    # To and from its memory, and to and from other chips.
    bandwidth: float
    link: float


# Memory: what libtpu's compiler says is available, where a program needs more. The
# rest: docs.cloud.google.com/tpu/docs/v5e, v5p and v6e.
TPUS = {
    "v5e": TPU(15.75 * 2**30, 197e12, 819e9, 400e9),
    "v5p": TPU(95.73 * 2**30, 459e12, 2765e9, 1200e9),
    "v6e": TPU(31.24 * 2**30, 918e12, 1600e9, 800e9),
}
_FLAT = ("1x1", "2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16")
SLICES = {
    "v5e": _FLAT,
    "v5p": ("2x2x1", "2x2x2", "2x4x4", "4x4x4", "4x4x8", "4x8x8"),
    "v6e": _FLAT,
}


class GPU(NamedTuple):
    """Hold what XLA's compiler asks of a GPU."""

    name: str
    capability: int
    clock: float
    cores: int
    units: int
    cache: int
    # Shared memory of a core, and the most of it that a block may have.
    shared: int
    block: int
    memory: int
    bandwidth: int


# As in xla/backends/gpu/target_config/specs of github.com/openxla/xla.
_AMPERE = (8, 1.41, 108, 64, 41943040, 167936, 166912)
_HOPPER = (9, 1.98, 132, 128, 52428800, 233472, 232448)
GPUS = {
    "a100": GPU("NVIDIA A100-SXM4-80GB", *_AMPERE, 85100068864, 2039040000000),
    "h100": GPU("NVIDIA H100 80GB HBM3", *_HOPPER, 84942979072, 3352320000000),
    "h200": GPU("NVIDIA H200 141GB HBM3e", *_HOPPER, 151397597184, 4800000000000),
}
# JAX takes so much of a GPU's memory, unless told otherwise.
GPU_SHARE = 0.75
GPUS_OF_A_HOST = (1, 2, 4, 8)


def gpu_configuration(name: str, cuda: int) -> str:
    """Return one of GPUS as XLA's GpuTargetConfigProto, for a major version of CUDA."""
    gpu = GPUS[name]
    return f"""
gpu_device_info {{
  cuda_compute_capability {{ major: {gpu.capability} }}
  core_count: {gpu.cores}
  fpus_per_core: {gpu.units}
  clock_rate_ghz: {gpu.clock}
  threads_per_warp: 32
  threads_per_block_limit: 1024
  threads_per_core_limit: 2048
  registers_per_block_limit: 65536
  registers_per_core_limit: 65536
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  thread_dim_limit_x: 1024
  thread_dim_limit_y: 1024
  thread_dim_limit_z: 64
  shared_memory_per_block: 49152
  shared_memory_per_block_optin: {gpu.block}
  shared_memory_per_core: {gpu.shared}
  l2_cache_size: {gpu.cache}
  device_memory_size: {gpu.memory}
  memory_bandwidth: {gpu.bandwidth}
}}
platform_name: "CUDA"
runtime_version {{ major: {cuda} }}
dnn_version_info {{ major: 9 minor: 10 }}
device_description_str: "{gpu.name}"
"""
