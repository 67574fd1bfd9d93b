"""Motion measured from a few frames: dense, sub-cell, coarse to fine.

`alignment.py` has the equations and one step of their solution, `resampling.py` the
coarser grids. Here the steps follow each other from the coarsest grid to the finest,
and the frames choose how smooth the motion is.
"""

from __future__ import annotations  # so that using push loads jax and nothing else

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from adr_jax.operators.advection import pull
from adr_jax.operators.alignment import Grid, means, normal_equations, solve
from adr_jax.operators.arguments import (
    as_array,
    check_boundary,
    check_floating,
    per_axis,
)
from adr_jax.operators.platform import platform
from adr_jax.operators.resampling import enlarge, pyramid, shrink, soften

if TYPE_CHECKING:
    from jax.typing import ArrayLike
    from jaxtyping import Array, Float

# Steps on each grid.
ITERATIONS = 3
# A pair counts less by exp(-FADING) for each interval since its later frame.
FADING = 0.1
# Pairs are up to LONGEST_LAG intervals apart, while the motion of neighbouring cells
# then differs by no more than DRIFT cells. The same noise stands against less motion
# in shorter ones: they count less, by the LAG_POWER-th power of how much shorter.
LONGEST_LAG, DRIFT, LAG_POWER = 3, 0.2, 3
# What `shear=None` chooses from: for weather, whose details tell little of where it
# goes, and for eddies and scenes.
STIFF, LOOSE = 0.04, 1.0
# Loose has to bring the odds of error down to ODDS of stiff's, or just down where stiff
# explains no more than LITTLE of what changes: so it is taken for Agulhas eddies, for
# drives through towns, and for one in fifty views of rain (12 events).
ODDS, LITTLE = 0.38, 0.19
# Both are judged on no more cells than these, after fewer steps.
JUDGED_CELLS, JUDGED_ITERATIONS = 64**2, 2


def estimate_motion(
    frames: Float[ArrayLike, "*batch time *space channels"],
    *,
    axes: int = 2,
    boundary: str | tuple[str, ...] = "clamp",
    shear: float | None = None,
) -> Float[Array, "*batch *space axes"]:
    """Measure how far the content of each cell moves in one frame interval.

    The motion is dense and steady: one displacement for each cell that best carries the
    frames into each other, as smooth as `shear` says, continued smoothly to where
    nothing can be seen. It is found by least squares from the coarsest grid to the
    finest; nothing is trained. Content that appears or vanishes counts little, and all
    channels move together.

    Where a field is flat or does not change along some direction, its motion cannot be
    seen and is that of the neighbourhood; without any structure it is zero. A pattern
    that repeats may be matched with its repetition. Displacements are found up to a
    quarter of each side and more, where there is structure of that size.

    Differentiable in `frames`, forward and reverse; with `shear=None` as for the one
    that was chosen. Under jit the values cannot be looked at: frames without a known
    cell then give zero, infinite ones NaN.

    Args:
        frames: Two or more, oldest first, evenly spaced in time, floating, `(*batch,
            time, *space, channels)`; NaN is missing. Their units do not matter.
        axes: How many axes space has, 1, 2 or 3.
        boundary: `"periodic"`, or any other rule of `push`: what lies beyond an edge is
            then not known. A tuple has one for each spatial axis.
        shear: How much the motion of neighbouring cells is expected to differ, in cells
            a frame; less is smoother, and follows noise less. None takes 0.04, or 1
            where that forecasts the last frame clearly better from those before it,
            which needs three frames.

    Returns:
        The displacement in one interval, in cells, `(*batch, *space, axes)`, positive
        toward larger index, so that `push(frame, u)` and `pull(frame, -u)` carry a
        frame on. In float32 or wider.

    Raises:
        ValueError: A wrong shape, dtype or option, infinite values, or none known.

    Source: variational optical flow, coarse to fine; Horn and Schunck, "Determining
    optical flow", Artificial Intelligence 17 (1981); Brox et al., "High accuracy
    optical flow estimation based on a theory for warping", ECCV (2004). Here all pairs
    of frames share one motion, each is weighted by its own noise, and what a grid adds,
    not the motion itself, is smooth.
    """
    frames = as_array("estimate_motion", "frames", frames)
    _check(frames, axes, boundary, shear)
    periodic = tuple(rule == "periodic" for rule in per_axis(boundary, axes))
    return _estimate(frames, periodic, shear)


@functools.partial(jax.jit, static_argnames="periodic")
def _estimate(frames, periodic, shear):
    """Estimate the motion of each sample of a batch."""
    sample_axes = len(periodic) + 2
    batch = frames.shape[:-sample_axes]
    samples = frames.reshape(math.prod(batch), *frames.shape[-sample_axes:])

    def one(sample):
        levels = _pyramid(sample, periodic)
        if shear is None:
            return _fit(levels, _chosen(levels))
        return _fit(levels, jnp.asarray(shear, levels[0].frames.dtype))

    # One after the other stays in cache, and `cond` then computes one branch.
    on_cpu = platform() == "cpu"
    u = jax.lax.map(one, samples) if on_cpu else jax.vmap(one)(samples)
    return u.reshape(*batch, *u.shape[1:])


class Level(NamedTuple):
    """Frames on one grid, (time, *space, channels + 1): values, and whether known."""

    frames: jax.Array
    grid: Grid


def _pyramid(frames, periodic):
    """Return the frames, of variance 1 in each channel, on ever finer grids."""
    values = frames.astype(jnp.promote_types(frames.dtype, jnp.float32))
    known = ~jnp.any(jnp.isnan(values), axis=-1, keepdims=True)
    over = tuple(range(frames.ndim - 1))
    least = jnp.min(jnp.where(known, values, jnp.inf), over)
    most = jnp.max(jnp.where(known, values, -jnp.inf), over)
    varies = most > least
    # From 0 to 1 first, so that squares neither overflow nor vanish.
    least, span = jnp.where(varies, least, 0), jnp.where(varies, most - least, 1)
    values = jnp.where(known & varies, (values - least) / span, 0)
    count = jnp.maximum(jnp.sum(known), 1)
    values = jnp.where(known, values - jnp.sum(values, over) / count, 0)
    variance = jnp.sum(jnp.square(values), over) / count
    values = jnp.where(varies, values / jnp.sqrt(jnp.where(varies, variance, 1)), 0)
    fine = jnp.concatenate([values, known.astype(values.dtype)], axis=-1)
    space, *coarser = pyramid(frames.shape[1:-1])
    levels = [Level(_averaged(soften(fine, periodic)), Grid(space, periodic))]
    for space in coarser:
        coarse = _averaged(shrink(levels[-1].frames, space, periodic))
        levels.append(Level(coarse, Grid(space, periodic)))
    return levels[::-1]


def _averaged(sums):
    """Means of what is known; and known is where at least half of the weight was."""
    known = sums[..., -1:] >= 0.5
    return jnp.where(known, sums / jnp.where(known, sums[..., -1:], 1), 0)


def _fit(levels, shear, iterations=ITERATIONS):
    """Measure the motion of some frames, grid by grid from the coarsest.

    There pairs of neighbouring frames come first: in longer ones things would have
    moved beyond recognition.
    """
    grid = levels[0].grid
    u = jnp.zeros((*grid.space, len(grid.space)), levels[0].frames.dtype)
    for longest, level in enumerate(levels, start=1):
        if level.grid != grid:
            larger = np.divide(level.grid.space, grid.space).astype(u.dtype)
            grid = level.grid
            u = enlarge(u, grid.space, grid.periodic) * larger
        u = _refine(level.frames, grid, u, shear, longest, iterations)
    return u


def _refine(frames, grid, start, shear, longest, iterations):
    """Refine the motion of the coarser grid by pairs up to `longest`."""
    first, second, weights = _pairs(len(frames), shear, longest)
    pairs = first, second, jnp.asarray(weights, frames.dtype)
    d = len(grid.space)
    nothing = tuple(
        jnp.zeros((planes, *grid.space), frames.dtype)
        for planes in (d * (d + 1) // 2, d)
    )

    def step(u, _):
        def add(total, pair):
            first, second, weight = pair
            before, after, lag = frames[first], frames[second], second - first

            def found(total):
                equations = normal_equations(before, after, lag, u, grid)
                return jax.tree.map(lambda a, b: a + weight * b, total, equations)

            return jax.lax.cond(weight > 0, found, lambda total: total, total), None

        (matrix, right), _ = jax.lax.scan(add, nothing, pairs)
        return u + solve(matrix, right, u, start, shear, grid), None

    return jax.lax.scan(step, start, length=iterations)[0]


def _pairs(frames, shear, longest):
    """Return the first and second of each pair of frames, and its weight."""
    lags = range(1, min(longest, frames - 1, LONGEST_LAG) + 1)
    pairs = [(n, n + lag) for lag in lags for n in range(frames - lag)]
    before, after = np.array(pairs).T
    farthest = jnp.clip(jnp.round(DRIFT / shear), 1, lags[-1])
    shorter = (after - before) / farthest
    counts = jnp.where(shorter <= 1, shorter**LAG_POWER, 0)
    return before, after, counts * np.exp(-FADING * (frames - 1 - after))


def _chosen(levels):
    """Choose the shear with which to fit: stiff, unless loose is clearly better."""
    stiff = jnp.asarray(STIFF, levels[0].frames.dtype)
    if len(levels[0].frames) < 3:
        return stiff
    shears = jnp.stack([stiff, jnp.full_like(stiff, LOOSE)])
    stiff, loose = jax.lax.map(functools.partial(_error, levels), shears)
    odds = jnp.where(1 - stiff < LITTLE, 1, ODDS)
    return shears[jnp.where(loose * (1 - stiff) < odds * stiff * (1 - loose), 1, 0)]


def _error(levels, shear):
    """Score how the motion of all frames but the last forecasts it, 1 as persistence.

    The score is the mean absolute difference on a grid of half as many cells, where
    noise counts less.
    """
    small = [level for level in levels if math.prod(level.grid.space) <= JUDGED_CELLS]
    judged = small or levels[:1]
    u = _fit(
        [level._replace(frames=level.frames[:-1]) for level in judged],
        shear,
        JUDGED_ITERATIONS,
    )
    grid = judged[-1].grid
    before, after = judged[-1].frames[-2:]
    carried, known = means(pull(before, -u, boundary=grid.boundary))
    known = known * before[..., -1:] * after[..., -1:]
    differences = known * (jnp.stack([carried, before[..., :-1]]) - after[..., :-1])
    half = tuple(-(-n // 2) for n in grid.space)
    coarse = jnp.abs(shrink(differences, half, grid.periodic))
    error, still = jnp.sum(coarse, tuple(range(1, coarse.ndim)))
    return jnp.where(still > 0, error / jnp.where(still > 0, still, 1), 1)


def _check(frames, axes, boundary, shear):
    """Raise ValueError unless motion can be estimated from these arguments."""
    if axes not in (1, 2, 3):
        raise ValueError(
            f"estimate_motion got axes={axes!r}; expected how many axes space has: "
            "1, 2 or 3"
        )
    check_boundary("estimate_motion", boundary, axes)
    number = isinstance(shear, int | float | np.number)
    if shear is not None and not (number and 0 < shear < math.inf):
        raise ValueError(
            f"estimate_motion got shear={shear!r}; expected a positive number, how "
            "much the motion of neighbouring cells differs, or None to choose"
        )
    check_floating("estimate_motion", "frames", frames)
    got = f"estimate_motion got frames of shape {frames.shape}"
    if frames.ndim < axes + 2 or 0 in frames.shape:
        raise ValueError(
            f"{got}; expected (*batch, time, *space, channels) with {axes} "
            f"{'axis' if axes == 1 else 'axes'} of space: say how many with axes=, and "
            "add a channel axis to images, frames[..., None]"
        )
    count = frames.shape[-axes - 2]
    if count < 2:
        raise ValueError(
            f"{got}, of which axis {frames.ndim - axes - 2} is time; expected two "
            "frames or more: one alone shows no motion"
        )
    if isinstance(frames, Tracer):
        return
    unknown, infinite = jax.device_get(_faults(frames))
    if unknown:
        raise ValueError(f"{got} in which every value is missing (NaN)")
    if infinite:
        raise ValueError(
            f"{got} with infinite values; expected finite ones, or NaN where missing: "
            "jnp.where(jnp.isfinite(frames), frames, jnp.nan)"
        )


@jax.jit
def _faults(frames):
    """Tell whether no value is known, and whether any is infinite."""
    return jnp.all(jnp.isnan(frames)), jnp.any(jnp.isinf(frames))
