"""Scores and cost of a forecast on coarser and finer grids."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from adr_jax import data
from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.forecaster import Forecast, Timed
from adr_jax.evaluation.metrics import metrics_of
from adr_jax.evaluation.studies import next_frame
from adr_jax.options import DataOptions

# Cells along each axis of the same domain.
CELLS = (64, 128, 256, 512)
# Trajectories on each, windows of each of them, and how many of these at a time.
TRAJECTORIES = 2
WINDOWS = 8
BATCH = 2


def score(forecast: Forecast, dataset: Dataset, config: DataOptions) -> dict:
    """Score the next frame of the same trajectories on other grids, in the same time.

    Trajectories of the test split are made anew on each grid. What moves is as fast in
    space on all of them: twice as many cells a frame on twice as many cells.

    Args:
      forecast: the model.
      dataset: the data set of the run.
      config: the data section of the run's configuration.

    Returns:
      `{"protocol", "split", "metric", "samples", "scores": {forecaster: {cells:
      score}}, "ms_per_frame": {forecaster: {cells: milliseconds}}}`, without
      compilation.

    Raises:
      InputError: the data cannot be generated on another grid.
    """
    on_grid = data.source(dataset.name).on_grid
    if on_grid is None:
        able = [name for name in data.NAMES if data.source(name).on_grid]
        raise InputError(
            "--resolution makes the same trajectories on other grids, so it needs a "
            f"model of {' or '.join(able)}; this one is of {dataset.name}"
        )
    metric = metrics_of(dataset)[0]
    scores, costs = {}, {}
    for cells in CELLS:
        forecasters = {"model": Timed(forecast)}
        forecasters |= {name: Timed(f) for name, f in FORECASTERS.items()}
        trajectories = on_grid(config, cells, dataset.trajectories.lengths[0])
        chosen = itertools.islice(trajectories, TRAJECTORIES)
        batches = _windows(chosen, config.history + 1)
        scores[cells] = next_frame.score(forecasters, batches, metric)
        costs[cells] = {name: f.ms_per_frame() for name, f in forecasters.items()}
    return {
        "protocol": "one_step",
        "split": "test",
        "metric": metric.name,
        "samples": TRAJECTORIES * WINDOWS,
        "scores": _by_forecaster(scores),
        "ms_per_frame": _by_forecaster(costs),
    }


def _windows(trajectories: Iterable[np.ndarray], length: int) -> Iterator[np.ndarray]:
    """Yield windows of each, (BATCH, length, *space, channels), spread over time."""
    for frames in trajectories:
        starts = np.linspace(0, len(frames) - length, WINDOWS).astype(int)
        for first in range(0, WINDOWS, BATCH):
            chosen = starts[first : first + BATCH]
            yield np.stack([frames[start : start + length] for start in chosen])


def _by_forecaster(
    by_cells: dict[int, dict[str, float]],
) -> dict[str, dict[str, float]]:
    return {
        name: {str(cells): values[name] for cells, values in by_cells.items()}
        for name in ("model", *FORECASTERS)
    }
