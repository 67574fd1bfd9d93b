"""Example forecasts for a report: which windows, and what is stored of them."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from adr_jax.data.contract import Dataset
from adr_jax.data.windows import pad_rows
from adr_jax.evaluation.metrics import metrics_of
from adr_jax.evaluation.metrics.labels import labels
from adr_jax.evaluation.metrics.spectra import radial_spectrum
from adr_jax.evaluation.protocols import PROTOCOLS
from adr_jax.evaluation.report.examples import Examples
from adr_jax.evaluation.report.pictures import ground, pictures

# Maximum number of steps shown, and of arrows along the longer side.
STEPS = 24
ARROWS = 16

# Applies a function batch by batch; returns None if the function does.
Batched = Callable[[Callable, np.ndarray], Any]


class Model(Protocol):
    """The methods of a trained model that are used here."""

    def forecast(self, frames: np.ndarray, steps: int) -> np.ndarray:
        """Return the frames that follow."""
        ...

    def displacement(self, frames: np.ndarray) -> np.ndarray | None:
        """Return (batch, *space, axes), or None."""
        ...

    def block_displacements(self, frames: np.ndarray) -> np.ndarray | None:
        """Return (batch, blocks, *space, groups, axes), or None."""
        ...

    def shares(self, frames: np.ndarray) -> np.ndarray | None:
        """Return (batch, blocks, 3), or None."""
        ...


def collect(
    model: Model,
    dataset: Dataset,
    scores: Mapping[str, Mapping],
    *,
    model_history: int,
    batch_size: int,
) -> Examples:
    """Forecast the median, best, worst and first window of one protocol.

    The protocol is the one with the longest horizon. The first window is in every run,
    so that runs can be compared. Batches are as large as those of the scores, so that
    nothing is compiled again.

    Args:
      model: the trained model.
      dataset: the data set that was scored.
      scores: the result of `protocols.score`.
      model_history: the frames of history that the model takes.
      batch_size: the windows that were scored at a time.
    """
    name = max(scores, key=lambda protocol: scores[protocol]["horizon"])
    split, horizon = scores[name]["split"], scores[name]["horizon"]
    windows = PROTOCOLS[name].windows(dataset, split, model_history)
    batched = _in_batches_of(min(batch_size, len(windows)))
    roles = _roles(scores[name]["best_median_worst"], len(windows))
    indices = np.array(list(roles))
    frames = windows.read(indices)
    first = frames.shape[1] - horizon  # index of the first forecast frame
    past = frames[:, :first]
    forecast = batched(lambda history: model.forecast(history, horizon), past)
    target = frames[:, first:, ..., : forecast.shape[-1]]
    steps = np.unique(np.linspace(1, horizon, min(horizon, STEPS)).round().astype(int))
    shares = batched(model.shares, past)
    return Examples(
        protocol=name,
        split=split,
        total=len(windows),
        windows=indices,
        roles=tuple(roles.values()),
        steps=steps,
        space=frames.shape[2:-1],
        shares=None if shares is None else shares.mean(axis=0),
        **_scores(dataset, forecast, target, steps),
        **_shown(dataset, np.stack([target, forecast])[:, :, steps - 1], past, steps),
        **_motion(model, frames, first + steps - 1, model_history, batched),
    )


def _roles(best_median_worst: list[int], total: int) -> dict[int, str]:
    """Return the roles of each window, the median first; some have several."""
    if total == 1:
        return {0: "only"}
    ranked = dict(zip(("best", "median", "worst"), best_median_worst, strict=False))
    roles: dict[int, list[str]] = {}
    for role in ("median", "best", "worst"):
        if role in ranked:
            roles.setdefault(ranked[role], []).append(role)
    roles.setdefault(0, []).append("first")
    return {window: ", ".join(names) for window, names in roles.items()}


def _in_batches_of(size: int) -> Batched:
    def batched(function: Callable, rows: np.ndarray) -> np.ndarray | None:
        padded = pad_rows(rows, size)
        parts = [function(part) for part in np.split(padded, len(padded) // size)]
        return None if parts[0] is None else np.concatenate(parts)[: len(rows)]

    return batched


def _kind(dataset: Dataset) -> str:
    if dataset.classes:
        return "classes"
    return "colour" if dataset.channels == ("red", "green", "blue") else "field"


def _scores(
    dataset: Dataset, forecast: np.ndarray, target: np.ndarray, steps: np.ndarray
) -> dict:
    """Score each window, and each of its steps, by the first metric."""
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
    dataset: Dataset,
    frames: Float[np.ndarray, "2 n k *space channels"],
    past: np.ndarray,
    steps: np.ndarray,
) -> dict:
    """Reduce target and forecast to pictures and spectra."""
    kind, classes, parts = _kind(dataset), dataset.classes, {}
    if classes:
        frames = np.stack([labels(field, len(classes)) for field in frames])
    else:
        parts = _spectra(frames, steps)
    if frames.ndim == 6:
        target, forecast = frames
        parts["pictures"] = pictures(target, forecast, kind)
        parts["ground"] = ground(past[0, -1], kind, len(classes))
    variables = tuple(dataset.channels[: frames.shape[-1]])
    return {"kind": kind, "classes": classes, "variables": variables, **parts}


def _spectra(
    frames: Float[np.ndarray, "2 n k *space channels"], steps: np.ndarray
) -> dict:
    """Return the spectra of target, forecast and error at three of the steps."""
    chosen = np.unique([0, len(steps) // 2, len(steps) - 1])
    target, forecast = frames[:, :, chosen].astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # of a forecast that blew up
        spectra = [radial_spectrum(f) for f in (target, forecast, forecast - target)]
    return {
        "spectra": np.mean(spectra, axis=1),
        "spectra_steps": steps[chosen],
    }


def _motion(
    model: Model,
    frames: np.ndarray,
    stops: np.ndarray,
    model_history: int,
    batched: Batched,
) -> dict:
    """Return the displacements after the frames before each of `stops`, in 2-D only."""
    if frames.ndim != 5:
        return {}
    spacing = math.ceil(max(frames.shape[2:4]) / ARROWS)

    def histories(ends: np.ndarray) -> np.ndarray:
        return np.stack([frames[n, stop - model_history : stop] for n, stop in ends])

    def net(ends: np.ndarray) -> np.ndarray | None:
        moved = model.displacement(histories(ends))
        return None if moved is None else thinned(moved, spacing)

    def by_group(ends: np.ndarray) -> np.ndarray | None:
        moved = model.block_displacements(histories(ends))
        return None if moved is None else thinned(moved, spacing, axis=2)

    ends = np.array([(n, stop) for n in range(len(frames)) for stop in stops])
    net_motion, motion = batched(net, ends), batched(by_group, ends[:1])
    if net_motion is None:
        return {}
    shape = len(frames), len(stops), *net_motion.shape[1:]
    return {
        "spacing": spacing,
        "net_motion": net_motion.reshape(shape),
        "motion": None if motion is None else motion[0],
    }


def thinned(
    displacement: Float[np.ndarray, "..."], spacing: int, axis: int = 1
) -> Float[np.ndarray, "..."]:
    """Return the displacement in the middle of each square of `spacing` cells.

    Rows are axis `axis`, columns the next one.
    """
    middles = slice(spacing // 2, None, spacing)
    return displacement[(*[slice(None)] * axis, middles, middles)]
