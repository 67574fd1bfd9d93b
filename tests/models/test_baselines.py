"""Forecasts without training."""

import jax.numpy as jnp
import numpy as np

from adr_jax.models.baselines import extrapolation, persistence


def test_persistence_repeats_the_last_frame(generator):
    history = jnp.asarray(generator.normal(size=(2, 3, 4, 5, 2)))
    frames = persistence(history, 4)
    assert frames.shape == (2, 4, 4, 5, 2)
    for step in range(4):
        np.testing.assert_array_equal(frames[:, step], history[:, -1])


def test_extrapolation_is_exact_for_a_line(generator):
    start, slope = generator.normal(size=(2, 2, 1, 4, 5, 2))
    times = np.arange(8.0).reshape(1, 8, 1, 1, 1)
    line = start + slope * times
    frames = extrapolation(jnp.asarray(line[:, :3]), 5)
    np.testing.assert_allclose(frames, line[:, 3:], atol=1e-5)  # float32 of order 10
