"""Choose the better of two models, also where metrics are undefined."""

import math

import numpy as np
import pytest

from adr_jax.evaluation.metrics import Metric, Ratio
from adr_jax.training.selection import best_of, is_better, undefined

# The first is better the lower, the second the higher.
METRICS = [Metric(name, lambda forecast, target: forecast) for name in ("rmse", "csi")]
NAN = math.nan


@pytest.mark.parametrize(
    ("new", "old", "better"),
    [
        ((1.0, 0.1), (2.0, 0.9), True),
        ((2.0, 0.9), (1.0, 0.1), False),
        # The next one decides where the first does not.
        ((1.0, 0.9), (1.0, 0.1), True),
        ((NAN, 0.1), (NAN, 0.9), False),
        ((NAN, 0.9), (NAN, 0.1), True),
        # What is not finite is worse than anything that is.
        ((NAN, 0.9), (1.0, 0.1), False),
        ((9.0, 0.1), (NAN, 0.9), True),
        # Nothing tells them apart: the later one.
        ((1.0, 0.9), (1.0, 0.9), True),
        ((NAN, NAN), (NAN, NAN), True),
    ],
)
def test_the_first_metric_that_tells_two_apart_decides(new, old, better):
    assert is_better(new, old, METRICS) == better


def test_infinite_scores_are_compared():
    assert is_better((1.0, 0.1), (math.inf, 0.9), METRICS)
    assert not is_better((math.inf, 0.9), (1.0, 0.1), METRICS)


def test_records_of_version_0_1_0_are_read():
    assert best_of({"best_score": math.inf}) == ()
    assert best_of({"best_score": 0.5}) == (0.5,)
    assert not is_better((0.7, 0.9), best_of({"best_score": 0.5}), METRICS)
    assert best_of({"best_score": []}) == []


def test_a_line_says_which_metric_decides():
    assert undefined((1.0, NAN), METRICS) is None
    assert "rmse is undefined" in undefined((NAN, 0.3), METRICS)
    assert "csi decides" in undefined((NAN, 0.3), METRICS)
    assert "the last model is kept" in undefined((NAN, NAN), METRICS)


def test_to_forecast_no_event_where_there_is_none_is_right():
    nothing = Ratio(np.zeros((2, 3, 1)), np.zeros((2, 3, 1)))
    scores = {name: Metric(name, None).score(nothing) for name in ("csi_2", "far_2")}
    assert scores == {"csi_2": 1.0, "far_2": 0.0}
    assert math.isnan(Metric("nrmse", None).score(nothing))
    false_alarm = Ratio(np.zeros((2, 3, 1)), np.ones((2, 3, 1)))
    assert Metric("csi_2", None).score(false_alarm) == 0.0
