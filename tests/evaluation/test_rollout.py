"""Rollouts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax.evaluation.rollout import rollout


def two_ahead(history):
    """Return the next two Fibonacci numbers, from two frames."""
    first = history[:, -1] + history[:, -2]
    return jnp.stack([first, first + history[:, -1]], axis=1)


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("num_frames", [1, 2, 5, 6])
def test_forecasts_are_fed_back(num_frames, unroll):
    history = jnp.array([1.0, 1, 2, 3]).reshape(1, 4, 1, 1)
    frames = rollout(two_ahead, history, num_frames, unroll=unroll)
    expected = [5.0, 8, 13, 21, 34, 55][:num_frames]
    assert frames.shape == (1, num_frames, 1, 1)
    np.testing.assert_array_equal(frames.ravel(), expected)


@pytest.mark.parametrize("unroll", [False, True])
def test_the_gradient_goes_back_through_all_forecasts(unroll):
    """Forecast a, a^2, a^3 by a step that multiplies by a."""

    def total(a):
        history = jnp.ones((1, 2, 1, 1))
        return jnp.sum(rollout(lambda h: a * h[:, -1:], history, 3, unroll=unroll))

    assert jax.grad(total)(3.0) == 1 + 2 * 3 + 3 * 9
