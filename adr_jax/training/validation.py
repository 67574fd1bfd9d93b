"""Scores and pictures of short forecasts while a run trains."""

import functools
from collections.abc import MutableMapping

import numpy as np
from jaxtyping import Float, PyTree, UInt8

from adr_jax.data.contract import Dataset
from adr_jax.data.normalisation import Statistics
from adr_jax.data.windows import Windows, pad_rows
from adr_jax.evaluation.forecaster import Forecast, physical_rollout
from adr_jax.evaluation.metrics import Ratio, metrics_of
from adr_jax.evaluation.report.scaling import scale, value_range
from adr_jax.models.frames import FrameNetwork
from adr_jax.options import Configuration
from adr_jax.training.devices import mapping, processes
from adr_jax.training.selection import best_of, is_better, undefined

# Columns of a picture: so many frames, evenly spread over the forecast.
SHOWN_FRAMES = 4


class ValidationWindows:
    """Windows spread over the validation split, by which forecasts are scored."""

    def __init__(self, config: Configuration, dataset: Dataset):
        self._history, self.batch_size = config.data.history, config.eval.batch_size
        self.metrics = metrics_of(dataset)
        lengths = dataset.trajectories.lengths
        longest = max(
            (lengths[int(n)] for n in dataset.splits["validation"]), default=0
        )
        # As far ahead as configured, or as trajectories go.
        self.frames = max(
            1, min(config.train.validation_frames, longest - self._history)
        )
        self._windows = Windows(dataset, "validation", self._history + self.frames)
        spread = np.linspace(0, len(self._windows) - 1, config.train.validation_windows)
        self.chosen = np.unique(spread.astype(int))

    def score(self, forecast: Forecast) -> list[Ratio]:
        """Return the errors of a forecast by each of the data set's metrics."""
        batches = []
        for start in range(0, len(self.chosen), self.batch_size):
            window = self._windows.read(self.chosen[start : start + self.batch_size])
            past, target = window[:, : self._history], window[:, self._history :]
            ahead = np.asarray(forecast(past, self.frames))
            batches.append([metric.measure(ahead, target) for metric in self.metrics])
        return [Ratio.joined(parts) for parts in zip(*batches, strict=True)]

    @property
    def middle(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the past and the target of the middle window."""
        window = self._windows[len(self._windows) // 2]
        return window[: self._history], window[self._history :]


class Validation:
    """Short rollouts from windows spread over the validation split.

    Called with parameters, by all processes alike, it returns their scores and a
    picture of one forecast. Scores come in the order of the data set's metrics, of
    which the first chooses the best model; it also has a score of the first frame.
    """

    def __init__(
        self,
        config: Configuration,
        dataset: Dataset,
        network: FrameNetwork,
        statistics: Statistics,
    ):
        self.windows = ValidationWindows(config, dataset)
        self._metrics = self.windows.metrics
        self._forecast = mapping.map_forecast(
            physical_rollout(network, statistics, config.data.history)
        )

    def __call__(
        self, params: PyTree
    ) -> tuple[dict[str, float], UInt8[np.ndarray, "height width"]]:
        """Return the scores, the first process's on all, and the picture."""
        return processes.from_first(self.scores(params)), self.picture(params)

    def scores(self, params: PyTree) -> dict[str, float]:
        """Return the scores by name, "validation_METRIC"."""
        ratios = self.windows.score(functools.partial(self._forecast, params))
        scores = {
            f"validation_{metric.name}": metric.score(ratio)
            for metric, ratio in zip(self._metrics, ratios, strict=True)
        }
        first_frame = float(ratios[0].by_step()[0])
        return scores | {f"validation_{self._metrics[0].name}_first_step": first_frame}

    def picture(self, params: PyTree) -> UInt8[np.ndarray, "height width"]:
        """Return a picture of the forecast of the middle window; see `draw`."""
        windows = self.windows
        past, target = windows.middle
        # As many rows as are scored at a time, so that nothing is compiled anew.
        rows = min(len(windows.chosen), windows.batch_size)
        ahead = self._forecast(params, pad_rows(past[None], rows), windows.frames)[0]
        return draw(ahead, target)

    def improve(self, scores: dict[str, float], record: MutableMapping) -> bool:
        """Note the scores in the record if they are the best so far; return whether."""
        new, best = self._by_metric(scores), best_of(record)
        if best and not is_better(new, best, self._metrics):
            return False
        record["best_score"] = new
        return True

    def doubt(self, scores: dict[str, float]) -> str | None:
        """Return a line where the first metric cannot tell which model is best."""
        return undefined(self._by_metric(scores), self._metrics)

    def _by_metric(self, scores: dict[str, float]) -> list[float]:
        return [scores[f"validation_{metric.name}"] for metric in self._metrics]


def draw(
    forecast: Float[np.ndarray, "time *space channels"],
    target: Float[np.ndarray, "time *space channels"],
) -> UInt8[np.ndarray, "height width"]:
    """Draw target, forecast and their difference in three rows, first to last frame.

    The first channel, in grey from the target's least to its greatest value; the
    difference, mid-grey where there is none, to the same scale. Of one dimension in
    space the picture shows space over time, of three the middle slice.
    """
    true, made = (_pictures(sequence[..., 0]) for sequence in (target, forecast))
    low, high = value_range(true)
    half = (high - low) / 2
    shares = [scale(true, low, high), scale(made, low, high)]
    rows = np.stack([*shares, scale(made - true, -half, half)])
    shown = np.unique(np.linspace(0, len(true) - 1, SHOWN_FRAMES).astype(int))
    rows = np.pad(rows[:, shown], ((0, 0), (0, 0), (0, 2), (0, 2)), constant_values=1)
    strips = np.concatenate(np.moveaxis(rows, 1, 0), axis=2)
    return (255 * np.nan_to_num(np.concatenate(strips))).astype(np.uint8)


def _pictures(field: np.ndarray) -> np.ndarray:
    """Return pictures, (time, height, width), of fields in any dimension."""
    if field.ndim == 2:
        return field[None]
    if field.ndim == 4:
        return field[:, field.shape[1] // 2]
    return field
