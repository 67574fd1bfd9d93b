"""Properties of every metric that a data set can name."""

import dataclasses
import math

import numpy as np
import pytest

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.evaluation.metrics import METRICS, Ratio, direction, metrics_of

# These depend on the sum only, which a wrong frame may have.
SUMS = ("mass_drift",)
CLASSES = ("clear", "low", "mid", "high")


class Frames:
    """Trajectories as metrics see them."""

    lengths = (20,)

    def __init__(self, *frame_shape):
        self.frame_shape = frame_shape

    def read(self, index, start, stop):
        raise NotImplementedError


def dataset(*names, **fields):
    """Return a data set as metrics see it: four labels, thresholds, a range."""
    fields = {"classes": CLASSES, "data_range": (0.0, 3.0)} | fields
    fields = {"thresholds": (0.5, 2.0)} | fields
    return Dataset(
        name="pictures",
        trajectories=Frames(192, 180, 1),
        splits={},
        states={},
        split_name="",
        fingerprint="",
        metrics=names,
        **{"channels": ("a",)} | fields,
    )


ALL = metrics_of(dataset(*METRICS))


def name_of(metric):
    return metric.name


@pytest.fixture(scope="module")
def pair():
    """Frames large enough for MS-SSIM."""
    generator = np.random.default_rng(0)
    target = generator.uniform(0, 3, (3, 2, 192, 180, 1)).astype(np.float32)
    noise = generator.normal(0, 0.3, target.shape).astype(np.float32)
    return np.clip(target + noise, 0, 3), target


@pytest.mark.parametrize("metric", ALL, ids=name_of)
def test_perfect_is_best_and_worse_is_worse(metric, pair):
    forecast, target = pair
    perfect = metric.measure(target, target).score()
    near = metric.measure(forecast, target).score()
    # A forecast unrelated to the target.
    far = metric.measure(3 - np.roll(target, 90, axis=3), target).score()
    assert metric.improves(perfect, on=near)
    assert metric.improves(near, on=far) or metric.name in SUMS
    assert not metric.improves(math.nan, on=far)
    best = {"psnr": math.inf, "psnr_wrapped": math.inf}
    expected = best.get(metric.name, float(direction(metric.name) == "higher"))
    assert perfect == pytest.approx(expected)


@pytest.mark.parametrize("forecast_value", [np.nan, 1e3])
@pytest.mark.parametrize("metric", ALL, ids=name_of)
def test_cells_missing_in_the_target_do_not_count(metric, pair, forecast_value):
    # 16 rows: they can be halved at every scale of MS-SSIM.
    forecast, target = (field.copy() for field in pair)
    target[:, :, 176:] = np.nan
    forecast[:, :, 176:] = forecast_value
    small = [field[:, :, :176] for field in pair]
    expected, found = metric.measure(*small), metric.measure(forecast, target)
    # The same cells, summed in another order in float64.
    assert found.score() == pytest.approx(expected.score(), rel=1e-9)
    assert found.spread() == pytest.approx(expected.spread(), rel=1e-6)
    np.testing.assert_allclose(found.by_step(), expected.by_step(), rtol=1e-9)


@pytest.mark.parametrize("metric", ALL, ids=name_of)
def test_a_frame_without_observed_cells_does_not_count(metric, pair):
    forecast, target = (field.copy() for field in pair)
    target[1] = np.nan
    expected = metric.measure(forecast[::2], target[::2])
    found = metric.measure(forecast, target)
    assert found.score() == pytest.approx(expected.score(), rel=1e-12)
    assert found.spread() == pytest.approx(expected.spread(), rel=1e-9)
    target[:, 1] = np.nan
    score = metric.measure(forecast, target).score()
    assert score == pytest.approx(found.by_step()[0], rel=1e-12)
    target[:] = np.nan
    assert math.isnan(metric.measure(forecast, target).score())


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("metric", ALL, ids=name_of)
def test_a_forecast_that_is_not_finite_scores_nan(metric, pair, value):
    forecast, target = (field.copy() for field in pair)
    forecast[1, 0, 3, 4] = value
    one = metric.measure(forecast, target)
    forecast[:, 0, 3, 4] = value
    for found in (one, metric.measure(forecast, target)):
        assert math.isnan(found.score()) and math.isnan(found.spread())
        by_step = found.by_step()
        assert math.isnan(by_step[0]) and not math.isnan(by_step[1])


@pytest.mark.parametrize("metric", ALL, ids=name_of)
def test_batches_make_no_difference(metric, pair):
    forecast, target = pair
    whole = metric.measure(forecast, target)
    parts = [metric.measure(forecast[a], target[a]) for a in ([0], [1, 2])]
    joined = Ratio.joined(parts)
    assert joined.score() == whole.score()
    assert joined.spread() == whole.spread()


@pytest.mark.parametrize(
    ("name", "scores", "expected"),
    [
        ("rmse", [3.0, 1.0, 2.0, 5.0, 4.0], [1, 0, 3]),
        ("psnr", [3.0, 1.0, 2.0, 5.0, 4.0], [3, 0, 1]),
        ("rmse", [3.0, math.nan, 2.0], [2, 0, 1]),  # no number is worst
        ("psnr", [3.0, math.nan, 2.0], [0, 2, 1]),
        ("rmse", [2.0, None, 1.0], [2, 2, 0]),  # nothing to score: left out
        ("rmse", [None, 1.0], [1, 1, 1]),
        ("rmse", [None], []),
    ],
)
def test_best_median_and_worst_sample(name, scores, expected):
    (metric,) = metrics_of(dataset(name))
    counted = np.array([score is not None for score in scores], float)
    numerators = np.array([0.0 if score is None else score for score in scores])
    shape = (len(scores), 1, 1)
    ratio = Ratio(numerators.reshape(shape), counted.reshape(shape))
    assert metric.best_median_worst(ratio) == expected


def test_names_carry_thresholds_and_scales():
    names = [metric.name for metric in metrics_of(dataset("csi", "fss", "rmse"))]
    assert names[:2] == ["csi_0.5", "csi_2"]
    assert names[2:5] == ["fss_0.5_1cells", "fss_0.5_5cells", "fss_0.5_17cells"]
    assert names[-1] == "rmse" and len(names) == 9


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("nrmse", "lower"),
        ("nrmse_at", "lower"),
        ("csi_2", "higher"),
        ("far_0.5", "lower"),
        ("ms_per_frame", ""),
        ("novelty", ""),
        ("far", "lower"),
        ("farther", ""),
    ],
)
def test_direction(name, better):
    assert direction(name) == better


def test_classes_in_channels_are_seen_as_a_picture_of_labels(pair):
    by_class = dataset(
        "accuracy", "psnr", "ssim", "psnr_wrapped", channels=CLASSES, data_range=None
    )
    labelled = [np.rint(field) for field in pair]
    scores = [(field == np.arange(4)).astype(np.float32) for field in labelled]
    for metric in metrics_of(by_class):
        (single,) = metrics_of(dataset(metric.name))
        expected = single.measure(*labelled).score()
        assert metric.measure(*scores).score() == expected


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"metrics": ("rmse", "rsme")}, "'rsme', which does not exist; .* nrmse, rmse"),
        ({"metrics": ("psnr",), "data_range": None}, "no data range"),
        ({"metrics": ("iou",), "classes": ()}, "no classes"),
        ({"metrics": ("csi",), "thresholds": ()}, "no thresholds"),
        ({"metrics": ("fss",), "thresholds": ()}, "no thresholds"),
    ],
)
def test_a_metric_without_its_requirements_is_refused(fields, message):
    with pytest.raises(InputError, match=f"the data set pictures .*{message}"):
        metrics_of(dataclasses.replace(dataset("rmse"), **fields))


@pytest.mark.parametrize(("name", "min_cells"), [("ssim", 11), ("ms_ssim", 176)])
def test_frames_too_small_are_refused_before_anything_is_scored(name, min_cells):
    metrics_of(
        dataclasses.replace(dataset(name), trajectories=Frames(200, min_cells, 3))
    )
    small = dataclasses.replace(
        dataset(name), trajectories=Frames(200, min_cells - 1, 3)
    )
    with pytest.raises(InputError, match=f"at least {min_cells} cells .* leave it out"):
        metrics_of(small)
