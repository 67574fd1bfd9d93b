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
