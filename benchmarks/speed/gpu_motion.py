"""Measured motion, and a frame carried along it: the nowcast without learning."""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from gpu_timing import Form, Row, row, timed, within

import adr_jax

SIDES, SMALL = (128, 256, 512, 1024), (32,)
PAST, LEADS = 4, 24
STEP = np.array([2.0, 3.0], np.float32)  # cells a frame


def motion(small: bool, seconds: float) -> Iterator[Row]:
    """Time motion from four frames, and 24 leads along it."""
    measure = jax.jit(adr_jax.estimate_motion)
    carry = jax.jit(lambda frame, u: adr_jax.extrapolate(frame, u, LEADS))
    for cells in within(seconds, SMALL if small else SIDES):
        frames, u = _frames(cells), jnp.broadcast_to(STEP, (cells, cells, 2))
        forms = {
            f"estimate_motion, {PAST} frames": Form(functools.partial(measure, frames)),
            f"extrapolate, {LEADS} leads": Form(
                functools.partial(carry, frames[-1], u)
            ),
        }
        for name, found in timed(forms).items():
            facts = {"ns a cell": 1e9 * found.seconds / cells**2}
            yield row(f"{name}, {cells} x {cells}", found, **facts)


def _frames(cells: int) -> jax.Array:
    """Return smooth noise that moves as a whole, (PAST, cells, cells, 1)."""
    noise = jax.random.normal(jax.random.key(0), (cells // 8, cells // 8))
    smooth = np.asarray(jax.image.resize(noise, (cells, cells), "cubic"))
    moved = [
        np.roll(smooth, time * STEP.astype(int), axis=(0, 1)) for time in range(PAST)
    ]
    return jnp.asarray(np.stack(moved)[..., None])
