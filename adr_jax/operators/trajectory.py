"""Trajectories of a steady motion, and a frame carried along them."""

from __future__ import annotations  # so that using push loads jax and nothing else

import functools
import operator
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from adr_jax.operators.advection import ORDERS, pull, push
from adr_jax.operators.arguments import (
    as_array,
    check_boundary,
    check_floating,
    per_axis,
)

if TYPE_CHECKING:
    from jax.typing import ArrayLike
    from jaxtyping import Array, Float


def trajectory(
    u: Float[ArrayLike, "*batch_space d"],
    steps: int,
    *,
    boundary: str | tuple[str, ...] = "clamp",
) -> Float[Array, "*batch steps *space d"]:
    """Follow a motion that does not change in time, from every cell, for 1 to `steps`.

    `D_k(x)`, how far content that starts at x is displaced after k intervals, grows by
    one interval at the place reached: `D_{k+1}(x) = D_k(x) + s(x + D_k(x))`. The
    displacement `s` of one interval is the midpoint rule's, `s(x) = u(x + u(x) / 2)`,
    so that a steady rotation stays on its circle. To go back, to where content came
    from, follow `-u`.

    Args:
        u: Displacement in one interval, in cells, `(*batch, *space, d)`; its last axis
            says how many axes space has.
        steps: Number of intervals, 1 or more.
        boundary: `"periodic"`, or any other rule of `push`: beyond the edge the motion
            is then that of the nearest cell. A tuple has one for each spatial axis.

    Returns:
        `D_1` to `D_steps`, `(*batch, steps, *space, d)`, in the dtype of `u`. Positions
        are float32 or wider.

    Raises:
        ValueError: A wrong shape, dtype or option; says what was expected.

    Source: the midpoint iteration of semi-Lagrangian schemes; Staniforth and Cote,
    "Semi-Lagrangian integration schemes for atmospheric models", Monthly Weather Review
    119 (1991).
    """
    u = as_array("trajectory", "u", u)
    d = _check_motion("trajectory", u)
    steps = _check_steps("trajectory", steps)
    check_boundary("trajectory", boundary, d)
    wide = u.astype(jnp.promote_types(u.dtype, jnp.float32))
    out = _trajectory(wide, steps, _of_motion(boundary, d))
    return out.astype(u.dtype)


def extrapolate(
    frame: Float[ArrayLike, "*batch_space c"],
    u: Float[ArrayLike, "*batch_space d"],
    steps: int,
    *,
    conserve: bool = False,
    order: int = 1,
    boundary: str | tuple[str, ...] = "open",
    fill: float = float("nan"),
) -> Float[Array, "*batch steps *space c"]:
    """Carry a frame along a steady motion: `frame` after 1 to `steps` intervals.

    Each lead follows the whole trajectory and interpolates once from `frame` itself, so
    that the last is no more blurred than the first. With
    `u = adr_jax.estimate_motion(frames)` it is the classical nowcast.

    Args:
        frame: Values, floating, `(*batch, *space, c)`; NaN is missing.
        u: Displacement in one interval, in cells, `(*batch, *space, d)`.
        steps: Number of intervals, 1 or more.
        conserve: False carries values, by `pull` from where they came: a constant stays
            constant. True carries amounts, by `push` to where they go: each channel
            keeps its sum, but for what leaves under `"open"`.
        order: Interpolation: 1 linear; 3 cubic, sharper, and with new extremes.
        boundary: What lies beyond an edge: `"open"`, not known; or as in `push`
            `"clamp"` its nearest cell, `"periodic"` the other side, `"reflect"` the
            mirror image. A tuple has one for each spatial axis. Motion beyond the edge
            is that of the nearest cell, unless periodic.
        fill: Stands where nothing is known: where more than half of what arrives comes
            from missing cells or, under `"open"`, from outside. NaN keeps what has
            entered unseen apart from what was observed to be dry.

    Returns:
        `(*batch, steps, *space, c)`, in the dtype of `frame`. `frame` itself, lead 0,
        is not among them.

    Raises:
        ValueError: A wrong shape, dtype or option; says what was expected.

    Source: Germann and Zawadzki, "Scale-dependence of the predictability of
    precipitation from continental radar images. Part I", Monthly Weather Review 130
    (2002), for nowcasts by semi-Lagrangian extrapolation.
    """
    frame = as_array("extrapolate", "a frame", frame)
    u = as_array("extrapolate", "u", u)
    d = _check_motion("extrapolate", u)
    steps = _check_steps("extrapolate", steps)
    check_boundary("extrapolate", boundary, d)
    check_floating("extrapolate", "a frame", frame)
    if order not in ORDERS:
        raise ValueError(
            f"extrapolate got order={order!r}; expected 1 (linear) or 3 (cubic)"
        )
    if frame.ndim != u.ndim or frame.shape[:-1] != u.shape[:-1]:
        raise ValueError(
            f"extrapolate got a frame of shape {frame.shape} and u of {u.shape}; "
            "expected (*batch, *space, channels) and (*batch, *space, d): one frame, "
            "not a sequence (take frames[-1]), with a channel axis (frame[..., None])"
        )
    rules = per_axis(boundary, d)
    return _extrapolate(frame, u, fill, steps, bool(conserve), order, rules)


def _of_motion(boundary, axes):
    """Return the rule of each axis for reading motion: beyond an edge the nearest."""
    rules = per_axis(boundary, axes)
    return tuple(rule if rule == "periodic" else "clamp" for rule in rules)


def _one_interval(u, boundary):
    """Return the displacement of one interval, by the midpoint rule."""
    return pull(u, 0.5 * u, boundary=boundary)


@functools.partial(jax.jit, static_argnames=("steps", "boundary"))
def _trajectory(u, steps, boundary):
    once = _one_interval(u, boundary)

    def follow(moved, _):
        return moved + pull(once, moved, boundary=boundary), moved

    _, moved = jax.lax.scan(follow, once, length=steps)
    return jnp.moveaxis(moved, 0, u.ndim - 1 - u.shape[-1])


@functools.partial(jax.jit, static_argnames=("steps", "conserve", "order", "boundary"))
def _extrapolate(frame, u, fill, steps, conserve, order, boundary):
    """Follow the trajectories and carry the frame, one lead at a time."""
    d = u.shape[-1]
    u = u.astype(jnp.promote_types(u.dtype, jnp.float32))
    of_motion = _of_motion(boundary, d)
    once, back = _one_interval(u, of_motion), _one_interval(-u, of_motion)
    known = ~jnp.isnan(frame)
    values = jnp.where(known, frame, 0)
    known = known.astype(values.dtype)

    def carry(paths, _):
        there, origin = paths
        if conserve:
            read = pull(known, origin, boundary=boundary)
            moved = push(values, there, boundary=boundary, order=order)
            out = jnp.where(read >= 0.5, moved, fill)
            there = there + pull(once, there, boundary=of_motion)
        else:
            both = jnp.concatenate([values, known], axis=-1)
            moved, read = jnp.split(
                pull(both, origin, boundary=boundary, order=order), 2, axis=-1
            )
            seen = read >= 0.5
            out = jnp.where(seen, moved / jnp.where(seen, read, 1), fill)
        origin = origin + pull(back, origin, boundary=of_motion)
        return (there, origin), out.astype(frame.dtype)

    _, leads = jax.lax.scan(carry, (once, back), length=steps)
    return jnp.moveaxis(leads, 0, frame.ndim - 1 - d)


def _check_motion(name, u):
    """Return the number of spatial axes, or raise ValueError."""
    check_floating(name, "u", u)
    d = u.shape[-1] if u.ndim else 0
    if d not in (1, 2, 3) or u.ndim < d + 1:
        raise ValueError(
            f"{name} got u of shape {u.shape}; expected (*batch, *space, d), in the "
            "last axis 1, 2 or 3 components, one for each spatial axis before it"
        )
    return d


def _check_steps(name, steps):
    """Return `steps` as an int, or raise ValueError."""
    try:
        count = operator.index(steps)
    except TypeError:
        count = 0
    if count < 1:
        raise ValueError(
            f"{name} got steps={steps!r}; expected how many intervals ahead, 1 or more"
        )
    return count
