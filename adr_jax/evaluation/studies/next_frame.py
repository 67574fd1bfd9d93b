"""Scores of the next frame on a few windows, as the studies need them."""

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Float

from adr_jax.data.windows import Windows
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.forecaster import Forecast
from adr_jax.evaluation.metrics import Metric, Ratio
from adr_jax.evaluation.protocols import without_missing

# Maximum number of windows scored.
MAX_WINDOWS = 64


def spread(windows: Windows) -> np.ndarray:
    """Return the indices of at most MAX_WINDOWS windows, spread evenly over all."""
    return np.linspace(0, len(windows) - 1, min(MAX_WINDOWS, len(windows))).astype(int)


def score(
    forecasters: Mapping[str, Forecast],
    batches: Iterable[Float[np.ndarray, "batch time *space channels"]],
    metric: Metric,
) -> dict[str, float]:
    """Score each forecaster on the last frame of windows, given the frames before it.

    Missing cells are filled for baselines; models fill their own.
    """
    ratios = {name: [] for name in forecasters}
    for frames in batches:
        past, target = frames[:, :-1], frames[:, -1:]
        filled = without_missing(past)
        for name, forecast in forecasters.items():
            frame = forecast(filled if name in FORECASTERS else past, 1)
            ratios[name].append(metric.measure(np.asarray(frame), target))
    return {name: Ratio.joined(parts).score() for name, parts in ratios.items()}
