"""Scores of nowcasts, by event and lead, and their means with what chance does."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from outcome import print_table

from adr_jax.data.weather.rain import reflectivity
from adr_jax.evaluation.metrics import events

# Rain rates in mm/h, and what they are in dBZ.
RATES = (0.1, 1.0, 5.0, 10.0)
THRESHOLDS = tuple(reflectivity(np.array(RATES)).round(2).tolist())
# Cells of the neighbourhoods of FSS, and the width of a bin of probabilities.
SCALE, BINS = 5, 10
# Draws of events with repetition, and the share of them between both ends.
DRAWS, SHARE = 1000, 0.9


class Nowcasts(NamedTuple):
    """Hold what a forecaster says of some starts: a field, probabilities, or both."""

    # (starts, steps, rows, columns).
    field: np.ndarray | None = None
    # Of reaching each of THRESHOLDS, (starts, steps, rows, columns, thresholds).
    likely: np.ndarray | None = None


# By name, a value for each lead; NaN where an event is too short.
Scores = dict[str, np.ndarray]


def score(said: Nowcasts, target: np.ndarray, leads: int) -> Scores:
    """Return the scores of an event by lead, its starts counted together."""
    found: Scores = {}
    if said.field is not None:
        pair = said.field[..., None], target[..., None]
        for rate, threshold in zip(RATES, THRESHOLDS, strict=True):
            found[f"csi {rate:g}"] = events.csi(*pair, threshold).by_step()
        found["fss 1"] = events.fss(*pair, THRESHOLDS[1], scale=SCALE).by_step()
        error = np.square(said.field - target)
        found["rmse"] = np.sqrt(np.nanmean(error, axis=(0, 2, 3)))
    likely = said.likely
    if likely is None:
        likely = np.stack([said.field >= t for t in THRESHOLDS], axis=-1)
    for k, rate in enumerate(RATES):
        came = np.where(np.isnan(target), np.nan, target >= THRESHOLDS[k])
        error = np.square(likely[..., k] - came)
        found[f"brier {rate:g}"] = np.nanmean(error, axis=(0, 2, 3))
    # What the CRPS is of a distribution known at some thresholds alone.
    found["rps"] = np.sum([found[f"brier {rate:g}"] for rate in RATES], axis=0)
    found = {name: np.ravel(values) for name, values in found.items()}
    return {
        name: np.pad(values, (0, leads - len(values)), constant_values=np.nan)
        for name, values in found.items()
    }


def reliability(likely: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return cells, sum of probabilities and of events, by bin of probability."""
    known = ~np.isnan(target)
    which = np.minimum((likely[known] * BINS).astype(int), BINS - 1)
    came = target[known] >= THRESHOLDS[1]
    weights = np.ones(len(which)), likely[known], came.astype(float)
    return np.stack([np.bincount(which, w, minlength=BINS) for w in weights])


def mean(by_event: Sequence[Scores], name: str) -> np.ndarray:
    """Return the mean over events, by lead; NaN where no event is long enough."""
    values = np.stack([scores[name] for scores in by_event])
    known = ~np.isnan(values)
    return np.where(
        known.any(0), np.nansum(values, 0) / np.maximum(known.sum(0), 1), np.nan
    )


def gain(
    ours: Sequence[Scores], theirs: Sequence[Scores], name: str, lead: int
) -> tuple[float, float, float]:
    """Return by what share our mean is more, and the ends of SHARE of the draws."""
    pairs = np.array(
        [(a[name][lead], b[name][lead]) for a, b in zip(ours, theirs, strict=True)]
    )
    pairs = pairs[~np.isnan(pairs).any(1)]
    draws = np.random.default_rng(0).integers(len(pairs), size=(DRAWS, len(pairs)))
    sums = pairs[draws].sum(1)
    tail = 50 * (1 - SHARE)
    ends = np.percentile(sums[:, 0] / sums[:, 1] - 1, (tail, 100 - tail))
    return (float(pairs[:, 0].sum() / pairs[:, 1].sum() - 1), *ends.tolist())


def print_scores(
    scores: Mapping[str, Sequence[Scores]],
    names: Sequence[str],
    leads: Mapping[int, int],
) -> None:
    """Print a row for each forecaster, the means of some scores at some leads.

    `leads` has the index of a lead by its minutes.
    """
    for name in names:
        print()
        rows = [
            [who, *(f"{mean(by_event, name)[lead]:.3f}" for lead in leads.values())]
            for who, by_event in scores.items()
            if name in by_event[0]
        ]
        print_table([name, *(f"+{minutes}" for minutes in leads)], rows)
