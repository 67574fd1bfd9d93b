"""Operators where JAX computes in double precision: each answers in its input's type.

Without it a network in float32 becomes one in float64 on the way, or a loop is refused
whose state changes its type.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import adr_jax
from adr_jax.operators.diffusion import diffuse

TYPES = ("float32", "float64")


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def frames(generator):
    """Return noise that moves by a cell a frame, (2, time, 16, 16, 1)."""
    noise = generator.normal(size=(2, 16, 16, 1))
    return np.stack([np.roll(noise, k, axis=1) for k in range(4)], axis=1)


def small(generator, dtype, *shape):
    return jnp.asarray(generator.normal(size=(2, 16, 16, *shape)), dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("move", [adr_jax.push, adr_jax.pull])
@pytest.mark.parametrize("boundary", ["clamp", "periodic", "open"])
def test_content_moves_in_its_own_type(generator, dtype, move, boundary):
    x, u = small(generator, dtype, 3), small(generator, dtype, 2)
    assert move(x, u, boundary=boundary).dtype == dtype


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("method", ["explicit", "implicit"])
def test_diffusion(generator, dtype, method):
    x = small(generator, dtype, 3)
    rates = jnp.full(3, 0.1, dtype)
    assert diffuse(x, rates, method=method).dtype == dtype


@pytest.mark.parametrize("dtype", TYPES)
def test_motion_and_what_follows_it(frames, dtype):
    history = jnp.asarray(frames, dtype)
    u = adr_jax.estimate_motion(history)
    assert u.dtype == dtype
    for shear in (1.0, np.float64(1.0)):
        assert adr_jax.estimate_motion(history, shear=shear).dtype == dtype
    assert adr_jax.trajectory(u, 3).dtype == dtype
    assert adr_jax.extrapolate(history[:, -1], u, steps=2).dtype == dtype
    tracks = adr_jax.track_objects(history)
    for part in jax.tree.leaves(tracks):
        assert part.dtype in (jnp.dtype(dtype), jnp.dtype("int64"), jnp.dtype("int32"))
