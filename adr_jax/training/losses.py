"""What training makes small, as a sum and what it is to be divided by.

Both are added up over micro-batches and devices before one is divided by the other, so
that a mean is that of the global batch, however many of its cells are missing.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from adr_jax.data.contract import Dataset
from adr_jax.data.normalisation import Statistics
from adr_jax.errors import InputError

LOSSES = ("increment", "mse", "relative", "cross_entropy")

# Least mean square of a target that a relative error is divided by, as a share of the
# data's variance: a sample of zeros must not outweigh all others.
LEAST_POWER = 1e-2

# Added to a probability before its logarithm is taken, far below what matters.
TINY = 1e-6

Loss = Callable[[Array, Array], tuple[Array, Array]]


def make_loss(
    name: str, statistics: Statistics, output_scale: tuple[float, ...] | float
) -> Loss:
    """A loss of forecast and target, (rows, frames, *space, channels), normalised.

    Args:
      name: "increment", the square error in units of what the head has to add to its
        base, about 1 for an untrained network; "mse", in units of the data's standard
        deviation; "relative", in physical units over the target's square, both summed
        over the frames and cells of a sample and channel; "cross_entropy", of shares
        of classes (`Dataset.has_class_channels`), in nats for each cell.
      statistics: what normalised means.
      output_scale: that of the head, per channel or one for all.

    Returns:
      A function to the loss's sum and count. Cells that are missing in the target, NaN,
      do not count.
    """
    mean, std = jnp.asarray(statistics.mean), jnp.asarray(statistics.std)
    scale = jnp.broadcast_to(jnp.asarray(output_scale), mean.shape)

    def mse(forecast, target):
        error, known = _known_error(forecast, target)
        return jnp.sum(jnp.square(error)), jnp.sum(known, dtype=error.dtype)

    def increment(forecast, target):
        unit = scale[: target.shape[-1]]  # a network may forecast the first channels
        return mse(forecast / unit, target / unit)

    def relative(forecast, target):
        error, known = _known_error(forecast, target)
        axes = tuple(range(1, target.ndim - 1))
        channels = target.shape[-1]
        middle, unit = mean[:channels], std[:channels]
        physical = jnp.where(known, target * unit + middle, 0.0)
        power = jnp.sum(jnp.square(physical), axes)
        least = LEAST_POWER * jnp.square(unit) * jnp.sum(known, axes)
        counted = jnp.any(known, axes)
        size = jnp.where(counted, jnp.maximum(power, least), 1.0)
        errors = jnp.sum(jnp.square(error * unit), axes)
        return jnp.sum(errors / size), jnp.sum(counted, dtype=error.dtype)

    def cross_entropy(forecast, target):
        known = ~jnp.any(jnp.isnan(target), axis=-1, keepdims=True)
        surprise = -jnp.log(jnp.where(known, forecast, 1.0) + TINY)
        nats = jnp.sum(jnp.where(known, target, 0.0) * surprise)
        return nats, jnp.sum(known, dtype=nats.dtype)

    return {
        "increment": increment,
        "mse": mse,
        "relative": relative,
        "cross_entropy": cross_entropy,
    }[name]


def check(name: str, dataset: Dataset) -> None:
    """Raises InputError, before any training, for data that a loss is not made for."""
    if name == "cross_entropy" and not dataset.has_class_channels:
        raise InputError(
            f"config.train.loss is 'cross_entropy', which needs a channel for each "
            f"class; {dataset.name} has {', '.join(dataset.channels)}: choose another "
            "loss, or, of a CloudCast, config.data.variable=classes"
        )


def _known_error(
    forecast: Float[Array, "rows frames *space channels"],
    target: Float[Array, "rows frames *space channels"],
) -> tuple[Array, Array]:
    """The error, zero where the target is missing, and where it is not."""
    known = ~jnp.isnan(target)
    return jnp.where(known, forecast - jnp.where(known, target, 0), 0), known
