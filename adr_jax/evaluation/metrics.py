"""Scores of forecasts, as pure functions of arrays.

Each takes forecast and target, (samples, steps, *space, channels), and returns one
number per sample, step and channel, (samples, steps, channels); tables print means.
"""

import numpy as np
from jaxtyping import Float


def _space(field: np.ndarray) -> tuple[int, ...]:
    return tuple(range(2, field.ndim - 1))


def rmse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """Root mean square error over space, in the data's unit."""
    error = forecast.astype(np.float64) - target
    return np.sqrt(np.mean(np.square(error), _space(target)))


def nrmse(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """PDEBench's normalised RMSE: over the target's root mean square, not its spread.

    For water about 1 deep it is nearly the RMSE itself. Source: PDEBench,
    arXiv 2210.07182, whose printed figures also divide by one batch too few; this
    one is the plain mean.
    """
    size = np.sqrt(np.mean(np.square(target, dtype=np.float64), _space(target)))
    return rmse(forecast, target) / size


def mass_drift(
    forecast: Float[np.ndarray, "samples steps *space channels"],
    target: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps channels"]:
    """|sum of the forecast - sum of the target| / |sum of the target|."""
    mass = target.sum(_space(target), dtype=np.float64)
    return np.abs(forecast.sum(_space(target), dtype=np.float64) - mass) / np.abs(mass)


METRICS = {"nrmse": nrmse, "rmse": rmse, "mass_drift": mass_drift}
