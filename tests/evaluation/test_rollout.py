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


def test_channels_that_are_not_forecast_are_constant():
    history = jnp.array([[1.0, 7], [1, 8], [2, 9], [3, 5]]).reshape(1, 4, 1, 2)

    def first_channel(history):
        assert history.shape == (1, 4, 1, 2)
        return two_ahead(history[..., :1]) + history[:, -1:, ..., 1:]

    frames = rollout(first_channel, history, 4)
    assert frames.shape == (1, 4, 1, 1)
    # Two frames at once, each five more than the rule.
    np.testing.assert_array_equal(frames.ravel(), [10.0, 13, 28, 41])


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("num_frames", [1, 2, 5, 6])
def test_forecasts_are_fed_back(num_frames, unroll):
    history = jnp.array([1.0, 1, 2, 3]).reshape(1, 4, 1, 1)
    frames = rollout(two_ahead, history, num_frames, unroll=unroll)
    expected = [5.0, 8, 13, 21, 34, 55][:num_frames]
    assert frames.shape == (1, num_frames, 1, 1)
    np.testing.assert_array_equal(frames.ravel(), expected)


@pytest.mark.parametrize("unroll", [False, True])
def test_the_gradient_goes_back_through_the_last_calls(unroll):
    """Frames a, a^2, a^3 of a step that multiplies by a; what is given is constant."""

    def total(a, calls):
        frames = rollout(
            lambda history: a * history[:, -1:],
            jnp.ones((1, 2, 1, 1)),
            3,
            gradient_calls=calls,
            unroll=unroll,
        )
        return jnp.sum(frames)

    a = 3.0
    expected = {
        0: 1 + 2 * a + 3 * a**2,
        1: 1 + a + a**2,
        2: 1 + a + 2 * a**2,
        3: 1 + 2 * a + 3 * a**2,
    }
    for calls, gradient in expected.items():
        assert total(a, calls) == a + a**2 + a**3
        assert jax.grad(total)(a, calls) == gradient
