"""Scores of a forecast whose history is noisy or has missing cells."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from adr_jax.data.contract import Dataset
from adr_jax.data.missing import corrupt
from adr_jax.data.normalisation import Statistics
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.forecaster import Forecast
from adr_jax.evaluation.metrics import Ratio, metrics_of
from adr_jax.evaluation.protocols import PROTOCOLS, without_missing
from adr_jax.evaluation.studies import next_frame

# Levels of each corruption: the standard deviation of the noise in units of that of the
# data, and the share of missing cells in each frame.
LEVELS = {"noise": (0.0, 0.01, 0.03, 0.1, 0.3), "missing": (0.0, 0.05, 0.2, 0.5)}


def score(
    forecast: Forecast,
    dataset: Dataset,
    statistics: Statistics,
    *,
    model_history: int,
    batch_size: int,
    split: str = "test",
) -> dict:
    """Score the next frame, given corrupted histories; the target is not corrupted.

    The corruption of window k is the same in every run and for every forecaster, and
    its noise is the same pattern at every level. Missing cells are filled for the
    baselines as for the model: with the last observed value of the cell, or the next,
    or else the mean of the data.

    Args:
      forecast: the model.
      dataset: the data set of the run.
      statistics: the mean and standard deviation of each channel.
      model_history: the frames of history that the model takes.
      batch_size: the windows that are forecast at a time.
      split: the split whose windows are scored.

    Returns:
      `{"protocol", "split", "samples", "metric", "noise", "missing"}`; the last two are
      `{forecaster: {level: score}}`.
    """
    windows = PROTOCOLS["one_step"].windows(dataset, split, model_history)
    indices = next_frame.spread(windows)
    metric = metrics_of(dataset)[0]

    def scores(kind: str, level: float) -> dict[str, float]:
        ratios = {name: [] for name in ("model", *FORECASTERS)}
        for start in range(0, len(indices), batch_size):
            batch = indices[start : start + batch_size]
            frames = windows.read(batch)
            past, target = frames[:, :model_history], frames[:, model_history:]
            unit = statistics.normalise(past)
            noisy = np.asarray(_corrupted(unit, batch, {kind: level}))
            filled = jnp.asarray(statistics.restore(without_missing(noisy)))
            frames_out = {"model": forecast(statistics.restore(noisy), 1)}
            frames_out |= {name: f(filled, 1) for name, f in FORECASTERS.items()}
            for name, frame in frames_out.items():
                ratios[name].append(metric.measure(np.asarray(frame), target))
        return {name: Ratio.joined(parts).score() for name, parts in ratios.items()}

    result: dict = {
        "protocol": "one_step",
        "split": dataset.split_in_words(split),
        "samples": len(indices),
        "metric": metric.name,
    }
    for kind, levels in LEVELS.items():
        by_level = {f"{level:g}": scores(kind, level) for level in levels}
        result[kind] = {
            name: {level: values[name] for level, values in by_level.items()}
            for name in ("model", *FORECASTERS)
        }
    return result


@jax.jit
def _corrupted(frames: jax.Array, indices: jax.Array, levels: Mapping) -> jax.Array:
    """Corrupt each window with a key made from its index."""

    def one(frames, index):
        key = jax.random.fold_in(jax.random.key(0), index)
        return corrupt(key, frames, **levels)

    return jax.vmap(one)(frames, indices)
