"""Scores and cost of a forecast on coarser and finer grids."""

from collections.abc import Iterator

import numpy as np
from ml_collections import ConfigDict

from adr_jax.data.contract import Dataset
from adr_jax.data.shallow_water import dam_break
from adr_jax.data.shallow_water.source import TEST_SEEDS
from adr_jax.errors import InputError
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.forecaster import Forecast, Timed
from adr_jax.evaluation.metrics import metrics_of
from adr_jax.evaluation.studies import next_frame

# Cells along each axis of the same domain.
CELLS = (64, 128, 256, 512)
# Dam breaks on each grid, windows of each dam break, and windows at a time.
SEEDS = TEST_SEEDS[:2]
WINDOWS = 8
BATCH = 2


def score(forecast: Forecast, dataset: Dataset, config: ConfigDict) -> dict:
    """Score the next frame of the same shallow water on other grids.

    The dam breaks of the test split are solved again on each grid. The speed of waves
    is the same, so on a grid of twice as many cells they move twice as many cells in a
    frame.

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
    if dataset.name != "shallow_water":
        raise InputError(
            "--resolution breaks the same dams on other grids, so it needs a model of "
            f"shallow_water; this one is of {dataset.name}"
        )
    metric = metrics_of(dataset)[0]
    scores, costs = {}, {}
    for cells in CELLS:
        forecasters = {"model": Timed(forecast)}
        forecasters |= {name: Timed(f) for name, f in FORECASTERS.items()}
        dam = dam_break.Dam(
            cells=cells, shape=config.shape, frames=dataset.trajectories.lengths[0]
        )
        batches = _windows(dam, config.history + 1)
        scores[cells] = next_frame.score(forecasters, batches, metric)
        costs[cells] = {name: f.ms_per_frame() for name, f in forecasters.items()}
    return {
        "protocol": "one_step",
        "split": "test",
        "metric": metric.name,
        "samples": len(SEEDS) * WINDOWS,
        "scores": _by_forecaster(scores),
        "ms_per_frame": _by_forecaster(costs),
    }


def _windows(dam: dam_break.Dam, length: int) -> Iterator[np.ndarray]:
    """Yield windows spread over time, (BATCH, length, *space, channels)."""
    for seed in SEEDS:
        (frames,) = dam_break.simulate(dam, dam_break.initial_height(dam, seed)[None])
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
