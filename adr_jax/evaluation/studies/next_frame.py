"""Scores of the next frame alone, on some windows: what the studies of a model share.

A study asks how a model holds up where something is not as it was in training.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Float

from adr_jax.data.windows import Windows
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.forecaster import Forecast
from adr_jax.evaluation.metrics import Metric, Ratio
from adr_jax.evaluation.protocols import without_missing

# Windows scored at most.
MAX_WINDOWS = 64


def spread(windows: Windows) -> np.ndarray:
    """The numbers of at most MAX_WINDOWS windows, spread evenly over all."""
    return np.linspace(0, len(windows) - 1, min(MAX_WINDOWS, len(windows))).astype(int)


def score(
    forecasters: Mapping[str, Forecast],
    batches: Iterable[Float[np.ndarray, "batch time *space channels"]],
    metric: Metric,
) -> dict[str, float]:
    """The metric of each forecaster on the last frame of windows, from those before.

    Baselines see missing cells filled; models fill them in for themselves.
    """
    ratios = {who: [] for who in forecasters}
    for frames in batches:
        past, target = frames[:, :-1], frames[:, -1:]
        filled = without_missing(past)
        for who, forecast in forecasters.items():
            ahead = forecast(filled if who in FORECASTERS else past, 1)
            ratios[who].append(metric.measure(np.asarray(ahead), target))
    return {who: Ratio.joined(of).score() for who, of in ratios.items()}
