"""Scores of forecasts, as pure functions of arrays, and which ones a data set names.

Forecast and target are (samples, steps, *space, channels). A cell whose target is
missing, NaN, does not count in any metric. `fields`, `images`, `similarity` and
`spectra` give one score per sample, step and channel (1 where the whole frame has one);
`events` and `labels` give a `Ratio`, sums that are divided when all are known. A
`Metric` gives a Ratio in either case, and the Ratio the numbers of a table.
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
