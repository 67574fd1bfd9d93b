"""Errors of physical fields.

Each takes forecast and target, (samples, steps, *space, channels), and returns one
number per sample, step and channel, (samples, steps, channels). A cell whose target is
NaN does not count; what is not defined is NaN.
"""

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.metrics import cells


def rmse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """Root mean square error over space, in the data's unit."""
    squares = np.square(cells.difference(forecast, target))
    return np.sqrt(cells.mean(squares, ~np.isnan(target), cells.space(target)))


def nrmse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """PDEBench's normalised RMSE: over the target's root mean square, not its spread.

    For water about 1 deep it is nearly the RMSE itself; where the target is zero it is
    not defined. Source: PDEBench, arXiv 2210.07182, whose printed figures also divide
    by one batch too few; this one is the plain mean.
    """
    squares = np.square(target, dtype=np.float64)
    size = np.sqrt(cells.mean(squares, ~np.isnan(target), cells.space(target)))
    return cells.fraction(rmse(forecast, target), size)


def vrmse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """RMSE over the target's standard deviation in space: 1 for the target's mean.

    Where the target is uniform it is not defined. Source: The Well, arXiv 2412.00568,
    which adds 1e-7 to the variance, in the square of whatever unit the data have; this
    one adds nothing.
    """
    there, axes = ~np.isnan(target), cells.space(target)
    centre = np.expand_dims(cells.mean(target, there, axes), axes)
    squares = np.square(cells.difference(target, centre))
    deviation = np.sqrt(cells.mean(squares, there, axes))
    return cells.fraction(rmse(forecast, target), deviation)


def mass_drift(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """|sum of the forecast - sum of the target| / |sum of the target|."""
    there, axes = ~np.isnan(target), cells.space(target)
    mass = cells.total(target, there, axes)
    drift = np.abs(cells.total(forecast, there, axes) - mass)
    return cells.fraction(drift, np.abs(mass))


def conserved_rmse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """PDEBench's error of a conserved quantity: |sum of the error| / cells.

    Source: cRMSE of arXiv 2210.07182. Its code takes the root mean square over a batch
    where this, meant to be averaged over samples, does not depend on batches.
    """
    error = cells.difference(forecast, target)
    return np.abs(cells.mean(error, ~np.isnan(target), cells.space(target)))


def max_error(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """The largest |error| in space.

    Source: the maximum error of arXiv 2210.07182, whose code takes the largest of a
    batch where this is meant to be averaged over samples.
    """
    there, axes = ~np.isnan(target), cells.space(target)
    sizes = np.abs(cells.difference(forecast, target))
    largest = np.max(sizes, axes, where=there, initial=0.0)
    return np.where(there.any(axes), largest, np.nan)


def boundary_rmse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """RMSE over the outermost cells, each counted once.

    Source: bRMSE of arXiv 2210.07182.
    """
    inner = np.zeros(target.shape[2:-1], bool)
    inner[(slice(1, -1),) * inner.ndim] = True
    return rmse(forecast, np.where(inner[..., None], np.nan, target))
