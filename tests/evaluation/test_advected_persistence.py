"""Advected persistence."""

import numpy as np
import pytest

from adr_jax.evaluation.baselines import advected
from adr_jax.models.baselines import persistence


@pytest.fixture
def blob():
    """Frames of a smooth blob that moves 1.5 cells down and 2 left, in each sample."""
    rows, columns = np.mgrid[:48, :40]

    def frame(time, sign):
        row, column = 20 + sign * 1.5 * time, 20 - sign * 2.0 * time
        return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 18)

    return np.stack(
        [[frame(time, sign) for time in range(8)] for sign in (1, -1)]
    ).astype(np.float32)[..., None]


@pytest.mark.slow
def test_a_moving_blob_is_carried_on(blob):
    forecast = np.asarray(advected(blob[:, :4], 4))
    assert forecast.shape == (2, 4, 48, 40, 1)
    error = np.sqrt(np.mean((forecast - blob[:, 4:]) ** 2, axis=(2, 3, 4)))
    still = np.asarray(persistence(blob[:, :4], 4)) - blob[:, 4:]
    still = np.sqrt(np.mean(still**2, axis=(2, 3, 4)))
    # The motion is off by a tenth of a cell a step, and half cells are interpolated.
    assert (error < 0.2 * still).all()


@pytest.mark.slow
def test_a_still_field_stays(blob):
    still = np.repeat(blob[:, :1], 4, axis=1)
    # The peak is found to the rounding of the transform.
    np.testing.assert_allclose(advected(still, 2), still[:, :2], atol=1e-4)


@pytest.mark.slow
def test_without_texture_it_is_persistence():
    flat = np.full((1, 3, 8, 8, 2), 5.0, np.float32)
    np.testing.assert_array_equal(advected(flat, 2), flat[:, :2])
    np.testing.assert_array_equal(advected(flat[:, :1], 2), flat[:, :2])
