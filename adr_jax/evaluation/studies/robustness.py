"""How a forecast holds up when its history is noisy or has holes."""

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

# Levels of each corruption: noise in units of the data's standard deviation, missing as
# the share of cells lost in every frame.
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
    """Scores the next frame from corrupted histories; the target is left as it is.

    Window k is corrupted alike in every run and for every forecaster, and its noise is
    the same pattern at every level. Baselines see what is missing filled in as the
    model does: with what a cell had last, or has next, or else the data's mean.

    Returns:
      `{"protocol", "split", "samples", "metric", "noise", "missing"}`; the last two are
      `{forecaster: {level: score}}`.
    """
    windows = PROTOCOLS["one_step"].windows(dataset, split, model_history)
    numbers = next_frame.spread(windows)
    metric = metrics_of(dataset)[0]

    def scores(kind: str, level: float) -> dict[str, float]:
        ratios = {who: [] for who in ("model", *FORECASTERS)}
        for start in range(0, len(numbers), batch_size):
            batch = numbers[start : start + batch_size]
            frames = windows.read(batch)
            past, target = frames[:, :model_history], frames[:, model_history:]
            seen = np.asarray(
                _corrupted(statistics.normalise(past), batch, {kind: level})
            )
            filled = jnp.asarray(statistics.restore(without_missing(seen)))
            ahead = {"model": forecast(statistics.restore(seen), 1)}
            ahead |= {who: of(filled, 1) for who, of in FORECASTERS.items()}
            for who, forecasts in ahead.items():
                ratios[who].append(metric.measure(np.asarray(forecasts), target))
        return {who: Ratio.joined(of).score() for who, of in ratios.items()}

    result: dict = {
        "protocol": "one_step",
        "split": split,
        "samples": len(numbers),
        "metric": metric.name,
    }
    for kind, levels in LEVELS.items():
        by_level = {f"{level:g}": scores(kind, level) for level in levels}
        result[kind] = {
            who: {level: of[who] for level, of in by_level.items()}
            for who in ("model", *FORECASTERS)
        }
    return result


@jax.jit
def _corrupted(frames: jax.Array, numbers: jax.Array, levels: Mapping) -> jax.Array:
    """Each window with the randomness of its number."""

    def one(frames, number):
        key = jax.random.fold_in(jax.random.key(0), number)
        return corrupt(key, frames, **levels)

    return jax.vmap(one)(frames, numbers)
