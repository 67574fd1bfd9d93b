"""Coordinates along an axis: their step, in words, and their continuation."""

import numpy as np
import pytest

from adr_jax.data.own.coordinates import Coordinates


def test_a_regular_axis_has_a_step():
    seconds = {"units": "seconds since 1970-01-01"}
    times = Coordinates("time", 300 * np.arange(7) + 1_000_000, seconds)
    assert times.is_regular
    assert times.step == 300
    assert times.step_in_words == "300 seconds"
    assert times.continued(3).values.tolist() == [1_002_100, 1_002_400, 1_002_700]


def test_float32_rounding_is_no_irregularity():
    grid = Coordinates("t", np.linspace(0, 1, 101).astype(np.float32))
    assert grid.step_in_words == 0.01
    ahead = grid.continued(2).values
    assert ahead.dtype == np.float32
    # One rounding to float32 near 1.
    np.testing.assert_allclose(ahead, [1.01, 1.02], rtol=0, atol=1e-7)


def test_dates_go_on_as_dates():
    days = np.array(["2024-02-27", "2024-02-28", "2024-02-29"], "M8[ns]")
    times = Coordinates("time", days)
    assert times.step_in_words == "86400 seconds"
    assert str(times.continued(1).values[0]).startswith("2024-03-01")


def test_a_gap_makes_it_irregular_and_it_goes_on_at_the_usual_step():
    times = Coordinates("time", np.array([0, 5, 8, 13, 30, 35]), {"units": "min"})
    assert not times.is_regular
    assert times.step_in_words is None
    assert times.continued(2).values.tolist() == [40, 45]


@pytest.mark.parametrize("values", [[], [3.0]])
def test_fewer_than_two_positions_have_no_step(values):
    alone = Coordinates("x", np.array(values))
    assert alone.step is None and alone.step_in_words is None
    assert alone.continued(2) is None
