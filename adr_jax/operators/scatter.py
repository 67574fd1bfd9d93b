"""Push as sums at an index, and pull as reads from it: `lowering="segment_sum"`.

All that arrives in one block of cells is filed under that block, so a single index
serves all taps: push sums one plane of blocks for each tap, shifts them into place and
adds; pull shifts first and reads each plane at the index.
"""

import functools
import math

import jax
import jax.numpy as jnp

from adr_jax.operators.stencil import (
    fold_border,
    stencils,
    taps,
    wide_dtype,
    with_border,
)


def push_plane(x, u, boundary, order):
    """Push `x` (*space, channels) by `u`, one (*space) for each axis."""
    wide = wide_dtype(x, u)
    block, weights = _stencil(u, boundary, order, wide)
    content = x.astype(wide)
    blocks = _blocks(x.shape, order)
    sums = (
        jax.ops.segment_sum(
            (content * weight).reshape(-1, x.shape[-1]),
            block,
            num_segments=math.prod(blocks),
            mode="promise_in_bounds",
        ).reshape(*blocks, x.shape[-1])
        for weight in weights
    )
    shifted = (
        jnp.pad(plane, [*((k, order - k) for k in tap), (0, 0)])
        for plane, tap in zip(sums, taps(order, len(u)), strict=True)
    )
    out = fold_border(functools.reduce(jnp.add, shifted), boundary, order)
    return out.astype(x.dtype)


def pull_plane(y, u, boundary, order):
    """Pull `y` (*space, channels) by `u`: the transpose of `push_plane`."""
    wide = wide_dtype(y, u)
    block, weights = _stencil(u, boundary, order, wide)
    bordered = with_border(y.astype(wide), boundary, order)
    blocks = _blocks(y.shape, order)
    shares = (
        weight
        * bordered[tuple(slice(k, k + n) for k, n in zip(tap, blocks, strict=True))]
        .reshape(-1, y.shape[-1])
        .at[block]
        .get(mode="promise_in_bounds")
        .reshape(y.shape)
        for weight, tap in zip(weights, taps(order, len(u)), strict=True)
    )
    return functools.reduce(jnp.add, shares).astype(y.dtype)


def _blocks(shape, order):
    """Return the number of blocks along each axis, with those that overhang."""
    return tuple(n + order for n in shape[:-1])


def _stencil(u, boundary, order, dtype):
    """Return the block in which content displaced by `u` arrives, and its shares.

    Returns the flat index of the block, `(cells,)`, and the weight of each of `taps`,
    `(*space, 1)`.
    """
    (block, weights), *others = stencils(u, boundary, order, dtype)
    for axis, (first, along) in enumerate(others, start=1):
        block = block * (u[0].shape[axis] + order) + first
        weights = [weight * share for weight in weights for share in along]
    return block.reshape(-1), [weight[..., None] for weight in weights]
