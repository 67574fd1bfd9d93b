"""Training losses, each returned as (sum, count).

Both are added up over micro-batches and devices before one is divided by the other. So
a mean is that of the global batch, however many of its cells are missing.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError

# Added to a probability before its logarithm is taken, far below what matters.
TINY = 1e-6

# Of forecast and target, (rows, frames, *space, channels), normalised.
Loss = Callable[[Array, Array], tuple[Array, Array]]


def make_loss(name: str, output_scale: tuple[float, ...] | float) -> Loss:
    """Return a loss; cells that are missing in the target, NaN, do not count.

    Args:
      name: "increment", the square error in units of what the head has to add to its
        base, about 1 for an untrained network; "cross_entropy", of shares of classes
        (`Dataset.classes`), in nats for each cell.
      output_scale: size of what the head has to add, per channel or one for all.
    """

    def increment(forecast: Array, target: Array) -> tuple[Array, Array]:
        unit = jnp.broadcast_to(jnp.asarray(output_scale), target.shape[-1:])
        forecast, target = forecast / unit, target / unit
        known = ~jnp.isnan(target)
        error = jnp.where(known, forecast - jnp.where(known, target, 0), 0)
        return jnp.sum(jnp.square(error)), jnp.sum(known, dtype=error.dtype)

    def cross_entropy(forecast: Array, target: Array) -> tuple[Array, Array]:
        known = ~jnp.any(jnp.isnan(target), axis=-1, keepdims=True)
        surprise = -jnp.log(jnp.where(known, forecast, 1.0) + TINY)
        nats = jnp.sum(jnp.where(known, target, 0.0) * surprise)
        return nats, jnp.sum(known, dtype=nats.dtype)

    return {"increment": increment, "cross_entropy": cross_entropy}[name]


def check(name: str, dataset: Dataset) -> None:
    """Raise InputError, before any training, for data that a loss is not made for."""
    if name == "cross_entropy" and not dataset.has_class_channels:
        raise InputError(
            f"config.train.loss is 'cross_entropy', which needs a channel for each "
            f"class; {dataset.name} has {', '.join(dataset.channels)}: choose another "
            "loss, or, of a CloudCast, config.data.variable=classes"
        )
