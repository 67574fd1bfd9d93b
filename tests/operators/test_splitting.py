"""Splitting: observed orders on processes that do not commute, each solved exactly."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from adr_jax.operators.splitting import lie, strang

# Three linear processes on a state of four numbers, no two of which commute.
A, D, R = np.random.default_rng(0).normal(size=(3, 4, 4))
START = np.array([1.0, -0.5, 0.3, 2.0])


def exact(matrix):
    return lambda state, h: expm(h * matrix) @ state


def euler(matrix):
    return lambda state, h: state + h * matrix @ state


def error(step, count):
    state = START
    for _ in range(count):
        state = step(state, 1 / count)
    return np.abs(state - expm(A + D + R) @ START).max()


def observed_order(step):
    return np.log2(error(step, 64) / error(step, 128))


@pytest.mark.parametrize(
    ("step", "order"),
    [
        (lie(exact(A), exact(D), exact(R)), 1),
        (lie(exact(R), exact(A), exact(D)), 1),
        (strang(exact(A), exact(D), exact(R)), 2),
        (strang(euler(A), euler(D), euler(R)), 1),
    ],
    ids=["Lie", "Lie, another order", "Strang", "Strang of Euler parts"],
)
def test_observed_order(step, order):
    # At 64 steps the next term of the expansion is some hundredth of the first.
    assert abs(observed_order(step) - order) < 0.15


def test_lie_keeps_the_order_stated_and_strang_is_symmetric():
    def note(name):
        return lambda trace, h: [*trace, (name, h)]

    steps = note("A"), note("D"), note("R")
    assert lie(*steps)([], 0.5) == [("A", 0.5), ("D", 0.5), ("R", 0.5)]
    assert strang(*steps)([], 0.5) == [
        ("A", 0.25),
        ("D", 0.25),
        ("R", 0.5),
        ("D", 0.25),
        ("A", 0.25),
    ]


def test_commuting_processes_are_split_exactly():
    steps = [lambda q, h, rate=rate: q * jnp.exp(-rate * h) for rate in (0.3, 0.7)]
    expected = 2.0 * np.exp(-0.5)
    for split in (lie, strang):
        # float32
        np.testing.assert_allclose(split(*steps)(2.0, 0.5), expected, rtol=1e-6)
