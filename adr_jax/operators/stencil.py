"""The stencil that push and pull share: where content arrives, and in which shares.

Content displaced by `u` arrives between two cells of each axis. It is shared among
`order + 1` neighbouring cells of that axis, its taps: two for the hat, four for the
Keys cubic. The taps of all axes together form a block of `(order + 1)^d` cells, named
by its first one, so that one index serves all of them.

A block may overhang the grid. Its first tap then lies in a border of `order` cells,
which has everything that the boundary rule maps elsewhere (see `with_border`).
"""

import functools
import itertools

import jax
import jax.numpy as jnp

# The border of each boundary rule, as jnp.pad names it.
BORDER = {
    "clamp": "edge",
    "periodic": "wrap",
    "reflect": "symmetric",
    "open": "constant",
}


def taps(order, axes):
    """List every tap of a block, as its index along each axis."""
    return list(itertools.product(range(order + 1), repeat=axes))


def with_border(y, boundary, order):
    """Pad `y` (*space, channels) by the cells beyond its edges, `order` wide."""
    for axis, rule in enumerate(boundary):
        width = [(order * (k == axis),) * 2 for k in range(y.ndim)]
        y = jnp.pad(y, width, mode=BORDER[rule])
    return y


def fold_border(y, boundary, order):
    """Add what lies in the border to where it belongs: transpose `with_border`."""
    inner = (*(n - 2 * order for n in y.shape[:-1]), y.shape[-1])
    border = functools.partial(with_border, boundary=boundary, order=order)
    (folded,) = jax.linear_transpose(border, jax.ShapeDtypeStruct(inner, y.dtype))(y)
    return folded


def stencils(u, boundary, order, dtype):
    """`axis_stencil` of each axis, in the dtype of positions; `u` has one (*space)."""
    return [
        axis_stencil(u_k.astype(dtype), axis, rule, order)
        for axis, (u_k, rule) in enumerate(zip(u, boundary, strict=True))
    ]


def axis_stencil(u, axis, rule, order):
    """First tap along `axis`, counted from the border's first cell, and all weights.

    Args:
      u: component `axis` of the displacement, (*space), float32 or wider.
      axis: spatial axis.
      rule: its boundary.
      order: 1, hat; 3, Keys cubic.

    Returns:
      (*space) int32 from 0 to n + order - 1, and order + 1 arrays (*space).

    The tap is bounded while it is still floating: converting a huge number or a NaN to
    an integer is undefined. A NaN keeps its own cell, with weights of NaN.
    """
    n = u.shape[axis]
    cells = jnp.floor(u)
    fraction = u - cells  # its derivative is one, also at an integer: right-hand
    cells = cells - order // 2
    if rule in ("clamp", "open"):
        # An infinity has no fraction, and this far out none is needed.
        fraction = jnp.where(jnp.abs(u) > n + order, 0, fraction)
        cells = jnp.clip(cells, -n - order, n)
    else:
        cells = jnp.mod(cells, n if rule == "periodic" else 2 * n)
    here = jax.lax.broadcasted_iota(jnp.int32, u.shape, axis)
    tap = here + jnp.where(jnp.isnan(cells), 0, cells).astype(jnp.int32)

    if rule == "periodic":
        first = jnp.where(tap >= n, tap - n, tap)
    elif rule == "reflect":
        tap = jnp.where(tap >= 2 * n, tap - 2 * n, tap)
        mirrored = tap >= n  # there the last tap comes first
        first = jnp.where(mirrored, 2 * n - 1 - order - tap, tap)
        fraction = jnp.where(mirrored, 1 - fraction, fraction)
    else:
        first = jnp.clip(tap, -order, n - 1)
    weights = _WEIGHTS[order](fraction)
    if rule == "open":  # all taps outside: no share, though still a block to name
        weights = [jnp.where(first == tap, weight, 0) for weight in weights]
    return first + order, weights


def _hat(t):
    return [1 - t, t]


def _keys(t):
    """Return the cubic of Keys (1981) with a = -1/2: third-order interpolation."""
    return [
        ((1 - t / 2) * t - 1 / 2) * t,
        (3 / 2 * t - 5 / 2) * t * t + 1,
        ((2 - 3 / 2 * t) * t + 1 / 2) * t,
        (t - 1) / 2 * t * t,
    ]


_WEIGHTS = {1: _hat, 3: _keys}


def wide_dtype(x, u):
    """Return the dtype of positions, weights and sums."""
    return jnp.float64 if jnp.float64 in (x.dtype, u[0].dtype) else jnp.float32
