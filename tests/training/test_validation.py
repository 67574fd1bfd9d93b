"""Pictures of forecasts in TensorBoard."""

import numpy as np
import pytest

from adr_jax.training.validation import draw


@pytest.mark.parametrize("space", [(6,), (6, 5), (3, 6, 5)], ids=str)
def test_rows_are_target_forecast_and_difference(space, generator):
    target = generator.random((7, *space, 2)).astype(np.float32)
    target[0, ..., 0].flat[0], target[0, ..., 0].flat[1] = 0, 1
    picture = draw(target + np.float32(0.25), target)
    assert picture.dtype == np.uint8
    height = picture.shape[0] // 3
    assert height - 2 == (7 if len(space) == 1 else 6)
    true, made, difference = (
        picture[n * height : (n + 1) * height, :5].astype(int) for n in range(3)
    )
    inside = np.s_[: height - 2]
    # Shifted by a quarter of the scale, where that is not beyond white; rounding of
    # three numbers to 256 levels.
    np.testing.assert_allclose(made[inside], np.minimum(true[inside] + 64, 255), atol=2)
    np.testing.assert_allclose(difference[inside], 191, atol=1)


def test_missing_cells_are_black():
    target = np.ones((2, 4, 4, 1), np.float32)
    target[0, 1, 1] = np.nan
    target[0, 0, 0] = 2
    picture = draw(target, target)
    assert picture[1, 1] == 0


def test_a_field_without_contrast_can_be_drawn():
    picture = draw(np.zeros((2, 4, 4, 1)), np.zeros((2, 4, 4, 1)))
    assert picture.shape == (18, 12)
