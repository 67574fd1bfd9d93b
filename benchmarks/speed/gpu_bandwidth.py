"""Measure what the device reaches: bytes copied and products made in a second."""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
from gpu_timing import Form, Row, Time, row, timed

COPIED = 2**26, 2**20  # float32 numbers: on a GPU, and with --small
SIDE = 8192, 256  # of the matrices


def bandwidth(small: bool, seconds: float) -> Iterator[Row]:
    """Time a copy and matrix products."""
    size, found = copy(small)
    yield row("copy", found, **{"GB/s": size / found.seconds / 1e9, "MB": size / 2e6})
    n = SIDE[small]
    keys = jax.random.split(jax.random.key(0))
    for dtype, precision in (
        ("bfloat16", "default"),
        ("float32", "default"),
        ("float32", "highest"),
    ):
        a, b = (jax.random.normal(key, (n, n), dtype) for key in keys)
        product = jax.jit(functools.partial(jnp.matmul, precision=precision))
        found = timed({"": Form(functools.partial(product, a, b))})[""]
        name = f"{dtype} products, precision {precision}, {n} x {n}"
        yield row(name, found, **{"TFLOP/s": 2 * n**3 / found.seconds / 1e12})


def copy(small: bool) -> tuple[int, Time]:
    """Return the bytes read and written, and the time."""
    x = jnp.ones(COPIED[small], jnp.float32)
    # Not jnp.copy, which a compiler may turn into nothing.
    form = Form(functools.partial(jax.jit(lambda x: x + 1), x))
    return 2 * x.nbytes, timed({"": form})[""]
