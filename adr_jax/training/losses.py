"""Training losses, each returned as (sum, count).

Both are added up over micro-batches and devices before one is divided by the other. So
a mean is that of the global batch, however many of its cells are missing.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError

# Added where a logarithm or a root of 0 would have no slope, far below what matters.
TINY = 1e-6

Frames = Float[Array, "rows frames *space channels"]
# Of forecast and target, normalised, and the size of what the network adds to its base.
Loss = Callable[[Frames, Frames, Array], tuple[Array, Array]]


def increment(
    forecast: Frames, target: Frames, unit: Float[Array, "..."]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return the square error in units of what the network has to add to its base.

    About 1 for an untrained network. Cells that are missing in the target, NaN, do not
    count.
    """
    error, known = _errors(forecast, target, unit)
    return jnp.sum(jnp.square(error)), jnp.sum(known, dtype=error.dtype)


def root(
    forecast: Frames, target: Frames, unit: Float[Array, "..."]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return the root of the mean square error of each frame, in the same units.

    What nRMSE scores. Each frame counts by its known cells, however hard it is: by
    square errors those of the steepest waves would outweigh all others.
    """
    error, known = _errors(forecast, target, unit)
    axes = tuple(range(2, error.ndim))
    cells = jnp.sum(known, axis=axes, dtype=error.dtype)
    mean = jnp.sum(jnp.square(error), axis=axes) / jnp.maximum(cells, 1)
    # Without TINY the slope of a root at 0 would be infinite.
    return jnp.sum(cells * jnp.sqrt(mean + TINY**2)), jnp.sum(cells)


def _errors(
    forecast: Frames, target: Frames, unit: Float[Array, "..."]
) -> tuple[Frames, Bool[Array, "rows frames *space channels"]]:
    """Return errors in units, 0 where the target is missing, and where it is known."""
    unit = jnp.asarray(unit)
    forecast, target = forecast / unit, target / unit
    known = ~jnp.isnan(target)
    return jnp.where(known, forecast - jnp.where(known, target, 0), 0), known


def cross_entropy(
    forecast: Frames, target: Frames, unit: Float[Array, "..."]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return the surprise at shares of classes (`Dataset.classes`), in nats a cell.

    Cells that are missing in the target do not count, and units play no part.
    """
    del unit
    known = ~jnp.any(jnp.isnan(target), axis=-1, keepdims=True)
    surprise = -jnp.log(jnp.where(known, forecast, 1.0) + TINY)
    nats = jnp.sum(jnp.where(known, target, 0.0) * surprise)
    return nats, jnp.sum(known, dtype=nats.dtype)


# By the name that `train.loss` has.
LOSSES: dict[str, Loss] = {
    "increment": increment,
    "root": root,
    "cross_entropy": cross_entropy,
}


def check(name: str, dataset: Dataset) -> None:
    """Raise InputError, before any training, for data that a loss is not made for."""
    if name == "cross_entropy" and not dataset.has_class_channels:
        raise InputError(
            f"config.train.loss is 'cross_entropy', which needs a channel for each "
            f"class; {dataset.name} has {', '.join(dataset.channels)}: choose another "
            "loss, or, of a CloudCast, config.data.variable=classes"
        )
