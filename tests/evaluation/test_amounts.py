"""Amounts matched rank by rank."""

import numpy as np

from adr_jax.evaluation.amounts import matched, reached


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


def test_a_threshold_is_reached_where_it_is_likely_enough(generator):
    likely = np.sort(generator.uniform(size=(40, 30, 3)))[..., ::-1]
    found = reached(likely, (7.0, 23.0, 34.0), share=0.4)
    for k, threshold in enumerate((7.0, 23.0, 34.0)):
        np.testing.assert_array_equal(found >= threshold, likely[..., k] >= 0.4)
    assert found.max() <= 45
    assert (found[likely[..., 0] < 0.4] == 0).all()


def test_between_thresholds_it_is_linear_in_the_probability():
    likely = np.array([[0.8, 0.2, 0.0], [0.5, 0.5, 0.5], [np.nan] * 3])
    found = reached(likely, (10.0, 20.0, 30.0), share=0.5)
    # From 0.8 to 0.5 is half of the way to 0.2; a half is reached up to the last.
    np.testing.assert_allclose(found, [15.0, 30.0, np.nan])
