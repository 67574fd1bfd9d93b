"""Push, pull and their gradients against the bytes that they have to move.

Each input is read once and each output written once, in float32, with a displacement
for each channel, as ADRNet has them, or one for all. "uniform" moves all cells alike;
in a "collision" all of a column arrive in its last cell, under boundary "clamp".
"""

import functools
from collections.abc import Callable, Iterator, Mapping

import gpu_bandwidth
import jax
import jax.numpy as jnp
import numpy as np
import push as beside
from gpu_timing import Form, Row, row, timed, torch_wait, within

import adr_jax
from adr_jax.operators import cuda

# Cells of a side, channels, displacements (0: one for all channels), by their worth.
SIZES = (
    (128, 32, 32),
    (1024, 64, 64),
    (512, 64, 64),
    (256, 32, 32),
    (64, 8, 8),
    (512, 64, 0),
)
SMALL = ((16, 4, 4),)
# Matrix products take two operations for each pair of cells and channel.
MOST_CELLS_OF_MATMUL = 256
GRADIENTS = " with gradients"


def push(small: bool, seconds: float) -> Iterator[Row]:
    """Time both lowerings and PyTorch's ways beside what a copy reaches."""
    copied, found = gpu_bandwidth.copy(small)
    rate = copied / found.seconds
    for cells, channels, fields in within(seconds, SMALL if small else SIZES):
        x, functions = _field(cells, channels), _functions(cells, fields)
        for move, u in _displacements(cells, fields).items():
            forms = _ours(functions, x, u) | (_torch(x, u) if fields else {})
            for name, time in timed(forms).items():
                reached = _bytes(name, x, u) / time.seconds
                what = f"{name}, {_setting(move, cells, channels, fields)}"
                facts = {"GB/s": reached / 1e9, "of a copy": reached / rate}
                yield row(what, time, **facts)


def push_without_flag(small: bool, seconds: float) -> Iterator[Row]:
    """Time push where nobody set the flag of adr_jax/operators/cuda.py."""
    if not cuda.lacks_flag():
        yield {"what": "nothing to compare: this JAX needs no flag"}
        return
    cells, channels, fields = SMALL[0] if small else SIZES[0]
    x, name = _field(cells, channels), "push, segment_sum"
    functions = {name: _functions(cells, fields)[name]}
    for move, u in _displacements(cells, fields).items():
        found = timed(_ours(functions, x, u))[name]
        yield row(f"{name}, {_setting(move, cells, channels, fields)}", found)


def _bytes(name: str, x: np.ndarray, u: np.ndarray) -> int:
    """Return what a form reads and writes at least."""
    if name.endswith(GRADIENTS):  # in: x, u, the output's gradient; out: it, x's, u's
        return 4 * x.nbytes + 2 * u.nbytes
    return 2 * x.nbytes + u.nbytes


def _setting(move: str, cells: int, channels: int, fields: int) -> str:
    shared = "" if fields else ", one displacement for all channels"
    return f"{move}, {cells} x {cells} x {channels}{shared}"


def _field(cells: int, channels: int) -> np.ndarray:
    shape = (1, cells, cells, channels)
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _displacements(cells: int, fields: int) -> dict[str, np.ndarray]:
    groups = (fields,) if fields else ()
    return {
        name: np.full((1, cells, cells, *groups, 2), step, np.float32)
        for name, step in {"uniform": (1.3, 0.7), "collision": (cells, 0.3)}.items()
    }


def _functions(cells: int, fields: int) -> dict[str, Callable]:
    """Return the operators, and their values with both gradients.

    Each is compiled once, for all displacements.
    """
    lowerings = ("segment_sum", "matmul")[: 2 if cells <= MOST_CELLS_OF_MATMUL else 1]
    functions = {}
    for name, operator in {"push": adr_jax.push, "pull": adr_jax.pull}.items():
        for lowering in lowerings:
            forward = functools.partial(
                operator, lowering=lowering, grouped=bool(fields)
            )
            functions[f"{name}, {lowering}"] = jax.jit(
                lambda x, u, g, forward=forward: forward(x, u)
            )
            functions[f"{name}, {lowering}{GRADIENTS}"] = jax.jit(
                functools.partial(_with_gradients, forward)
            )
    return functions


def _with_gradients(forward: Callable, x, u, g):
    value, pullback = jax.vjp(forward, x, u)
    return value, pullback(g)


def _ours(
    functions: Mapping[str, Callable], x: np.ndarray, u: np.ndarray
) -> dict[str, Form]:
    arrays = jnp.asarray(x), jnp.asarray(u), jnp.ones(x.shape)
    return {
        name: Form(functools.partial(function, *arrays))
        for name, function in functions.items()
    }


def _torch(x: np.ndarray, u: np.ndarray) -> dict[str, Form]:
    """Return PyTorch's forms of benchmarks/speed/push.py, where it is installed."""
    wait = torch_wait()
    if wait is None:
        return {}
    forms = {}
    for name, form in beside.torch(x, u).items():
        forms[name] = Form(form.forward, wait)
        if form.gradients:
            forms[f"{name}{GRADIENTS}"] = Form(form.gradients, wait)
    return forms
