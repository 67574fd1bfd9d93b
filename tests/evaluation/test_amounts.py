"""Amounts matched rank by rank."""

import numpy as np

from adr_jax.evaluation.amounts import matched


def test_places_are_of_the_forecast_and_values_of_the_last_frame(generator):
    last = generator.exponential(size=(6, 7, 2))
    forecast = generator.normal(size=(3, 6, 7, 2))
    found = matched(forecast, last)
    for channel in range(2):
        for before, after in zip(
            forecast[..., channel], found[..., channel], strict=True
        ):
            order = np.argsort(before.ravel())
            expected = np.sort(last[..., channel].ravel())
            np.testing.assert_array_equal(after.ravel()[order], expected)


def test_a_forecast_of_the_right_amounts_stays(generator):
    last = generator.permutation(np.arange(30.0)).reshape(5, 6, 1)
    forecast = np.stack([last, last[::-1]])
    np.testing.assert_array_equal(matched(forecast, last), forecast)


def test_where_cells_are_missing_quantiles_are_matched():
    last = np.array([[[0.0], [1.0], [2.0], [np.nan]]])
    forecast = np.array([[[[5.0], [np.nan], [9.0], [np.nan]]]])
    expected = [[[[0.0], [np.nan], [2.0], [np.nan]]]]
    np.testing.assert_array_equal(matched(forecast, last), expected)
    nothing = np.full_like(last, np.nan)
    np.testing.assert_array_equal(matched(forecast, nothing), forecast)
