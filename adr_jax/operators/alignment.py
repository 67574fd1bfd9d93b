"""One step of the least squares by which motion is estimated.

Content that moves steadily by u stands, half-way between the frames t and t + l, at x
if it was at `x - u l / 2` before and is at `x + u l / 2` after. The difference of the
two readings,

    r(u) = frame_t(x - u l / 2) - frame_{t+l}(x + u l / 2),

is linear in a small change of u, `r(u + d) = r(u) - g . d`, with g the gradient of both
readings' mean times l. Every pair of frames adds its normal equations, `G = sum w g g`
and `h = sum w g r`, and a step solves

    (G + S) d = h - S (u - u0)

where S = -Laplacian / shear^2 keeps what is found at this scale as smooth as motion is:
u - u0 is what it adds to the motion found at the coarser one.
"""

from __future__ import annotations  # so that using push loads jax and nothing else

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from adr_jax.operators.advection import pull
from adr_jax.operators.flux import inflow_along
from adr_jax.operators.resampling import enlarge, shrink

# The noise of a pair is measured in patches of this many cells a side.
PATCH = 8
# How much of the whole pair's noise counts everywhere, and the least there is, for
# frames of variance 1: where two frames agree to rounding, weights stay finite.
COMMON_NOISE, LEAST_NOISE = 0.1, 1e-8
# Patches of no known cell have no noise of their own.
LEAST_WEIGHT = 1e-6
# A difference whose square is well beyond OUTLIER variances is content that appeared or
# vanished rather than moved.
OUTLIER = 10.0
# Steps go most of the way, since slopes between cells are underestimated where content
# is rough, and no farther than so many cells.
RELAXATION, LONGEST_STEP = 0.8, 1.5
# Conjugate gradients of a step. What a small grid finds has to fit together over all of
# it; on grids with a side longer than LARGE only details are left to find.
CONJUGATE_GRADIENTS, ON_LARGE, LARGE = 24, 12, 64


class Grid(NamedTuple):
    """The space of some frames: its sizes, and which axes are periodic."""

    space: tuple[int, ...]
    periodic: tuple[bool, ...]

    @property
    def axes(self) -> range:
        """The spatial axes."""
        return range(len(self.space))

    @property
    def boundary(self) -> tuple[str, ...]:
        """The rule of each axis for reading: beyond an edge nothing is known."""
        return tuple("periodic" if wrap else "open" for wrap in self.periodic)


def normal_equations(before, after, lag, u, grid):
    """Return G, d(d+1)/2 planes, and h, d planes, of one pair of frames.

    Args:
      before: the first, (*space, channels + 1): values, 0 where they are unknown, and
        in the last channel 1 where they are known.
      after: the second, likewise.
      lag: intervals between them.
      u: displacement in one interval, (*space, d).
      grid: its space.
    """
    half = 0.5 * lag * u
    read = pull(
        jnp.stack([before, after]), jnp.stack([-half, half]), boundary=grid.boundary
    )
    values, known = means(read)
    known = (known[0] & known[1]).astype(values.dtype)
    difference = known * (values[0] - values[1])
    slopes = [
        0.5 * lag * _slope(values[0] + values[1], known, k, grid.periodic[k])
        for k in grid.axes
    ]
    weight = _weights(difference, known, grid)

    def product(a, b):
        # A sum over the last axis is slow where it is short.
        return weight * sum(a[..., c] * b[..., c] for c in range(a.shape[-1]))

    return (
        jnp.stack(
            [product(slopes[k], slopes[m]) for k, m in _upper_triangle(len(slopes))]
        ),
        jnp.stack([product(slope, difference) for slope in slopes]),
    )


def means(read):
    """Return the means of what is known in a reading, and where that is most of it."""
    share = read[..., -1:]
    return read[..., :-1] / jnp.maximum(share, 0.5), share > 0.5


def _upper_triangle(d):
    """Return the entries of a symmetric matrix that are kept."""
    return list(itertools.combinations_with_replacement(range(d), 2))


def _slope(x, known, axis, wrap):
    """Return the mean of the differences to both neighbours that are known."""
    step = jnp.roll(x, -1, axis) - x
    step = step * known * jnp.roll(known, -1, axis)
    if not wrap:
        last = x.shape[axis] - 1
        inner = jax.lax.broadcasted_iota(jnp.int32, step.shape, axis) < last
        step = jnp.where(inner, step, 0)
    return 0.5 * (step + jnp.roll(step, 1, axis))


def _weights(difference, known, grid):
    """Each cell's weight: one over its noise, and next to nothing for an outlier."""
    square = jnp.mean(jnp.square(difference), axis=-1, keepdims=True)
    patches = tuple(-(-n // PATCH) for n in grid.space)

    def noise(weight):
        sums = jnp.concatenate([weight * square, weight], axis=-1)
        sums = shrink(sums, patches, grid.periodic)
        whole = jnp.sum(sums, axis=tuple(grid.axes))
        local = sums[..., :1] / jnp.maximum(sums[..., 1:], LEAST_WEIGHT)
        local = enlarge(local, grid.space, grid.periodic)
        common = whole[0] / jnp.maximum(whole[1], LEAST_WEIGHT)
        return local + COMMON_NOISE * common + LEAST_NOISE

    likely = known / (1 + square / (OUTLIER * noise(known)))
    variance = noise(likely)
    likely = 1 / (1 + square / (OUTLIER * variance))
    return (known / variance * jnp.square(likely))[..., 0]


def solve(matrix, right, u, start, shear, grid):
    """Return the step d of the equations above, (*space, d), shortened where long.

    Args:
      matrix: G, summed over the pairs.
      right: h, likewise.
      u: the motion so far, (*space, d).
      start: the motion of the coarser grid, likewise.
      shear: how much the motion of neighbouring cells is expected to differ.
      grid: its space.
    """
    d = len(grid.space)
    entry = dict(zip(_upper_triangle(d), matrix, strict=True))
    stiffness = 1 / shear**2

    def rough(x):
        return stiffness * sum(_roughness(x, axis, grid) for axis in grid.axes)

    def apply(x):
        along = [
            sum(entry[min(k, m), max(k, m)] * x[m] for m in grid.axes)
            for k in grid.axes
        ]
        return jnp.stack(along) + rough(x)

    neighbours = jnp.asarray(sum(_neighbours(k, grid) for k in grid.axes), right.dtype)
    diagonal = jnp.stack([entry[k, k] for k in grid.axes]) + stiffness * neighbours
    scale = _ratio(jnp.ones_like(diagonal), diagonal)
    right = right - rough(jnp.moveaxis(u - start, -1, 0))
    count = ON_LARGE if max(grid.space) > LARGE else CONJUGATE_GRADIENTS
    step = jnp.moveaxis(_conjugate_gradients(apply, right, scale, count), 0, -1)
    length = jnp.sum(jnp.square(step), axis=-1, keepdims=True)
    return RELAXATION * step / jnp.sqrt(1 + length / LONGEST_STEP**2)


def _neighbours(axis, grid):
    """Count the neighbours of each cell along an axis; of as many axes as space."""
    n = grid.space[axis]
    count = np.full(n, 2.0)
    if not grid.periodic[axis]:
        count[0] -= 1
        count[-1] -= 1
    return count.reshape([-1 if k == axis else 1 for k in grid.axes])


def _roughness(x, axis, grid):
    """Return minus the second difference along a spatial axis of x, (d, *space)."""
    step = jnp.roll(x, -1, 1 + axis) - x
    return inflow_along(step, 1 + axis, grid.boundary[axis])


def _conjugate_gradients(apply, right, scale, count):
    """Return x of `apply(x) = right`, from zero, `scale` being about its inverse."""

    def step(state, _):
        x, residual, direction, size = state
        product = apply(direction)
        along = _ratio(size, jnp.sum(direction * product))
        x, residual = x + along * direction, residual - along * product
        scaled = scale * residual
        new = jnp.sum(residual * scaled)
        return (x, residual, scaled + _ratio(new, size) * direction, new), None

    first = scale * right
    state = (jnp.zeros_like(right), right, first, jnp.sum(right * first))
    (x, *_), _ = jax.lax.scan(step, state, length=count)
    return x


def _ratio(a, b):
    """Return a / b, and 0 where b is not positive, with derivatives of 0."""
    there = b > 0
    return jnp.where(there, a / jnp.where(there, b, 1), 0)
