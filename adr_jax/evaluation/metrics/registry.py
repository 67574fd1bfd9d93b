"""The metrics a data set can name: their functions, and which way each is better."""

import dataclasses
import functools
import math
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

# Forecast and target to frames' scores, or to sums.
Function = Callable[[np.ndarray, np.ndarray], np.ndarray | Ratio]
# The functions a name stands for in a data set, each with an ending of the name.
Maker = Callable[[Dataset], Iterator[tuple[str, Function]]]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A named score, made for one data set."""

    name: str
    function: Function

    @property
    def worst(self) -> float:
        """What any score is better than."""
        return -math.inf if direction(self.name) == "higher" else math.inf

    def improves(self, score: float, on: float) -> bool:
        """Whether a score is better than another; NaN never is."""
        return score > on if direction(self.name) == "higher" else score < on

    def best_median_worst(self, ratio: Ratio) -> list[int]:
        """Three samples by their own scores; the worst is one that is NaN, if any is.

        Samples without anything to score are left out; of one or two samples that
        leaves, some come twice. Without any, the list is empty.
        """
        samples = np.flatnonzero(ratio.is_defined())
        scores = ratio.by_sample()[samples]
        ascending = scores if direction(self.name) != "higher" else -scores
        ranked = samples[np.argsort(ascending, kind="stable")]
        last = len(ranked) - 1
        return [int(ranked[n]) for n in (0, last // 2, last)] if len(ranked) else []

    def measure(
        self,
        forecast: Float[np.ndarray, "samples steps *space channels"],
        target: Float[np.ndarray, "samples steps *space channels"],
    ) -> Ratio:
        """The sums that make the score, for each sample and step.

        They are NaN for a frame that is not finite where the target has a value.
        """
        broken = ~np.isfinite(forecast) & ~np.isnan(target)
        lost = np.any(broken, cells.frame(target))
        if lost.any():
            frames = lost.reshape(*lost.shape, *(1,) * (target.ndim - 2))
            forecast = np.where(frames, 0, forecast)
        scores = self.function(forecast, target)
        ratio = scores if isinstance(scores, Ratio) else Ratio.of_frames(scores)
        return ratio.failed(lost)


def metrics_of(dataset: Dataset) -> list[Metric]:
    """What the data set's forecasts are scored by; the first chooses the best model.

    A metric of events is one for each of the data set's thresholds, in its name: csi_2.

    Raises:
      InputError: a name is unknown, or needs a data range, thresholds, classes or a
        size of frames that the data set does not have.
    """
    for name in dataset.metrics:
        if name not in METRICS:
            raise InputError(
                f"the data set {dataset.name} is scored by {name!r}, which is no "
                f"metric; expected names among {', '.join(METRICS)}"
            )
    return [
        Metric(name + ending, function)
        for name in dataset.metrics
        for ending, function in METRICS[name][1](dataset)
    ]


def direction(name: str) -> str:
    """Which scores are better, "lower" or "higher"; "" for what is no metric's name.

    Endings are allowed: csi_2, nrmse_at.
    """
    known = [metric for metric in METRICS if f"{name}_".startswith(f"{metric}_")]
    return METRICS[max(known, key=len)][0] if known else ""


def _field(function: Function) -> Maker:
    """Needs nothing."""
    return lambda dataset: iter([("", function)])


def _picture(function: Callable, least: int = 1) -> Maker:
    """Needs a data range, and at least so many cells along each axis of space.

    Classes are seen as a picture of their labels.
    """

    def make(dataset: Dataset) -> Iterator[tuple[str, Function]]:
        similarity.check_size(dataset.trajectories.frame_shape[:-1], least)
        if _has_a_channel_a_class(dataset):
            classes = number_of_classes(dataset)
            seen = functools.partial(labels.labels, classes=classes)
            shown = (0.0, classes - 1.0)
            yield (
                "",
                lambda forecast, target: function(seen(forecast), seen(target), shown),
            )
        else:
            yield "", functools.partial(function, data_range=_data_range(dataset))

    return make


def _event(function: Callable) -> Maker:
    """Needs thresholds."""

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
    """Needs classes."""

    def make(dataset: Dataset) -> Iterator[tuple[str, Function]]:
        yield "", functools.partial(function, classes=number_of_classes(dataset))

    return make


# Name: which scores are better, and how its functions are made for a data set.
METRICS: dict[str, tuple[str, Maker]] = {
    "nrmse": ("lower", _field(fields.nrmse)),
    "rmse": ("lower", _field(fields.rmse)),
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


def is_of_classes(dataset: Dataset) -> bool:
    """Whether cells belong to classes: then `number_of_classes` says to how many."""
    return bool({"accuracy", "iou"} & set(dataset.metrics))


def _has_a_channel_a_class(dataset: Dataset) -> bool:
    return is_of_classes(dataset) and len(dataset.channels) > 1


def number_of_classes(dataset: Dataset) -> int:
    """A class a channel, or labels 0, 1, ... up to the end of the data range."""
    if _has_a_channel_a_class(dataset):
        return len(dataset.channels)
    return round(_data_range(dataset)[1]) + 1


def _data_range(dataset: Dataset) -> tuple[float, float]:
    if dataset.data_range is None:
        raise InputError(
            f"the data set {dataset.name} has no data range, which its metrics "
            f"({', '.join(dataset.metrics)}) need: give it one, or score it by others"
        )
    return dataset.data_range


def _thresholds(dataset: Dataset) -> tuple[float, ...]:
    if not dataset.thresholds:
        raise InputError(
            f"the data set {dataset.name} has no thresholds, which its metrics "
            f"({', '.join(dataset.metrics)}) need: give it some, or score it by others"
        )
    return dataset.thresholds
