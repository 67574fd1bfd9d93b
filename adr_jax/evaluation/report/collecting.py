"""Which forecasts a report shows, and what of them it needs: see `samples`."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from adr_jax.data.contract import Dataset
from adr_jax.evaluation.metrics import metrics_of
from adr_jax.evaluation.metrics.labels import labels
from adr_jax.evaluation.metrics.spectra import radial_spectrum
from adr_jax.evaluation.protocols import PROTOCOLS
from adr_jax.evaluation.report.examples import Samples
from adr_jax.evaluation.report.pictures import ground, pictures

# Steps shown, at most, and arrows along the longer side.
STEPS = 24
ARROWS = 16

# Applies a function to so many samples at a time; None if that is what it returns.
Batches = Callable[[Callable, np.ndarray], Any]


class Model(Protocol):
    """What is asked of a model: `training.trained.Run` is one."""

    def forecast(self, frames: np.ndarray, steps: int) -> np.ndarray:
        """The frames that follow."""
        ...

    def displacement(self, frames: np.ndarray) -> np.ndarray | None:
        """(batch, blocks, *space, groups, axes), or None."""
        ...

    def shares(self, frames: np.ndarray) -> np.ndarray | None:
        """(batch, blocks, 3), or None."""
        ...


def collect(
    model: Model,
    dataset: Dataset,
    scores: Mapping[str, Mapping],
    *,
    model_history: int,
    batch_size: int,
) -> Samples:
    """Forecasts the median, best and worst window of the protocol that goes furthest.

    And the first, which a comparison finds in every run. `scores` are those of
    `protocols.score`. As many windows as were scored at a time are forecast at a time,
    so that nothing is compiled anew.
    """
    name = max(scores, key=lambda protocol: scores[protocol]["horizon"])
    split, horizon = scores[name]["split"], scores[name]["horizon"]
    windows = PROTOCOLS[name].windows(dataset, split, model_history)
    batches = _batches_of(min(batch_size, len(windows)))
    roles = _roles(scores[name]["best_median_worst"], len(windows))
    numbers = np.array(list(roles))
    frames = windows.read(numbers)
    first = frames.shape[1] - horizon  # of the frames to be forecast
    past = frames[:, :first]
    forecast = batches(lambda history: model.forecast(history, horizon), past)
    target = frames[:, first:, ..., : forecast.shape[-1]]
    steps = np.unique(np.linspace(1, horizon, min(horizon, STEPS)).round().astype(int))
    shares = batches(model.shares, past)
    return Samples(
        protocol=name,
        split=split,
        total=len(windows),
        windows=numbers,
        roles=tuple(roles.values()),
        steps=steps,
        space=frames.shape[2:-1],
        shares=None if shares is None else shares.mean(axis=0),
        **_scores(dataset, forecast, target, steps),
        **_shown(dataset, np.stack([target, forecast])[:, :, steps - 1], past, steps),
        **_motion(model, frames, first + steps - 1, model_history, batches),
    )


def _roles(best_median_worst: list[int], total: int) -> dict[int, str]:
    """What each window is shown for, the usual first; some have several reasons."""
    if total == 1:
        return {0: "only"}
    reasons = dict(zip(("best", "median", "worst"), best_median_worst, strict=False))
    roles: dict[int, list[str]] = {}
    for role in ("median", "best", "worst"):
        if role in reasons:
            roles.setdefault(reasons[role], []).append(role)
    roles.setdefault(0, []).append("first")
    return {number: ", ".join(of) for number, of in roles.items()}


def _batches_of(size: int) -> Batches:
    """The last batch is filled up: functions are compiled for one shape."""

    def batches(function: Callable, samples: np.ndarray) -> np.ndarray | None:
        missing = -len(samples) % size
        filled = np.concatenate([samples, np.repeat(samples[-1:], missing, axis=0)])
        parts = [function(part) for part in np.split(filled, len(filled) // size)]
        return None if parts[0] is None else np.concatenate(parts)[: len(samples)]

    return batches


def _kind(dataset: Dataset) -> str:
    if dataset.classes:
        return "classes"
    return "colour" if dataset.channels == ("red", "green", "blue") else "field"


def _scores(
    dataset: Dataset, forecast: np.ndarray, target: np.ndarray, steps: np.ndarray
) -> dict:
    """By the first metric, of each window and of its steps."""
    metric = metrics_of(dataset)[0]
    ratios = [
        metric.measure(forecast[n : n + 1], target[n : n + 1])
        for n in range(len(target))
    ]
    return {
        "metric": metric.name,
        "scores": np.array([ratio.score() for ratio in ratios]),
        "scores_at": np.stack([ratio.by_step()[steps - 1] for ratio in ratios]),
    }


def _shown(
    dataset: Dataset, shown: np.ndarray, past: np.ndarray, steps: np.ndarray
) -> dict:
    """What is seen of target and forecast, (2, n, k, *space, channels)."""
    kind, classes, parts = _kind(dataset), dataset.classes, {}
    if classes:
        shown = np.stack([labels(frames, len(classes)) for frames in shown])
    else:
        parts = _spectra(shown, steps)
    if shown.ndim == 6:
        target, forecast = shown
        parts["pictures"] = pictures(target, forecast, kind)
        parts["ground"] = ground(past[0, -1], kind, len(classes))
    variables = tuple(dataset.channels[: shown.shape[-1]])
    return {"kind": kind, "classes": classes, "variables": variables, **parts}


def _spectra(shown: np.ndarray, steps: np.ndarray) -> dict:
    """Of target, forecast and error, at the first, middle and last of the steps."""
    chosen = np.unique([0, len(steps) // 2, len(steps) - 1])
    target, forecast = shown[:, :, chosen].astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # of a forecast that blew up
        spectra = [radial_spectrum(of) for of in (target, forecast, forecast - target)]
    return {
        "spectra": np.mean(spectra, axis=1),
        "spectra_steps": steps[chosen],
    }


def _motion(
    model: Model,
    frames: np.ndarray,
    stops: np.ndarray,
    model_history: int,
    batches: Batches,
) -> dict:
    """What is moved in two dimensions after the frames before each of `stops`."""
    if frames.ndim != 5:
        return {}
    spacing = math.ceil(max(frames.shape[2:4]) / ARROWS)

    def moved(places: np.ndarray) -> np.ndarray | None:
        seen = [frames[n, stop - model_history : stop] for n, stop in places]
        moved = model.displacement(np.stack(seen))
        return None if moved is None else thinned(moved, spacing)

    def net(places: np.ndarray) -> np.ndarray | None:
        by_group = moved(places)
        return None if by_group is None else by_group.mean(axis=-2).sum(axis=1)

    places = np.array([(n, stop) for n in range(len(frames)) for stop in stops])
    together = batches(net, places)
    if together is None:
        return {}
    return {
        "spacing": spacing,
        "net_motion": together.reshape(len(frames), len(stops), *together.shape[1:]),
        "motion": batches(moved, places[:1])[0],
    }


def thinned(
    displacement: Float[np.ndarray, "batch blocks rows columns groups 2"], spacing: int
) -> Float[np.ndarray, "batch blocks r c groups 2"]:
    """One for every `spacing` by `spacing` cells, that of the cell in their middle."""
    start = spacing // 2
    return displacement[:, :, start::spacing, start::spacing]
