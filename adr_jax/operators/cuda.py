"""The flag that some versions of JAX need to add float32 numbers fast on NVIDIA GPUs.

The compilers of 0.10.2 to 0.11 turn an addition into memory into a loop that compares
and swaps, unless LLVM is told that subnormal numbers may become zero there:
https://github.com/openxla/xla/issues/46225
"""

from __future__ import annotations  # so that using push loads jax and nothing else

import functools
import importlib.metadata
import os
import re
import warnings

_OPTION, _VALUE = "--xla_backend_extra_options", "-nvptx-allow-ftz-atomics"
FLAG = f"{_OPTION}={_VALUE}"
# The packages with the compiler, by the version of CUDA.
COMPILERS = ("jax-cuda12-pjrt", "jax-cuda13-pjrt")
FIRST_SLOW, FIRST_MENDED = (0, 10, 2), (0, 12)


def set_flag() -> None:
    """Add FLAG to XLA_FLAGS where it is needed; call it before JAX starts.

    Options of LLVM that are set already stay as they are: the flag holds all of them.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if lacks_flag() and _OPTION not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {FLAG}".strip()


@functools.cache
def warn_of_slow_sums() -> None:
    """Warn, once in a process, where FLAG is needed and not set."""
    if lacks_flag():
        warnings.warn(
            "this version of JAX adds float32 numbers on NVIDIA GPUs in a loop, many "
            f"times slower than the hardware can: add {FLAG} to XLA_FLAGS before it "
            "starts, or use jax>=0.12",
            stacklevel=4,  # who called push
        )


def lacks_flag() -> bool:
    """Return whether this JAX has a CUDA compiler that needs FLAG and is not told."""
    version = _compiler_version()
    is_slow = version is not None and FIRST_SLOW <= version < FIRST_MENDED
    return is_slow and _VALUE not in os.environ.get("XLA_FLAGS", "")


def _compiler_version() -> tuple[int, ...] | None:
    """Return the version of the installed CUDA compiler, if there is one."""
    for package in COMPILERS:
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        return tuple(map(int, re.findall(r"\d+", version)[:3]))
    return None
