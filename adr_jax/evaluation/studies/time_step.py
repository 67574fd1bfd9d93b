"""Scores of a forecast when the same flow is sampled at other time intervals."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from adr_jax import data
from adr_jax.data.contract import Dataset, Trajectories
from adr_jax.errors import InputError
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.forecaster import Forecast
from adr_jax.evaluation.metrics import metrics_of
from adr_jax.evaluation.protocols import PROTOCOLS
from adr_jax.evaluation.studies import next_frame
from adr_jax.options import DataOptions

# Time between frames, in frame intervals of the data: every frame, every second, every
# third. Flows that are known at any time are also sampled between their frames.
INTERVALS = (1, 2, 3)
BETWEEN = (0.5,)


@dataclasses.dataclass(frozen=True)
class Sampled:
    """Trajectories sampled every `interval` frames."""

    trajectories: Trajectories
    interval: int

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Return (*space, channels)."""
        return self.trajectories.frame_shape

    @property
    def lengths(self) -> list[int]:
        """The number of frames of each trajectory."""
        return [1 + (n - 1) // self.interval for n in self.trajectories.lengths]

    def read(self, index: int, start: int, stop: int) -> np.ndarray:
        """Read frames `start` to `stop`, counted in intervals."""
        first, last = self.interval * start, self.interval * (stop - 1)
        return self.trajectories.read(index, first, last + 1)[:: self.interval]


def score(
    forecast: Forecast,
    dataset: Dataset,
    config: DataOptions,
    *,
    batch_size: int,
    scaled: Callable[[float], Forecast] | None = None,
    split: str = "test",
) -> dict:
    """Score the next frame at other time intervals.

    Args:
      forecast: the model, which does not know the interval.
      dataset: the data set whose trajectories are sampled.
      config: the data section of the run's configuration.
      batch_size: the windows that are forecast at a time.
      scaled: maps an interval to the model with its time step multiplied by it; None if
        the model has no time step.
      split: the split whose trajectories are sampled.

    Returns:
      `{"protocol", "split", "metric", "samples": {interval: windows},
      "scores": {forecaster: {interval: score}}}`.

    Raises:
      InputError: every second frame is too few for a window.
    """
    metric = metrics_of(dataset)[0]
    samples, scores = {}, {}
    for time, sampled in _sampled(dataset, config, split):
        resampled = dataclasses.replace(dataset, trajectories=sampled)
        windows = PROTOCOLS["one_step"].windows(resampled, split, config.history)
        indices = next_frame.spread(windows)
        batches = np.split(indices, range(batch_size, len(indices), batch_size))
        forecasters = {"model": forecast}
        if scaled is not None:
            forecasters["scaled"] = scaled(time)
        forecasters |= FORECASTERS
        frames = (windows.read(batch) for batch in batches)
        interval = f"{time:g}"
        samples[interval] = len(indices)
        scores[interval] = next_frame.score(forecasters, frames, metric)
    return {
        "protocol": "one_step",
        "split": dataset.split_in_words(split),
        "metric": metric.name,
        "samples": samples,
        "scores": {
            name: {interval: values[name] for interval, values in scores.items()}
            for name in next(iter(scores.values()))
        },
    }


def _sampled(
    dataset: Dataset, config: DataOptions, split: str
) -> Iterator[tuple[float, Trajectories]]:
    """Yield the trajectories at each interval at which they fill a window."""
    trajectories = dataset.trajectories
    longest = max(trajectories.lengths[int(n)] for n in dataset.splits[split])
    needed = INTERVALS[1] * config.history + 1
    if longest < needed:
        raise InputError(
            f"--time_step takes every other frame, so it needs {needed} in a row; "
            f"{dataset.name}, split {split}, has {longest}"
        )
    at_interval = data.source(dataset.name).at_interval
    if at_interval is not None:
        yield from ((interval, at_interval(config, interval)) for interval in BETWEEN)
    for interval in INTERVALS:
        if longest > interval * config.history:
            yield interval, Sampled(trajectories, interval)
