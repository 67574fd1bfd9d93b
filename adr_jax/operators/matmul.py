"""Push and pull as matrix products: `lowering="matmul"`.

With the shares along each axis as a matrix, W_k of (cells, n_k), a push in two
dimensions is `W_0^T (q * W_1)`: for a plane of N cells 2 N^2 operations a channel, of
the kind that accelerators do best, in place of 4 N scattered additions, which some do
one at a time. The cells are taken a block at a time, so that no matrix is larger than
(BLOCK, n_k * channels). The products run at highest precision, since in bfloat16 mass
would be lost.
"""

import functools
import math

import jax
import jax.numpy as jnp

from adr_jax.operators.stencil import fold_border, stencils, wide_dtype, with_border

BLOCK = 512  # cells; the choice is unmeasured

_product = functools.partial(jnp.einsum, precision=jax.lax.Precision.HIGHEST)


def push_plane(x, u, boundary, order):
    """Push `x` (*space, channels), one or two axes, by `u`, one (*space) for each."""
    wide = wide_dtype(x, u)
    sides, channels = [n + 2 * order for n in x.shape[:-1]], x.shape[-1]
    stencil = _stencil(u, boundary, order, wide)
    content = _in_blocks(x.astype(wide).reshape(-1, channels))

    def add_block(total, block):
        q, stencil = block
        matrices = _matrices(stencil, sides, wide)
        return total + _product(_PUSH[len(u)], *matrices, q), None

    total = jnp.zeros((*sides, channels), wide)
    total, _ = jax.lax.scan(jax.checkpoint(add_block), total, (content, stencil))
    return fold_border(total, boundary, order).astype(x.dtype)


def pull_plane(y, u, boundary, order):
    """Pull `y` (*space, channels) by `u`: the transpose of `push_plane`."""
    wide = wide_dtype(y, u)
    sides = [n + 2 * order for n in y.shape[:-1]]
    stencil = _stencil(u, boundary, order, wide)
    bordered = with_border(y.astype(wide), boundary, order)

    @jax.checkpoint
    def read_block(stencil):
        matrices = _matrices(stencil, sides, wide)
        return _product(_PULL[len(u)], *matrices, bordered)

    out = jax.lax.map(read_block, stencil).reshape(-1, y.shape[-1])
    return out[: math.prod(y.shape[:-1])].reshape(y.shape).astype(y.dtype)


# x: cells of a block; a, b: places along the axes; c: channels.
_PUSH = {1: "xa,xc->ac", 2: "xa,xb,xc->abc"}
_PULL = {1: "xa,ac->xc", 2: "xa,xb,abc->xc"}


def _stencil(u, boundary, order, dtype):
    """First taps and weights of every axis, in blocks."""
    stencil = stencils(u, boundary, order, dtype)
    return jax.tree.map(lambda a: _in_blocks(a.reshape(-1)), stencil)


def _in_blocks(a):
    """Cut `a` (cells, ...) into (blocks, BLOCK, ...), zeros at the end."""
    blocks = -(-len(a) // BLOCK)
    filled = jnp.pad(a, [(0, blocks * BLOCK - len(a)), *[(0, 0)] * (a.ndim - 1)])
    return filled.reshape(blocks, BLOCK, *a.shape[1:])


def _matrices(stencil, sides, dtype):
    """For each axis the shares of every cell, (BLOCK, side)."""
    matrices = []
    for (first, weights), side in zip(stencil, sides, strict=True):
        place = jnp.arange(side)[None, :] - first[:, None]
        hits = (
            jnp.where(place == tap, weight[:, None], jnp.zeros((), dtype))
            for tap, weight in enumerate(weights)
        )
        matrices.append(functools.reduce(jnp.add, hits))
    return matrices
