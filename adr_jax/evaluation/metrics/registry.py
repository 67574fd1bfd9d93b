"""The metrics that a data set can name: their functions and directions."""

import dataclasses
import functools
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.evaluation.metrics import (
    cells,
    events,
    fields,
    images,
    labels,
    similarity,
)
from adr_jax.evaluation.metrics.ratio import Ratio

# Scores of a forecast of no event where there is none.
RIGHT = {"csi": 1.0, "fss": 1.0, "far": 0.0}
# Maps forecast and target to scores of frames, or to a Ratio.
Function = Callable[[np.ndarray, np.ndarray], np.ndarray | Ratio]
# Makes the functions of a name for a data set, each with a suffix of the name.
Maker = Callable[[Dataset], Iterator[tuple[str, Function]]]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A named metric, made for one data set."""

    name: str
    function: Function

    def improves(self, score: float, on: float) -> bool:
        """Return whether a score is better than another; NaN never is."""
        return score > on if direction(self.name) == "higher" else score < on

    def score(self, ratio: Ratio) -> float:
        """Return one number; NaN if there is nothing to score.

        To forecast no event where there is none is right, not undefined.
        """
        nothing = not ratio.is_defined().any()
        return RIGHT.get(_known(self.name), np.nan) if nothing else ratio.score()

    def best_median_worst(self, ratio: Ratio) -> list[int]:
        """Return the indices of three samples by their scores; NaN is the worst.

        Samples with nothing to score are left out. The list repeats samples if fewer
        than three are left, and is empty if none is.
        """
        samples = np.flatnonzero(ratio.is_defined())
        scores = ratio.by_sample()[samples]
        ascending = scores if direction(self.name) != "higher" else -scores
        ranked = samples[np.argsort(ascending, kind="stable")]
        last = len(ranked) - 1
        return (
            [int(ranked[rank]) for rank in (0, last // 2, last)] if len(ranked) else []
        )

    def measure(
        self,
        forecast: Float[np.ndarray, "samples steps *space channels"],
        target: Float[np.ndarray, "samples steps *space channels"],
    ) -> Ratio:
        """Return the sums of the score, for each sample and step.

        They are NaN for a frame that is not finite in an observed cell.
        """
        not_finite = ~np.isfinite(forecast) & ~np.isnan(target)
        is_failed = np.any(not_finite, cells.frame(target))
        if is_failed.any():
            mask = is_failed.reshape(*is_failed.shape, *(1,) * (target.ndim - 2))
            forecast = np.where(mask, 0, forecast)
        scores = self.function(forecast, target)
        ratio = scores if isinstance(scores, Ratio) else Ratio.of_frames(scores)
        return ratio.failed(is_failed)


def metrics_of(dataset: Dataset) -> list[Metric]:
    """Return the metrics of a data set; the first chooses the best model.

    A metric of events is made for each threshold of the data set, as in csi_2, and one
    in the data's unit for each channel where their units differ, as in rmse_wind.

    Raises:
      InputError: a name is unknown, or its metric needs a data range, thresholds,
        classes or larger frames than the data set has.
    """
    for name in dataset.metrics:
        if name not in METRICS:
            raise InputError(
                f"the data set {dataset.name} names the metric {name!r}, which does "
                f"not exist; expected names among {', '.join(METRICS)}"
            )
    return [
        Metric(name + suffix, function)
        for name in dataset.metrics
        for suffix, function in METRICS[name][1](dataset)
    ]


def direction(name: str) -> str:
    """Return which scores are better, "lower" or "higher"; "" for unknown names.

    Suffixes are allowed: csi_2, nrmse_at.
    """
    known = _known(name)
    return METRICS[known][0] if known else ""


def _known(name: str) -> str:
    """Return the metric that a name with a suffix is of, "" if there is none."""
    known = [metric for metric in METRICS if f"{name}_".startswith(f"{metric}_")]
    return max(known, key=len, default="")


def _field(function: Function) -> Maker:
    """Make a metric that needs no facts of the data set."""
    return lambda dataset: iter([("", function)])


def _relative(function: Function) -> Maker:
    """Make a metric without a unit: one, and one of each channel where units differ."""

    def make(dataset: Dataset) -> Iterator[tuple[str, Function]]:
        yield "", function
        if dataset.units:
            yield from _by_channel(function, dataset)

    return make


def _in_units(function: Function) -> Maker:
    """Make a metric in the unit of the data; one of each channel where units differ."""

    def make(dataset: Dataset) -> Iterator[tuple[str, Function]]:
        if dataset.units:
            yield from _by_channel(function, dataset)
        else:
            yield "", function

    return make


def _by_channel(function: Function, dataset: Dataset) -> Iterator[tuple[str, Function]]:
    for index, name in enumerate(dataset.channels):
        only = slice(index, index + 1)
        yield (
            f"_{name}",
            lambda forecast, target, only=only: function(
                forecast[..., only], target[..., only]
            ),
        )


def _picture(function: Callable, min_cells: int = 1) -> Maker:
    """Make a metric that needs a data range, and `min_cells` along each axis.

    Frames of classes are scored as pictures of their labels.
    """

    def make(dataset: Dataset) -> Iterator[tuple[str, Function]]:
        similarity.check_size(dataset.trajectories.frame_shape[:-1], min_cells)
        if dataset.has_class_channels:
            classes = len(dataset.classes)
            labelled = functools.partial(labels.labels, classes=classes)
            label_range = (0.0, classes - 1.0)
            yield (
                "",
                lambda forecast, target: function(
                    labelled(forecast), labelled(target), label_range
                ),
            )
        else:
            yield "", functools.partial(function, data_range=_data_range(dataset))

    return make


def _event(function: Callable) -> Maker:
    """Make a metric for each threshold of the data set."""

    def make(dataset: Dataset) -> Iterator[tuple[str, Function]]:
        for threshold in _thresholds(dataset):
            partial = functools.partial(function, threshold=threshold)
            yield f"_{threshold:g}", partial

    return make


def _neighbourhood(dataset: Dataset) -> Iterator[tuple[str, Function]]:
    for threshold in _thresholds(dataset):
        for scale in events.SCALES:
            partial = functools.partial(events.fss, threshold=threshold, scale=scale)
            yield f"_{threshold:g}_{scale}cells", partial


def _label(function: Callable) -> Maker:
    """Make a metric that needs the number of classes."""

    def make(dataset: Dataset) -> Iterator[tuple[str, Function]]:
        yield "", functools.partial(function, classes=_classes(dataset))

    return make


# Name -> which scores are better, and the maker of its functions for a data set.
METRICS: dict[str, tuple[str, Maker]] = {
    "nrmse": ("lower", _relative(fields.nrmse)),
    "rmse": ("lower", _in_units(fields.rmse)),
    "vrmse": ("lower", _field(fields.vrmse)),
    "mass_drift": ("lower", _field(fields.mass_drift)),
    "mse": ("lower", _field(images.mse)),
    "mse_sum": ("lower", _field(images.mse_sum)),
    "mae_sum": ("lower", _field(images.mae_sum)),
    "psnr": ("higher", _picture(images.psnr)),
    "psnr_wrapped": ("higher", _picture(images.psnr_wrapped)),
    "ssim": ("higher", _picture(similarity.ssim, len(similarity.GAUSSIAN))),
    "ms_ssim": ("higher", _picture(similarity.ms_ssim, similarity.MULTISCALE_CELLS)),
    "csi": ("higher", _event(events.csi)),
    "pod": ("higher", _event(events.pod)),
    "far": ("lower", _event(events.far)),
    "fss": ("higher", _neighbourhood),
    "accuracy": ("higher", _label(labels.accuracy)),
    "iou": ("higher", _label(labels.iou)),
}


def _classes(dataset: Dataset) -> int:
    if not dataset.classes:
        raise InputError(
            f"the data set {dataset.name} has no classes, which its metrics "
            f"({', '.join(dataset.metrics)}) need: name them, or score it by others"
        )
    return len(dataset.classes)


def _data_range(dataset: Dataset) -> tuple[float, float]:
    if dataset.data_range is None:
        raise InputError(
            f"the data set {dataset.name} has no data range, which one of its metrics "
            f"({', '.join(dataset.metrics)}) needs: state one, or name other metrics"
        )
    return dataset.data_range


def _thresholds(dataset: Dataset) -> tuple[float, ...]:
    if not dataset.thresholds:
        raise InputError(
            f"the data set {dataset.name} has no thresholds, which one of its metrics "
            f"({', '.join(dataset.metrics)}) needs: state some, or name other metrics"
        )
    return dataset.thresholds
