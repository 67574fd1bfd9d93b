"""Errors of physical fields.

Each takes forecast and target, (samples, steps, *space, channels), and returns one
number per sample, step and channel, (samples, steps, channels). A cell whose target is
NaN does not count; an undefined score is NaN.
"""

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.metrics import cells


def rmse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """Return the root mean square error over space, in the data's unit."""
    squares = np.square(cells.difference(forecast, target))
    return np.sqrt(cells.mean(squares, ~np.isnan(target), cells.space(target)))


def nrmse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """Return the RMSE over the root mean square of the target, PDEBench's nRMSE.

    For a target near 1 it is nearly the RMSE; for a target of zero it is undefined.
    Source: PDEBench, arXiv 2210.07182. Its published figures also divide by one batch
    too few; this is the plain mean.
    """
    squares = np.square(target, dtype=np.float64)
    size = np.sqrt(cells.mean(squares, ~np.isnan(target), cells.space(target)))
    return cells.fraction(rmse(forecast, target), size)


def vrmse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """Return the RMSE over the target's standard deviation in space.

    It is 1 for a forecast of the target's mean, and undefined for a uniform target.
    Source: The Well, arXiv 2412.00568, which adds 1e-7 to the variance, whatever its
    unit; nothing is added here.
    """
    observed, axes = ~np.isnan(target), cells.space(target)
    centre = np.expand_dims(cells.mean(target, observed, axes), axes)
    squares = np.square(cells.difference(target, centre))
    deviation = np.sqrt(cells.mean(squares, observed, axes))
    return cells.fraction(rmse(forecast, target), deviation)


def mass_drift(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """Return |sum of the forecast - sum of the target| / |sum of the target|."""
    observed, axes = ~np.isnan(target), cells.space(target)
    mass = cells.total(target, observed, axes)
    drift = np.abs(cells.total(forecast, observed, axes) - mass)
    return cells.fraction(drift, np.abs(mass))
