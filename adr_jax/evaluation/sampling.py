"""Which forecasts a report shows, and what of them it needs: see `samples`."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from adr_jax.data.dataset import Dataset
from adr_jax.evaluation.metrics import is_of_classes, metrics_of, number_of_classes
from adr_jax.evaluation.metrics.labels import labels
from adr_jax.evaluation.metrics.spectra import radial_spectrum
from adr_jax.evaluation.protocols import PROTOCOLS
from adr_jax.evaluation.samples import Samples

# Cells along the longer side of a picture, and steps shown, at most.
SIDE = 160
STEPS = 24
# Arrows along the longer side.
ARROWS = 16
# Shades told apart in what is kept; rounded values take a fraction of the space.
SHADES = 4096

# Applies a function to so many samples at a time; None if that is what it returns.
Batches = Callable[[Callable, np.ndarray], Any]


class Model(Protocol):
    """What is asked of a model: `training.checkpoint.Run` is one."""

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
    roles = {0: "only"}
    if len(windows) > 1:
        roles = _roles(scores[name]["best_median_worst"])
    numbers = np.array(list(roles))
    frames = windows.read(numbers)
    first = frames.shape[1] - horizon  # of the frames to be forecast
    space = frames.shape[2:-1]
    past, target = frames[:, :first], frames[:, first:]
    forecast = batches(lambda history: model.forecast(history, horizon), past)
    target = target[..., : forecast.shape[-1]]
    steps = np.unique(np.linspace(1, horizon, min(horizon, STEPS)).round().astype(int))

    metric = metrics_of(dataset)[0]
    ratios = [
        metric.measure(forecast[n : n + 1], target[n : n + 1])
        for n in range(len(numbers))
    ]
    shown = np.stack([target, forecast])[:, :, steps - 1]
    kind = _kind(dataset)
    classes = _class_names(dataset) if kind == "classes" else ()
    parts = {}
    if kind == "classes":
        shown = np.stack([labels(frames, len(classes)) for frames in shown])
    else:
        parts |= _spectra(shown, steps)
    if len(space) == 2:
        parts["pictures"] = _pictures(shown, kind)
        seen = [frames[:, first + s - 1 - model_history : first + s - 1] for s in steps]
        parts |= _motion(model, np.stack(seen, axis=1), batches)
    shares = batches(model.shares, past)
    return Samples(
        protocol=name,
        split=split,
        total=len(windows),
        windows=numbers,
        roles=tuple(roles.values()),
        metric=metric.name,
        scores=np.array([ratio.score() for ratio in ratios]),
        scores_at=np.stack([ratio.by_step()[steps - 1] for ratio in ratios]),
        steps=steps,
        kind=kind,
        variables=tuple(dataset.channels[: shown.shape[-1]]),
        classes=classes,
        space=space,
        shares=None if shares is None else shares.mean(axis=0),
        **parts,
    )


def _roles(best_median_worst: list[int]) -> dict[int, str]:
    """What each window is shown for, the usual first; some have several reasons."""
    numbers = dict(zip(("best", "median", "worst"), best_median_worst, strict=False))
    numbers["first"] = 0
    roles: dict[int, list[str]] = {}
    for role in ("median", "best", "worst", "first"):
        if role in numbers:
            roles.setdefault(numbers[role], []).append(role)
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
    if is_of_classes(dataset):
        return "classes"
    return "colour" if dataset.channels == ("red", "green", "blue") else "field"


def _class_names(dataset: Dataset) -> tuple[str, ...]:
    if len(dataset.channels) > 1:
        return tuple(dataset.channels)
    return tuple(str(label) for label in range(number_of_classes(dataset)))


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


def _pictures(shown: np.ndarray, kind: str) -> np.ndarray:
    """(2, n, k, *space, v) to (n, 3, k, rows, columns, v), an error with the two."""
    target, forecast = shown
    if kind == "classes":
        wrong = np.where(np.isnan(target), np.nan, forecast != target)
        pictures = [_picked(of) for of in (target, forecast, wrong)]
        return np.stack(pictures, axis=1).astype(np.float32)
    error = forecast.astype(np.float64) - target
    target, forecast, error = (_averaged(of) for of in (target, forecast, error))
    span = _span(target)
    pictures = [_rounded(target, span), _rounded(forecast, span)]
    return np.stack([*pictures, _rounded(error, _span(error))], axis=1)


def _motion(model: Model, seen: np.ndarray, batches: Batches) -> dict:
    """What is moved before each step, of `seen` (n, k, time, *space, channels)."""
    spacing = math.ceil(max(seen.shape[3:5]) / ARROWS)

    def net(history: np.ndarray) -> np.ndarray | None:
        moved = model.displacement(history)
        return None if moved is None else thinned(moved, spacing).mean(-2).sum(1)

    def whole(history: np.ndarray) -> np.ndarray:
        return thinned(model.displacement(history), spacing)

    flat = batches(net, seen.reshape(-1, *seen.shape[2:]))
    if flat is None:
        return {}
    history = seen[0, 0]
    return {
        "spacing": spacing,
        "net_motion": flat.reshape(*seen.shape[:2], *flat.shape[1:]),
        "motion": batches(whole, history[None])[0],
        "ground": _averaged(history[None, None, -1].mean(-1, keepdims=True))[
            0, 0, ..., 0
        ],
    }


def thinned(
    displacement: Float[np.ndarray, "batch blocks rows columns groups 2"], spacing: int
) -> Float[np.ndarray, "batch blocks r c groups 2"]:
    """One for every `spacing` by `spacing` cells, that of the cell in their middle."""
    start = spacing // 2
    return displacement[:, :, start::spacing, start::spacing]


def _picked(frames: np.ndarray) -> np.ndarray:
    """Frames (n, k, rows, columns, v), every so many cells."""
    every = math.ceil(max(frames.shape[2:4]) / SIDE)
    return frames[:, :, every // 2 :: every, every // 2 :: every]


def _averaged(frames: np.ndarray) -> np.ndarray:
    """Frames (n, k, rows, columns, v), means of squares of cells that are there."""
    every = math.ceil(max(frames.shape[2:4]) / SIDE)
    if every == 1:
        return frames

    def sums(values: np.ndarray) -> np.ndarray:
        for axis in (2, 3):
            values = np.add.reduceat(
                values, np.arange(0, values.shape[axis], every), axis
            )
        return values

    there = ~np.isnan(frames)
    counts = sums(there.astype(int))
    means = sums(np.where(there, frames, 0.0)) / np.maximum(counts, 1)
    return np.where(counts > 0, means, np.nan)


def _span(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.ptp(finite)) if finite.size else 0.0


def _rounded(values: np.ndarray, span: float) -> np.ndarray:
    shades = values if span == 0 else np.round(values / span * SHADES) / SHADES * span
    return shades.astype(np.float32)
