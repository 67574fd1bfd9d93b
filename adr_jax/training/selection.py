"""Choose the best model of a run: the first metric that tells two apart decides."""

import math
from collections.abc import Mapping, Sequence

from adr_jax.evaluation.metrics import Metric

# By metric, in the order of the data set's metrics; NaN where undefined.
Scores = Sequence[float]


def best_of(record: Mapping) -> Scores:
    """Return the scores of the best model of a record, () if there is none yet."""
    noted = record["best_score"]
    if isinstance(noted, float):  # by version 0.1.0: of the first metric alone
        return () if math.isinf(noted) else (noted,)
    return noted


def is_better(scores: Scores, best: Scores, metrics: Sequence[Metric]) -> bool:
    """Return whether a model is to be kept instead of the best so far.

    A metric that is undefined for both, or gives both the same score, leaves it to the
    next one. Where only one is defined, that model is the better one: the other's
    forecasts are not finite. Where no metric tells two apart the later one is kept.
    """
    for metric, new, old in zip(metrics, scores, best, strict=False):
        if math.isnan(new) != math.isnan(old):
            return math.isnan(old)
        if new != old and not math.isnan(new):
            return metric.improves(new, on=old)
    return True


def undefined(scores: Scores, metrics: Sequence[Metric]) -> str | None:
    """Return a line that says which metric decides where the first is undefined."""
    if not math.isnan(scores[0]):
        return None
    first, *others = (metric.name for metric in metrics)
    for name, score in zip(others, scores[1:], strict=True):
        if not math.isnan(score):
            return (
                f"{first} is undefined on the validation split, whose targets may be "
                f"zero: {name} decides which model is best"
            )
    return (
        "no metric is defined on the validation split: the last model is kept as the "
        "best"
    )
