"""Metrics: pure functions of forecast and target, and their names in data sets.

Forecast and target are (samples, steps, *space, channels). A cell whose target is
missing, NaN, does not count in any metric. `fields`, `images` and `similarity` return
one score per sample, step and channel, or per frame. `events` and `labels` return a
`Ratio`: sums over samples that are divided at the end. A `Metric` turns both into a
Ratio, which has the numbers of a table.
"""

from adr_jax.evaluation.metrics.ratio import Ratio
from adr_jax.evaluation.metrics.registry import (
    METRICS,
    Metric,
    direction,
    metrics_of,
)

__all__ = [
    "METRICS",
    "Metric",
    "Ratio",
    "direction",
    "metrics_of",
]
