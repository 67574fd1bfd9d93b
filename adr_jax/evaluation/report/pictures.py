"""Frames reduced for storage: on coarser grids and in fewer shades."""

import math

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.metrics.labels import labels

# Maximum number of cells along the longer side.
SIDE = 160
# Shades that are kept apart; rounded values compress to a fraction of the size.
SHADES = 4096


def pictures(
    target: Float[np.ndarray, "n k rows columns v"],
    forecast: Float[np.ndarray, "n k rows columns v"],
    kind: str,
) -> Float[np.ndarray, "n 3 k r c v"]:
    """Return target, forecast and error, reduced; `kind` as in `examples.Examples`."""
    if kind == "classes":
        wrong = np.where(np.isnan(target), np.nan, forecast != target)
        parts = [_subsampled(frames) for frames in (target, forecast, wrong)]
        return np.stack(parts, axis=1).astype(np.float32)
    error = forecast.astype(np.float64) - target
    target, forecast, error = (_averaged(f) for f in (target, forecast, error))
    widths = _range_widths(target)
    parts = [_rounded(target, widths), _rounded(forecast, widths)]
    return np.stack([*parts, _rounded(error, _range_widths(error))], axis=1)


def ground(
    frame: Float[np.ndarray, "rows columns channels"], kind: str, classes: int
) -> Float[np.ndarray, "r c"]:
    """Return one number for each cell: its class, brightness or first channel."""
    if kind == "classes":
        return _subsampled(labels(frame[None, None], classes))[0, 0, ..., 0]
    field = frame.mean(-1) if kind == "colour" else frame[..., 0]
    return _averaged(field[None, None, ..., None])[0, 0, ..., 0]


def _subsampled(
    frames: Float[np.ndarray, "n k rows columns v"],
) -> Float[np.ndarray, "n k r c v"]:
    stride = math.ceil(max(frames.shape[2:4]) / SIDE)
    return frames[:, :, stride // 2 :: stride, stride // 2 :: stride]


def _averaged(
    frames: Float[np.ndarray, "n k rows columns v"],
) -> Float[np.ndarray, "n k r c v"]:
    """Return means over squares of cells; missing cells do not count."""
    stride = math.ceil(max(frames.shape[2:4]) / SIDE)
    if stride == 1:
        return frames

    def sums(values: np.ndarray) -> np.ndarray:
        for axis in (2, 3):
            values = np.add.reduceat(
                values, np.arange(0, values.shape[axis], stride), axis
            )
        return values

    observed = ~np.isnan(frames)
    counts = sums(observed.astype(int))
    means = sums(np.where(observed, frames, 0.0)) / np.maximum(counts, 1)
    return np.where(counts > 0, means, np.nan)


def _range_widths(values: Float[np.ndarray, "*shape v"]) -> Float[np.ndarray, " v"]:
    """Return the width of each variable's finite range; 1 where it is zero."""
    variables = np.moveaxis(values, -1, 0)
    finite = [variable[np.isfinite(variable)] for variable in variables]
    return np.array([(np.ptp(x) if x.size else 0.0) or 1.0 for x in finite])


def _rounded(values: np.ndarray, widths: np.ndarray) -> np.ndarray:
    return (np.round(values / widths * SHADES) / SHADES * widths).astype(np.float32)
