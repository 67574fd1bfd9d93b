"""How a forecast holds up when the same flow is seen at other intervals of time."""

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

# Time between frames, in units of the data's own: every frame, every other one, every
# third; and, where a flow is known at any time, also between its frames.
INTERVALS = (1, 2, 3)
BETWEEN = (0.5,)


@dataclasses.dataclass(frozen=True)
class Sampled:
    """The flows of other trajectories, a frame every `interval` of their frames."""

    trajectories: Trajectories
    interval: int

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(*space, channels)."""
        return self.trajectories.frame_shape

    @property
    def lengths(self) -> list[int]:
        """Frames of each trajectory."""
        return [1 + (n - 1) // self.interval for n in self.trajectories.lengths]

    def read(self, index: int, start: int, stop: int) -> np.ndarray:
        """Frames `start` to `stop`, counted in intervals."""
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
    """Scores the next frame at other intervals, the model as it is and scaled.

    Args:
      forecast: the model's, which is not told the interval.
      dataset: whose trajectories are sampled.
      config: the data section of the run.
      batch_size: windows forecast at a time.
      scaled: the model's forecast with its time step multiplied by the interval, where
        it has one.
      split: whose trajectories.

    Returns:
      `{"protocol", "split", "metric", "samples": {interval: windows},
      "scores": {forecaster: {interval: score}}}`.

    Raises:
      InputError: of every other frame too few are left for a window.
    """
    metric = metrics_of(dataset)[0]
    samples, scores = {}, {}
    for time, sampled in _sampled(dataset, config, split):
        resampled = dataclasses.replace(dataset, trajectories=sampled)
        windows = PROTOCOLS["one_step"].windows(resampled, split, config.history)
        numbers = next_frame.spread(windows)
        places = np.split(numbers, range(batch_size, len(numbers), batch_size))
        forecasters = {"model": forecast}
        if scaled is not None:
            forecasters["scaled"] = scaled(time)
        forecasters |= FORECASTERS
        batches = (windows.read(place) for place in places)
        interval = f"{time:g}"
        samples[interval] = len(numbers)
        scores[interval] = next_frame.score(forecasters, batches, metric)
    return {
        "protocol": "one_step",
        "split": split,
        "metric": metric.name,
        "samples": samples,
        "scores": {
            who: {interval: of[who] for interval, of in scores.items()}
            for who in next(iter(scores.values()))
        },
    }


def _sampled(
    dataset: Dataset, config: DataOptions, split: str
) -> Iterator[tuple[float, Trajectories]]:
    """The trajectories at each interval at which they fill a window."""
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
