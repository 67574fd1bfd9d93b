"""Push and pull: move a field by a displacement, and read it back.

Fields are channels-last, `(*batch, *space, channels)`, with one to three axes of space.
A displacement `u` is in grid cells: `u[..., k]` displaces along spatial axis `k` in
array order (rows first), and positive moves content toward larger index.

`stencil.py` says where content arrives and in which shares. push scatters along it,
pull gathers along it, and each is the transpose of the other; `scatter.py` and
`matmul.py` are two ways to compute them, one image and channel group at a time.
"""

from __future__ import annotations  # so that using push loads jax and nothing else

import functools
import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from adr_jax.operators import cuda, matmul, scatter
from adr_jax.operators.arguments import (
    as_array,
    check_boundary,
    check_floating,
    per_axis,
)
from adr_jax.operators.platform import platform

if TYPE_CHECKING:
    from types import ModuleType

    from jax.typing import ArrayLike
    from jaxtyping import Array, Float, Num

ORDERS = (1, 3)
LOWERINGS = {"segment_sum": scatter, "matmul": matmul}


def push(
    x: Float[ArrayLike, "*batch_space c"],
    u: Num[ArrayLike, "*batch_space d"] | Num[ArrayLike, "*batch_space g d"],
    *,
    boundary: str | tuple[str, ...] = "clamp",
    order: int = 1,
    lowering: str | None = None,
    grouped: bool = False,
) -> Float[Array, "*batch_space c"]:
    """Move each cell's content by `u` and share it among the cells where it arrives.

    `out[j] = sum_i prod_k w(j_k - (i_k + u[i]_k)) x[i]` over cells i. At order 1, `w`
    is the hat function `max(0, 1 - |t|)`: (bi-, tri-) linear shares. The shares of a
    cell sum to one, so what leaves it arrives. `push(x, 0)` is `x`, and an integer
    displacement is an exact shift.

    Differentiable in both arguments, forward and reverse and repeatedly; reverse mode
    keeps `x` and `u` alone. Where an arrival is an integer the hat has a kink, and the
    derivative is the one to the right. A NaN in `u` gives NaN in every channel that it
    moves. Infinite displacements obey the boundary (periodic and reflect: NaN).

    Args:
        x: The field, floating, `(*batch, *space, c)`.
        u: Displacement in cells, `u[..., k]` along spatial axis `k`, positive toward
            larger index; real, integers are promoted. Of shape `(*batch, *space, d)`,
            shared by all channels; see `grouped`. Its last axis says how many axes
            space has, `d` = 1, 2 or 3.
        boundary: Where a share goes whose cell lies outside: `"clamp"` to the edge
            cell, `"periodic"` to its image, `"reflect"` to its mirror image in the
            edge, `"open"` nowhere. A tuple has one for each spatial axis. The first
            three keep each channel's sum, open loses what leaves.
        order: 1, or 3 for the cubic of Keys (a = -1/2), which keeps fine structure far
            better, but has negative shares too: new extremes appear, and with open the
            loss near an edge is not monotone.
        lowering: How it is computed: `"segment_sum"`; `"matmul"`, matrix products in
            one or two dimensions, where a NaN or infinity spreads further; or None to
            choose by platform.
        grouped: Whether `u` has an axis more, `(*batch, *space, g, d)`, with a
            displacement for each of `g` equal groups of neighbouring channels.

    Returns:
        The field moved, in shape and dtype of `x`. Positions, weights and sums are
        float32 or wider.

    Raises:
        ValueError: A wrong shape, dtype or option; says what was expected.

    Source: the push-forward semi-Lagrangian operator of ADRNet, arXiv 2406.19253; R.
    Keys, "Cubic convolution interpolation", IEEE Trans. ASSP 29 (1981), for order 3.
    """
    x, u = as_array("push", "a field", x), as_array("push", "u", u)
    _check("push", x, u, boundary, order, lowering, grouped)
    method = _method(lowering, u.shape)
    return _transport(x, u, method.push_plane, per_axis(boundary, u.shape[-1]), order)


def pull(
    y: Float[ArrayLike, "*batch_space c"],
    u: Num[ArrayLike, "*batch_space d"] | Num[ArrayLike, "*batch_space g d"],
    *,
    boundary: str | tuple[str, ...] = "clamp",
    order: int = 1,
    lowering: str | None = None,
    grouped: bool = False,
) -> Float[Array, "*batch_space c"]:
    """Read the field `y` where `u` points: the exact transpose of push.

    `out[i] = sum_j prod_k w(j_k - (i_k + u[i]_k)) y[j]` over cells j, so that
    `<push(x, u), y> = <x, pull(y, u)>` for every boundary and order. A constant stays
    constant, except where open reads zeros from outside; sums are not kept. The
    semi-Lagrangian step of the literature, which carries values along `u`, is
    `pull(q, -u)`.

    Arguments, dtypes, derivatives, errors and source are those of `push`: `u` is in
    cells, and `boundary` says which cell is read in place of one outside.
    """
    y, u = as_array("pull", "a field", y), as_array("pull", "u", u)
    _check("pull", y, u, boundary, order, lowering, grouped)
    method = _method(lowering, u.shape)
    return _transport(y, u, method.pull_plane, per_axis(boundary, u.shape[-1]), order)


# Reverse mode keeps x and u, and makes index and weights again from them.
@functools.partial(jax.jit, static_argnames=("plane", "boundary", "order"))
@functools.partial(jax.checkpoint, static_argnums=(2, 3, 4))
def _transport(x, u, plane, boundary, order):
    """Apply `plane` to every image and group of channels."""
    d = len(boundary)
    batch, space, channels = x.shape[: -d - 1], x.shape[-d - 1 : -1], x.shape[-1]
    images, groups = math.prod(batch), u.shape[-2] if u.ndim > x.ndim else 1

    def planes(a, *rest):
        a = jnp.moveaxis(a.reshape(images, *space, groups, *rest), 1 + d, 1)
        return a.reshape(images * groups, *space, *rest)

    # The components of u go apart: as slices of one array they would double the time
    # of the backward pass, for XLA then repeats its gathers for each of them.
    args = planes(x, channels // groups), *(planes(u[..., k]) for k in range(d))

    def one(x, *u):
        return plane(x, u, boundary, order)

    if platform() == "cpu":
        # One plane at a time stays in cache, from its index to its sums.
        one = jax.checkpoint(one, prevent_cse=False)
        _, out = jax.lax.scan(lambda _, args: (None, one(*args)), None, args)
    else:
        out = jax.vmap(one)(*args)
    out = out.reshape(images, groups, *space, channels // groups)
    return jnp.moveaxis(out, 1, 1 + d).reshape(x.shape)


def _method(lowering: str | None, shape: tuple[int, ...]) -> ModuleType:
    """Return the module that computes it."""
    if lowering is None:
        # TPUs add scattered numbers one at a time, and multiply matrices fast. This
        # choice is made on paper: docs/push.md has the count, nobody has timed it.
        flat = shape[-1] < 3
        on_tpu = platform() == "tpu"
        lowering = "matmul" if on_tpu and flat else "segment_sum"
    if lowering == "segment_sum" and platform() == "gpu":
        cuda.warn_of_slow_sums()
    return LOWERINGS[lowering]


def _check(name, x, u, boundary, order, lowering, grouped):
    """Raise ValueError unless the arguments of push or pull fit together."""
    check_boundary(name, boundary)
    if order not in ORDERS:
        raise ValueError(
            f"{name} got order={order!r}; expected 1 (linear) or 3 (cubic)"
        )
    if lowering is not None and lowering not in LOWERINGS:
        raise ValueError(
            f"{name} got lowering={lowering!r}; expected one of "
            f"{', '.join(LOWERINGS)}, or None to choose by platform"
        )

    shapes = f"{name} got a field of shape {x.shape} and u of {u.shape}"
    if u.ndim - x.ndim != bool(grouped):
        if grouped:
            raise ValueError(
                f"{shapes}; with grouped=True expected u to have one axis more than "
                "the field, (*batch, *space, groups, d): add it, u[..., None, :], or "
                "leave grouped out"
            )
        raise ValueError(
            f"{shapes}; expected u to have as many axes as the field, (*batch, *space, "
            "d) and (*batch, *space, channels): add a channel axis to an image, "
            "x[..., None], or, where u has a displacement for each group of channels, "
            "(*batch, *space, groups, d), say grouped=True"
        )
    d = u.shape[-1] if u.ndim else 0
    if d not in (1, 2, 3):
        raise ValueError(
            f"{shapes}; expected the last axis of u to be 1, 2 or 3, a component for "
            "each spatial axis of the field, (*batch, *space, channels)"
        )
    if x.ndim < d + 1:
        raise ValueError(
            f"{shapes}; u has {d} components, so expected a field of {d} spatial axes "
            "and one of channels: add a channel axis to an image, x[..., None]"
        )
    if lowering == "matmul" and d == 3:
        raise ValueError(
            f"{shapes}; lowering='matmul' is for one or two spatial axes: "
            "use 'segment_sum' or None in three"
        )
    check_boundary(name, boundary, d)
    grid, channels = x.shape[:-1], x.shape[-1]
    if u.shape[: len(grid)] != grid:
        raise ValueError(
            f"{shapes}; expected batch and spatial axes to agree, u of "
            f"{grid + u.shape[len(grid) :]}: broadcast with jnp.broadcast_to, "
            "and if the field has no channel axis add one, x[..., None]"
        )
    if grouped and (u.shape[-2] == 0 or channels % u.shape[-2]):
        raise ValueError(
            f"{shapes}: {u.shape[-2]} displacement fields for {channels} "
            f"channels; expected a number of fields that divides {channels}"
        )
    check_floating(name, "a field", x)
    if not any(jnp.issubdtype(u.dtype, kind) for kind in (jnp.floating, jnp.integer)):
        raise ValueError(
            f"{name} got u of {u.dtype}; expected real displacements in cells: "
            "convert it, u.astype(jnp.float32)"
        )
