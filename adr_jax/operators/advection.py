"""Push and pull: move a field by a displacement, and read it back.

Fields are channels-last, `(*batch, *space, channels)`. A displacement `u` is in grid
cells: `u[..., k]` displaces along spatial axis `k` in array order (rows first), and
positive moves content toward larger index.

Both operators share one bilinear stencil (`_stencil`): content displaced by `u` arrives
between `floor(u)` and `floor(u) + 1` cells away, and the fraction `u - floor(u)` is the
share of the farther one. `push` scatters along it, `pull` gathers along it, and each is
the transpose of the other.

Whatever arrives in one square of four cells is filed under that square, so a single
index serves all four taps: push sums four planes at it, one per corner, shifts them by
a cell and adds; pull shifts first and reads its four planes at it. Squares that
overhang the grid reach into a border one cell wide, which pull fills (`jnp.pad`) and
push folds back (the transpose of `jnp.pad`).
"""

import functools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Num

# The border cell beyond the edge of each boundary, as jnp.pad names it.
_BORDER = {
    "clamp": "edge",
    "periodic": "wrap",
    "reflect": "symmetric",
    "open": "constant",
}


def push(
    x: Float[Array, "*batch h w c"],
    u: Num[Array, "*batch h w 2"] | Num[Array, "*batch h w g 2"],
    *,
    boundary: str | tuple[str, ...] = "clamp",
    order: int = 1,
    lowering: str | None = None,
) -> Float[Array, "*batch h w c"]:
    """Move each cell's content by `u` and share it among the cells where it arrives.

    `out[j] = sum_i prod_k hat(j_k - (i_k + u[i]_k)) x[i]` over cells i, with the hat
    function `hat(t) = max(0, 1 - |t|)`: bilinear shares that sum to one, so what leaves
    a cell arrives. `push(x, 0)` is `x`, and an integer displacement is an exact shift.

    Differentiable in both arguments, forward and reverse and repeatedly; reverse mode
    keeps `x` and `u` alone. Where an arrival is an integer the hat has a kink, and the
    derivative is the one to the right. A NaN in `u` gives NaN in every channel that it
    moves. Infinite displacements obey the boundary (periodic and reflect: NaN).

    Args:
        x: The field, floating.
        u: Displacement in cells, `u[..., k]` along spatial axis `k`, positive toward
            larger index; real, integers are promoted. Of shape `(*batch, h, w, 2)`,
            shared by all channels, or `(*batch, h, w, g, 2)`, one for each of `g` equal
            groups of neighbouring channels.
        boundary: Where a share goes whose cell lies outside: `"clamp"` to the edge
            cell, `"periodic"` to its image, `"reflect"` to its mirror image in the
            edge, `"open"` nowhere. A tuple has one for each spatial axis. The first
            three keep each channel's sum, open loses what leaves.
        order: Of the interpolation: 1, bilinear.
        lowering: How it is computed: `"segment_sum"`, or None to choose.

    Returns:
        The field moved, in shape and dtype of `x`. Positions, weights and sums are
        float32 or wider.

    Raises:
        ValueError: A wrong shape, dtype or option; says what was expected.

    Source: the push-forward semi-Lagrangian operator of ADRNet, arXiv 2406.19253.
    """
    x, u = jnp.asarray(x), jnp.asarray(u)
    _check("push", x, u, boundary, order, lowering)
    return _transport(x, u, _push_plane, _per_axis(boundary))


def pull(
    y: Float[Array, "*batch h w c"],
    u: Num[Array, "*batch h w 2"] | Num[Array, "*batch h w g 2"],
    *,
    boundary: str | tuple[str, ...] = "clamp",
    order: int = 1,
    lowering: str | None = None,
) -> Float[Array, "*batch h w c"]:
    """Read the field `y` where `u` points: the exact transpose of push.

    `out[i] = sum_j prod_k hat(j_k - (i_k + u[i]_k)) y[j]` over cells j, so that
    `<push(x, u), y> = <x, pull(y, u)>` for every boundary. A constant stays constant,
    except where open reads zeros from outside; sums are not kept. The semi-Lagrangian
    step of the literature, which carries values along `u`, is `pull(q, -u)`.

    Arguments, dtypes, derivatives, errors and source are those of `push`: `u` is in
    cells, and `boundary` says which cell is read in place of one outside.
    """
    y, u = jnp.asarray(y), jnp.asarray(u)
    _check("pull", y, u, boundary, order, lowering)
    return _transport(y, u, _pull_plane, _per_axis(boundary))


# Reverse mode keeps x and u, and makes index and weights again from them.
@functools.partial(jax.jit, static_argnames=("plane", "boundary"))
@functools.partial(jax.checkpoint, static_argnums=(2, 3))
def _transport(x, u, plane, boundary):
    """Apply `plane` to every image and group of channels."""
    *batch, h, w, channels = x.shape
    images, groups = math.prod(batch), u.shape[-2] if u.ndim > x.ndim else 1

    def planes(a, *rest):
        a = jnp.moveaxis(a.reshape(images, h, w, groups, *rest), 3, 1)
        return a.reshape(images * groups, h, w, *rest)

    # The components of u go apart: as slices of one array they would double the time
    # of the backward pass, for XLA then repeats its gathers for each of them.
    args = planes(x, channels // groups), planes(u[..., 0]), planes(u[..., 1])

    def one(x, *u):
        return plane(x, u, boundary)

    if jax.default_backend() == "cpu":
        # One plane at a time stays in cache, from its index to its sums.
        one = jax.checkpoint(one, prevent_cse=False)
        _, out = jax.lax.scan(lambda _, args: (None, one(*args)), None, args)
    else:
        out = jax.vmap(one)(*args)
    out = out.reshape(images, groups, h, w, channels // groups)
    return jnp.moveaxis(out, 1, 3).reshape(x.shape)


def _push_plane(x, u, boundary):
    """Push `x` (h, w, channels) by `u`, one (h, w) for each axis."""
    h, w, channels = x.shape
    wide = _wide(x, u)
    square, weights = _stencil([u_k.astype(wide) for u_k in u], boundary)
    content = x.astype(wide)
    sums = [
        jax.ops.segment_sum(
            (content * weight).reshape(h * w, channels),
            square,
            num_segments=(h + 1) * (w + 1),
            mode="promise_in_bounds",
        )
        for weight in weights
    ]
    corners = functools.partial(_corners, boundary=boundary)
    (out,) = jax.linear_transpose(corners, content)(sums)
    return out.astype(x.dtype)


def _pull_plane(y, u, boundary):
    """Pull `y` (h, w, channels) by `u`, the transpose of `_push_plane`."""
    wide = _wide(y, u)
    square, weights = _stencil([u_k.astype(wide) for u_k in u], boundary)
    values = [
        corner.at[square].get(mode="promise_in_bounds").reshape(y.shape)
        for corner in _corners(y.astype(wide), boundary=boundary)
    ]
    shares = [w * value for w, value in zip(weights, values, strict=True)]
    out = functools.reduce(jnp.add, shares)
    return out.astype(y.dtype)


def _corners(y, *, boundary):
    """The four corners of every square of `y` (h, w, channels), a plane for each."""
    h, w, channels = y.shape
    for axis, rule in enumerate(boundary):
        border = [(int(k == axis),) * 2 for k in range(3)]
        y = jnp.pad(y, border, mode=_BORDER[rule])
    planes = [y[i : i + h + 1, j : j + w + 1] for i in (0, 1) for j in (0, 1)]
    return [plane.reshape(-1, channels) for plane in planes]


def _stencil(u, boundary):
    """The square in which content displaced by `u` arrives, and its shares.

    Returns the flat index of the square, `(h * w,)`, and the weights of its four
    corners, `(h, w, 1)` each, in the order of `_corners`.
    """
    (row, row_weights), (column, column_weights) = (
        _axis_stencil(u[axis], axis, rule) for axis, rule in enumerate(boundary)
    )
    square = row * (u[0].shape[1] + 1) + column
    weights = [(a * b)[..., None] for a in row_weights for b in column_weights]
    return square.reshape(-1), weights


def _axis_stencil(u, axis, rule):
    """First tap along `axis`, counted from the border cell, and the two taps' weights.

    The tap is bounded while it is still floating: converting a huge number or a NaN to
    an integer is undefined. A NaN keeps its own cell, with weights of NaN.
    """
    n = u.shape[axis]
    cells = jnp.floor(u)
    far = u - cells  # the derivative is one, also at an integer: the right-hand one
    if rule in ("clamp", "open"):
        far = jnp.where(jnp.abs(u) > n, 0, far)  # an infinity has no fraction
        cells = jnp.clip(cells, -n - 1, n)
    else:
        cells = jnp.mod(cells, n if rule == "periodic" else 2 * n)
    here = jax.lax.broadcasted_iota(jnp.int32, u.shape, axis)
    tap = here + jnp.where(jnp.isnan(cells), 0, cells).astype(jnp.int32)

    if rule == "periodic":
        first = jnp.where(tap >= n, tap - n, tap)
    elif rule == "reflect":
        tap = jnp.where(tap >= 2 * n, tap - 2 * n, tap)
        mirrored = tap >= n  # there the second tap comes before the first
        first = jnp.where(mirrored, 2 * n - 2 - tap, tap)
        far = jnp.where(mirrored, 1 - far, far)
    else:
        first = jnp.clip(tap, -1, n - 1)
    near = 1 - far
    if rule == "open":  # both taps outside: no share, though still a square to name
        near, far = (jnp.where(first == tap, share, 0) for share in (near, far))
    return first + 1, (near, far)


def _wide(x, u):
    """The dtype of positions, weights and sums."""
    return jnp.float64 if jnp.float64 in (x.dtype, u[0].dtype) else jnp.float32


def _per_axis(boundary):
    return (boundary,) * 2 if isinstance(boundary, str) else tuple(boundary)


def _check(name, x, u, boundary, order, lowering):
    """Raise ValueError unless the arguments of push or pull fit together."""
    rules = (boundary,) if isinstance(boundary, str) else boundary
    if not isinstance(rules, tuple | list) or not all(
        isinstance(rule, str) and rule in _BORDER for rule in rules
    ):
        raise ValueError(
            f"{name} got boundary={boundary!r}; expected one of {', '.join(_BORDER)}, "
            "or a tuple with one of them for each spatial axis"
        )
    if order != 1:
        later = "comes with a later release; for now use order=1"
        raise ValueError(
            f"{name} with order=3 {later}"
            if order == 3
            else f"{name} got order={order!r}; expected 1 (order 3 {later})"
        )
    if lowering not in (None, "segment_sum"):
        later = "comes with a later release; for now use 'segment_sum' or None"
        raise ValueError(
            f"{name} with lowering='matmul' {later}"
            if lowering == "matmul"
            else f"{name} got lowering={lowering!r}; expected 'segment_sum' or None"
        )

    shapes = f"{name} got a field of shape {x.shape} and u of {u.shape}"
    extra = u.ndim - x.ndim
    if extra not in (0, 1):
        raise ValueError(
            f"{shapes}; expected u to have as many axes as the field (one displacement "
            "for all channels) or one more (one for each group of channels), and the "
            "field to end in a channel axis: add one to an image, x[..., None]"
        )
    d = u.shape[-1] if u.ndim else 0
    if d in (1, 3):
        raise ValueError(
            f"{shapes}; u[..., {d}] asks for {d} spatial "
            f"ax{'i' if d == 1 else 'e'}s, which comes with a later release; "
            "for now use 2 spatial axes, (*batch, h, w, channels)"
        )
    if d != 2:
        raise ValueError(
            f"{shapes}; expected the last axis of u to be 2, a component for each "
            "spatial axis of the field, (*batch, h, w, channels)"
        )
    if x.ndim < 3:
        raise ValueError(
            f"{shapes}; expected a field (*batch, h, w, channels): "
            "add a channel axis to an image, x[..., None]"
        )
    if not isinstance(boundary, str) and len(boundary) != 2:
        raise ValueError(
            f"{name} got boundary={boundary!r}; expected one rule for each of the "
            "2 spatial axes, or one string for both"
        )
    grid, channels = x.shape[:-1], x.shape[-1]
    if u.shape[: len(grid)] != grid:
        raise ValueError(
            f"{shapes}; expected batch and spatial axes to agree, u of "
            f"{grid + u.shape[len(grid) :]}: broadcast with jnp.broadcast_to, "
            "and if the field has no channel axis add one, x[..., None]"
        )
    if extra and (u.shape[-2] == 0 or channels % u.shape[-2]):
        raise ValueError(
            f"{shapes}: {u.shape[-2]} displacement fields for {channels} "
            f"channels; expected a number of fields that divides {channels}"
        )
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(
            f"{name} got a field of {x.dtype}; expected a floating dtype: "
            "convert it, x.astype(jnp.float32)"
        )
    if not any(jnp.issubdtype(u.dtype, kind) for kind in (jnp.floating, jnp.integer)):
        raise ValueError(
            f"{name} got u of {u.dtype}; expected real displacements in cells: "
            "convert it, u.astype(jnp.float32)"
        )
