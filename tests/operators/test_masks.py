"""What NumPy masks is NaN to every operator."""

import numpy as np
import pytest

import adr_jax
from adr_jax.operators.diffusion import diffuse

FRAMES = np.random.default_rng(0).normal(size=(4, 12, 12, 1)).astype(np.float32)
U = np.full((12, 12, 2), 0.3, np.float32)
OPERATORS = {
    "estimate_motion": adr_jax.estimate_motion,
    "track_objects": lambda frames: adr_jax.track_objects(frames).shares,
    "extrapolate": lambda frames: adr_jax.extrapolate(frames[-1], U, 2),
    "extrapolate along it": lambda frames: adr_jax.extrapolate(
        FRAMES[-1], frames[0] * U, 2
    ),
    "trajectory": lambda frames: adr_jax.trajectory(frames[0] * U, 2),
    "diffuse": lambda frames: diffuse(frames, 0.1),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_what_a_mask_hides_is_nan(name):
    hidden = np.zeros(FRAMES.shape, bool)
    hidden[:, 3:5, 4:9] = True
    masked = np.ma.MaskedArray(np.where(hidden, np.float32(1e20), FRAMES), hidden)
    expected = OPERATORS[name](np.where(hidden, np.float32(np.nan), FRAMES))
    np.testing.assert_array_equal(OPERATORS[name](masked), expected)


def test_masked_integers_are_refused():
    masked = np.ma.MaskedArray(np.ones((4, 12, 12, 1), int), FRAMES > 0)
    with pytest.raises(ValueError, match=r"estimate_motion got frames of int64 with"):
        adr_jax.estimate_motion(masked)
