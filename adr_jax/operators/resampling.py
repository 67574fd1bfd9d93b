"""Coarser grids and back: the pyramid along which motion is estimated.

A grid of n cells and one of m cover the same extent, so that cell j of the second has
its middle at `(j + 1/2) n / m - 1/2` of the first. Both directions are one matrix for
each axis.
"""

from __future__ import annotations  # so that using push loads jax and nothing else

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Array, Float

# An axis is halved until it has fewer cells than this; all stop when the longest has
# fewer than COARSEST.
SHORTEST, COARSEST = 8, 16


def pyramid(space: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the sizes of ever coarser grids, from `space` on, each half the last."""
    sizes = [space]
    while max(sizes[-1]) >= COARSEST:
        sizes.append(tuple(-(-n // 2) if n >= SHORTEST else n for n in sizes[-1]))
    return sizes


def soften(
    x: Float[Array, "*batch_space channels"], periodic: Sequence[bool]
) -> Float[Array, "*batch_space channels"]:
    """Average each cell with its neighbours, by quarters; beyond the edge are zeros.

    What is left changes little enough from cell to cell for linear interpolation.
    """
    for k, wrap in enumerate(periodic):
        axis = x.ndim - 1 - len(periodic) + k
        n = x.shape[axis]
        width = [(int(other == axis),) * 2 for other in range(x.ndim)]
        wide = jnp.pad(x, width, mode="wrap" if wrap else "constant")
        before, after = (
            jax.lax.slice_in_dim(wide, start, start + n, axis=axis) for start in (0, 2)
        )
        x = 0.25 * (before + after) + 0.5 * x
    return x


def shrink(
    x: Float[Array, "*batch_space channels"],
    space: Sequence[int],
    periodic: Sequence[bool],
) -> Float[Array, "*batch_space channels"]:
    """Average `x` on the coarser grid `space`, by Gaussians half a coarse cell wide."""
    return _along_axes(x, space, periodic, _averages)


def enlarge(
    x: Float[Array, "*batch_space channels"],
    space: Sequence[int],
    periodic: Sequence[bool],
) -> Float[Array, "*batch_space channels"]:
    """Interpolate `x` linearly on the finer grid `space`."""
    return _along_axes(x, space, periodic, _interpolation)


def _along_axes(x, space, periodic, matrix):
    for k, (m, wrap) in enumerate(zip(space, periodic, strict=True)):
        axis = x.ndim - 1 - len(space) + k
        n = x.shape[axis]
        if n != m:
            along = jnp.asarray(matrix(n, m, wrap), x.dtype)
            moved = jnp.tensordot(
                along, x, (1, axis), precision=jax.lax.Precision.HIGHEST
            )
            x = jnp.moveaxis(moved, 0, axis)
    return x


def _averages(n: int, m: int, wrap: bool) -> np.ndarray:
    """Return the weights, (m, n), of n cells in each of m fewer."""
    ratio = n / m
    middle = (np.arange(m) + 0.5) * ratio - 0.5
    offset = np.arange(n) - middle[:, None]
    images = (-n, 0, n) if wrap else (0,)
    shifted = offset[..., None] + np.array(images)
    weights = np.exp(-2 * np.square(shifted / ratio)).sum(axis=-1)
    return weights / weights.sum(axis=1, keepdims=True)


def _interpolation(n: int, m: int, wrap: bool) -> np.ndarray:
    """Return the weights, (m, n), of n cells in each of m more."""
    place = (np.arange(m) + 0.5) * n / m - 0.5
    if not wrap:
        place = np.clip(place, 0, n - 1)
    first = np.floor(place).astype(int)
    rows, far = np.arange(m), place - first
    weights = np.zeros((m, n))
    np.add.at(weights, (rows, first % n), 1 - far)
    np.add.at(weights, (rows, (first + 1) % n), far)
    return weights
