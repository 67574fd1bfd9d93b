"""Coarser and finer: fields at half the resolution, and back."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def halve(
    z: Float[Array, "batch *space channels"],
) -> Float[Array, "batch *half channels"]:
    """Means of 2 cells along each axis of space; the lengths must be even."""
    pairs = [length for n in z.shape[1:-1] for length in (n // 2, 2)]
    z = z.reshape(z.shape[0], *pairs, z.shape[-1])
    return z.mean(axis=tuple(range(2, z.ndim - 1, 2)))


def double(
    z: Float[Array, "batch *space channels"],
) -> Float[Array, "batch *double channels"]:
    """Every cell twice along each axis of space: what `halve` undoes."""
    for axis in range(1, z.ndim - 1):
        z = jnp.repeat(z, 2, axis=axis)
    return z


def fill_up(
    z: Float[Array, "batch *space channels"], levels: int, mode: str
) -> Float[Array, "batch *longer channels"]:
    """`z` padded at its far ends, by a mode of jnp.pad, to be halved `levels` times."""
    step = 2**levels
    missing = [(0, -n % step) for n in z.shape[1:-1]]
    return jnp.pad(z, [(0, 0), *missing, (0, 0)], mode=mode)


def cut_to(
    z: Float[Array, "batch *longer channels"], space: tuple[int, ...]
) -> Float[Array, "batch *space channels"]:
    """The first cells of each axis: what `fill_up` undoes."""
    return z[(slice(None), *(slice(n) for n in space))]
