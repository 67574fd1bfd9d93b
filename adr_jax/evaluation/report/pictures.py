"""Frames on coarser grids and in fewer shades: what pictures of them show."""

import math

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.metrics.labels import labels

# Cells along the longer side, at most.
SIDE = 160
# Shades told apart in what is kept; rounded values take a fraction of the space.
SHADES = 4096


def pictures(
    target: Float[np.ndarray, "n k rows columns v"],
    forecast: Float[np.ndarray, "n k rows columns v"],
    kind: str,
) -> Float[np.ndarray, "n 3 k r c v"]:
    """Target, forecast and error. `kind`: see `samples.Samples`."""
    if kind == "classes":
        wrong = np.where(np.isnan(target), np.nan, forecast != target)
        parts = [_picked(of) for of in (target, forecast, wrong)]
        return np.stack(parts, axis=1).astype(np.float32)
    error = forecast.astype(np.float64) - target
    target, forecast, error = (_averaged(of) for of in (target, forecast, error))
    spans = _spans(target)
    parts = [_rounded(target, spans), _rounded(forecast, spans)]
    return np.stack([*parts, _rounded(error, _spans(error))], axis=1)


def ground(
    frame: Float[np.ndarray, "rows columns channels"], kind: str, classes: int
) -> Float[np.ndarray, "r c"]:
    """One number for each cell: its class, its brightness, or its first channel."""
    if kind == "classes":
        return _picked(labels(frame[None, None], classes))[0, 0, ..., 0]
    one = frame.mean(-1) if kind == "colour" else frame[..., 0]
    return _averaged(one[None, None, ..., None])[0, 0, ..., 0]


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


def _spans(values: np.ndarray) -> Float[np.ndarray, " v"]:
    """The range of each variable's finite values; 1 where there is none."""
    finite = [of[np.isfinite(of)] for of in np.moveaxis(values, -1, 0)]
    return np.array([(np.ptp(of) if of.size else 0.0) or 1.0 for of in finite])


def _rounded(values: np.ndarray, spans: np.ndarray) -> np.ndarray:
    return (np.round(values / spans * SHADES) / SHADES * spans).astype(np.float32)
