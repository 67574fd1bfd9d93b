"""Noise, gaps, and how gaps are filled."""

import jax
import jax.numpy as jnp
import numpy as np

from adr_jax.data.missing import corrupt, fill_missing


def history(frames=200):
    return jax.random.normal(jax.random.key(1), (frames, 6, 5, 2))


def test_noise_has_the_size_asked_for():
    frames = history()
    noisy = corrupt(jax.random.key(0), frames, noise=0.3)
    # 12,000 numbers: the standard deviation is known to 0.6 %.
    np.testing.assert_allclose(jnp.std(noisy - frames), 0.3, rtol=0.03)


def test_cells_are_lost_with_all_their_channels():
    seen = np.isnan(corrupt(jax.random.key(0), history(), missing=0.2))
    np.testing.assert_array_equal(seen[..., 0], seen[..., 1])
    # 6,000 draws: a standard deviation of 0.005.
    assert abs(seen.mean() - 0.2) < 0.02


def test_a_gap_is_filled_from_before_else_from_after_else_by_zero():
    nan = jnp.nan
    frames = jnp.array([[nan, 1, nan, nan, 4], [nan] * 5, [2, nan, 3, nan, nan]])
    expected = [[1, 1, 1, 1, 4], [0] * 5, [2, 2, 3, 3, 3]]
    filled = fill_missing(frames[..., None])
    np.testing.assert_array_equal(filled[..., 0], expected)


def test_filling_changes_nothing_that_is_there():
    frames = history(4)[None]
    np.testing.assert_array_equal(fill_missing(frames), frames)
