"""Time push beside its peers, its plain form and its limits, in one process.

    python benchmarks/speed/push.py [--rounds 8] [--cases images small]

Every form of a case is timed in turn, round after round. The median is printed, with
the time of the others over ours (above 1: ours is faster). Peers that are not installed
have no rows: PyTorch (any CPU build), and scipy and numba, which the `bench` extra
brings.
"""

import argparse
import functools
import importlib.util
import math
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

CASES = {
    # name: shape of the field, displacement fields (0: shared)
    "images": ((4, 128, 128, 32), 32),
    "grouped": ((4, 128, 128, 32), 8),
    "shared": ((4, 128, 128, 32), 0),
    "width 24": ((4, 128, 128, 24), 24),
    "large": ((1, 1024, 1024, 8), 8),
    "small": ((1024, 16, 16, 4), 4),
    "1-D": ((64, 4096, 8), 8),
    "3-D": ((1, 64, 64, 64, 8), 8),
}
REACH = 3.0  # cells, the largest displacement


class Form(NamedTuple):
    """One way to push or pull: functions that return when the work is done."""

    forward: Callable[[], object]
    gradients: Callable[[], object] | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    arguments = parser.parse_args()
    from adr_jax.training.devices import host

    host.prepare_host(1)  # the allocator as training sets it, one device
    print(host.describe_devices())
    for name in arguments.cases:
        shape, fields = CASES[name]
        show(name, shape, fields, arguments.rounds)


def show(name: str, shape: tuple[int, ...], fields: int, rounds: int) -> None:
    """Time every form of one case and print its table."""
    d = len(shape) - 2
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    groups = (fields,) if fields else ()
    u = rng.uniform(-REACH, REACH, (*shape[:-1], *groups, d)).astype(np.float32)
    forms = {"copy of x (limit)": Form(x.copy), **ours(x, u), **plain(x, u)}
    for module, make in (("torch", torch), ("scipy", scipy), ("numba", numba)):
        if importlib.util.find_spec(module):
            forms |= make(x, u)
    seconds = {key: ([], []) for key in forms}
    for turn in range(1 + rounds):
        for key, form in forms.items():
            for times, call in zip(seconds[key], form, strict=True):
                if call is not None:
                    start = time.perf_counter()
                    call()
                    if turn:  # the first compiles
                        times.append(time.perf_counter() - start)
    print(f"\n{name}: x {shape}, u {u.shape}, up to {REACH:g} cells")
    print(f"{'':28} forward ms  ns/cell  of ours   value + gradients ms  of ours")
    medians = {
        key: [statistics.median(times) if times else math.nan for times in both]
        for key, both in seconds.items()
    }
    for key, (forward, gradients) in medians.items():
        mine = medians["our pull" if "pull" in key else "our push"]
        second = f"{1e3 * gradients:22.2f} {gradients / mine[1]:8.2f}"
        print(
            f"{key:28} {1e3 * forward:10.2f} {1e9 * forward / x.size:8.1f} "
            f"{forward / mine[0]:8.2f} {second if gradients == gradients else ''}"
        )


def jax_form(operator: Callable, x: np.ndarray, u: np.ndarray) -> Form:
    """Return a compiled function of x and u, and its value with both gradients."""
    import jax
    import jax.numpy as jnp

    arrays = jnp.asarray(x), jnp.asarray(u)
    forward = jax.jit(operator)
    both = jax.jit(jax.value_and_grad(lambda x, u: operator(x, u).sum(), (0, 1)))
    return Form(
        lambda: jax.block_until_ready(forward(*arrays)),
        lambda: jax.block_until_ready(both(*arrays)),
    )


def ours(x: np.ndarray, u: np.ndarray) -> dict[str, Form]:
    """Return push and pull of adr_jax."""
    import adr_jax

    x_planes, u_planes = planes(x, u)
    grouped = u.ndim > x.ndim
    return {
        "our push": jax_form(functools.partial(adr_jax.push, grouped=grouped), x, u),
        # Channels as images: the cost of the way to and from channels-last.
        "our push of planes": jax_form(adr_jax.push, x_planes[..., None], u_planes),
        "our pull": jax_form(functools.partial(adr_jax.pull, grouped=grouped), x, u),
    }


def plain(x: np.ndarray, u: np.ndarray) -> dict[str, Form]:
    """Return one `segment_sum` for each corner, over the whole batch, clamped."""
    import jax
    import jax.numpy as jnp

    *batch, channels = x.shape
    space = batch[1:]

    def push(x, u):
        if u.ndim == x.ndim:
            u = u[..., None, :]
        u = jnp.repeat(u, channels // u.shape[-2], axis=-2)
        index = jnp.meshgrid(*map(jnp.arange, x.shape), indexing="ij", sparse=True)
        first = jnp.floor(u)
        out = jnp.zeros(x.size)
        for corner in np.ndindex(*(2,) * len(space)):
            target = index[0]
            share = x
            for k, n in enumerate(space):
                cell = index[1 + k] + first[..., k].astype(int) + corner[k]
                target = target * n + jnp.clip(cell, 0, n - 1)
                far = u[..., k] - first[..., k]
                share = share * (far if corner[k] else 1 - far)
            target = target * channels + index[-1]
            out += jax.ops.segment_sum(share.ravel(), target.ravel(), x.size)
        return out.reshape(x.shape)

    return {"plain push, segment_sum": jax_form(push, x, u)}


def planes(x: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return channels first, one displacement a plane, as the peers have it."""
    if u.ndim == x.ndim:
        u = u[..., None, :]
    u = np.repeat(u, x.shape[-1] // u.shape[-2], axis=-2)
    space = x.shape[1:-1]
    x = np.moveaxis(x, -1, 1).reshape(-1, *space)
    u = np.moveaxis(u, -2, 1).reshape(-1, *space, len(space))
    return np.ascontiguousarray(x), np.ascontiguousarray(u)


def torch(x: np.ndarray, u: np.ndarray) -> dict[str, Form]:
    """Return PyTorch's `index_add`, its image sampler and its transpose."""
    import torch
    import torch.nn.functional as F

    x, u = planes(x, u)
    space = x.shape[1:]
    field = torch.tensor(x, requires_grad=True)
    move = torch.tensor(u, requires_grad=True)
    cells = [torch.tensor(c) for c in np.indices(space)]

    def index_add():
        plane = torch.arange(len(x)).view(-1, *[1] * len(space))
        first = move.detach().floor()
        out = torch.zeros(x.size)
        for corner in np.ndindex(*(2,) * len(space)):
            target, share = plane, field
            for k, n in enumerate(space):
                cell = cells[k] + first[..., k].long() + corner[k]
                target = target * n + cell.clamp(0, n - 1)
                far = move[..., k] - first[..., k]
                share = share * (far if corner[k] else 1 - far)
            out = out.index_add(0, target.reshape(-1), share.reshape(-1))
        return out

    def backward(operator):
        field.grad = move.grad = None
        operator().sum().backward()

    def without_gradient(operator):
        with torch.no_grad():
            return operator()

    forms = {
        "push, torch index_add": Form(
            lambda: without_gradient(index_add), lambda: backward(index_add)
        )
    }
    if len(space) == 2:
        # In the sampler's units -1 and 1 are the middles of the outermost cells.
        def points():
            arrivals = [
                (cell + move[..., k]) * (2 / (n - 1)) - 1
                for k, (cell, n) in enumerate(zip(cells, space, strict=True))
            ]
            return torch.stack(arrivals[::-1], dim=-1)

        def sample():
            return F.grid_sample(
                field[:, None], points(), padding_mode="border", align_corners=True
            )

        def transpose():
            return torch.ops.aten.grid_sampler_2d_backward(
                field[:, None], field[:, None], points(), 0, 1, True, [True, False]
            )

        forms["push, torch sampler's adjoint"] = Form(
            lambda: without_gradient(transpose)
        )
        forms["pull, torch grid_sample"] = Form(
            lambda: without_gradient(sample), lambda: backward(sample)
        )
    return forms


def scipy(x: np.ndarray, u: np.ndarray) -> dict[str, Form]:
    """Return SciPy's, one image and channel at a time."""
    from scipy.ndimage import map_coordinates

    x, u = planes(x, u)
    cells = np.indices(x.shape[1:])

    def pull():
        return [
            map_coordinates(plane, cells + np.moveaxis(move, -1, 0), order=1)
            for plane, move in zip(x, u, strict=True)
        ]

    return {"pull, scipy map_coordinates": Form(pull)}


def numba(x: np.ndarray, u: np.ndarray) -> dict[str, Form]:
    """Return the practical limit in 2-D: compiled loops, shared by threads."""
    if x.ndim != 4:
        return {}
    import numba

    x, u = planes(x, u)

    @numba.njit(parallel=True, fastmath=True)
    def push(x, u):
        planes, h, w = x.shape
        out = np.zeros_like(x)
        for p in numba.prange(planes):
            for i in range(h):
                for j in range(w):
                    row, column = i + u[p, i, j, 0], j + u[p, i, j, 1]
                    i0, j0 = int(math.floor(row)), int(math.floor(column))
                    a, b = row - i0, column - j0
                    top, bottom = min(max(i0, 0), h - 1), min(max(i0 + 1, 0), h - 1)
                    left, right = min(max(j0, 0), w - 1), min(max(j0 + 1, 0), w - 1)
                    q = x[p, i, j]
                    out[p, top, left] += (1 - a) * (1 - b) * q
                    out[p, top, right] += (1 - a) * b * q
                    out[p, bottom, left] += a * (1 - b) * q
                    out[p, bottom, right] += a * b * q
        return out

    return {"push, numba loop (limit)": Form(lambda: push(x, u))}


if __name__ == "__main__":
    main()
