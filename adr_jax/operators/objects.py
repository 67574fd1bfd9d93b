"""Two things that move as wholes, each in its own way, followed from frame to frame.

One dense motion cannot say that two things cross. Here each of two objects moves by
whole cells between frames. Of all pairs of displacements those are chosen with which
every place in the later frame is best explained by one or the other.
"""

from __future__ import annotations  # so that using push loads jax and nothing else

import functools
import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

from adr_jax.operators.arguments import as_array, check_floating
from adr_jax.operators.platform import platform

if TYPE_CHECKING:
    from jax.typing import ArrayLike
    from jaxtyping import Array, Float

OBJECTS = 2
# Places are compared by windows of WINDOW cells along each axis, EVERY cells apart
# where displacements are chosen.
WINDOW, EVERY = 7, 4
# Displacements that may be chosen: those which explain most places best.
CANDIDATES = 32
# What earlier frames say about whose a cell is counts MEMORY as much for each interval.
MEMORY = 0.5


class Tracks(NamedTuple):
    """Say how two objects moved, and which cells are whose."""

    # Displacement of each object from frame to frame, in whole cells.
    steps: Float[Array, "*batch intervals objects axes"]
    # Share of each object in each cell of the later frame: 0, 1, or 0.5 where both
    # explain the cell alike.
    shares: Float[Array, "*batch intervals *space objects"]


def track_objects(
    frames: Float[ArrayLike, "*batch time *space channels"],
    *,
    axes: int = 2,
    reach: int = 4,
) -> Tracks:
    """Follow two objects that move as wholes, by whole cells, from frame to frame.

    An object keeps its number while the frames show which is which. Both may move
    alike. What enters from beyond an edge looks like the cell at the edge. Nothing is
    trained, and there is no gradient: displacements are whole.

    Args:
        frames: Two or more, oldest first, floating, `(*batch, time, *space, channels)`;
            a missing value, NaN, agrees with any.
        axes: How many axes space has, 1, 2 or 3.
        reach: Largest displacement along an axis in an interval, in cells.

    Returns:
        `steps` `(*batch, time - 1, 2, axes)`, positive toward larger index, and
        `shares` `(*batch, time - 1, *space, 2)`, which add up to 1.

    Raises:
        ValueError: A wrong shape, dtype or option.

    Source: block matching with two layers; Wang and Adelson, "Representing moving
    images with layers", IEEE Transactions on Image Processing 3 (1994), for the idea.
    """
    frames = as_array("track_objects", "frames", frames)
    _check(frames, axes, reach)
    batch = frames.shape[: -axes - 2]
    samples = frames.reshape(math.prod(batch), *frames.shape[-axes - 2 :])
    tracks = _track(jax.lax.stop_gradient(samples), int(reach))
    return Tracks(*(part.reshape(*batch, *part.shape[1:]) for part in tracks))


@functools.partial(jax.jit, static_argnames="reach")
def _track(samples, reach):
    """Track the objects of each sample of a batch."""
    space = samples.shape[2:-1]

    def follow(evidence, pair):
        before, after = pair
        chosen, evidence = _match(before, after, evidence, reach)
        difference = evidence[1] - evidence[0]
        first = jnp.where(difference > 0, 1.0, jnp.where(difference < 0, 0.0, 0.5))
        shares = jnp.stack([first, 1 - first], axis=-1).astype(difference.dtype)
        return evidence, Tracks(chosen, shares)

    def one(frames):
        wide = frames.astype(jnp.promote_types(frames.dtype, jnp.float32))
        nothing = jnp.zeros((OBJECTS, *space), wide.dtype)
        return jax.lax.scan(follow, nothing, (wide[:-1], wide[1:]))[1]

    on_cpu = platform() == "cpu"  # one after the other stays in cache
    return jax.lax.map(one, samples) if on_cpu else jax.vmap(one)(samples)


def _match(before, after, evidence, reach):
    """Choose a displacement for each object, and see which cells it explains.

    `evidence` is what speaks against each object in each cell, (objects, *space): that
    of the earlier frames moves along. Returned is that of the later frame.
    """
    space = after.shape[:-1]
    beyond = [(reach, reach)] * len(space)
    before = jnp.pad(before, [*beyond, (0, 0)], mode="edge")
    evidence = jnp.pad(MEMORY * evidence, [(0, 0), *beyond], mode="edge")

    moved = _moved(before, reach, [slice(n) for n in space])
    misses = _windows(_squares(after - moved), EVERY)
    candidates = _candidates(misses)
    centres = [slice(_first_centre(n), n, EVERY) for n in space]
    earlier = jax.vmap(lambda field: _moved(field, reach, centres))(evidence)
    against = misses[candidates] + earlier[:, candidates]
    both = jnp.minimum(against[0][:, None], against[1])
    total = jnp.sum(both, axis=tuple(range(2, both.ndim)))
    best = jnp.stack(jnp.unravel_index(jnp.argmin(total), total.shape))
    chosen = candidates[best]

    def against_one(evidence, corner):
        moved = jax.lax.dynamic_slice(before, (*corner, 0), after.shape)
        misses = _windows(_squares(after - moved)[None], 1)[0]
        return misses + jax.lax.dynamic_slice(evidence, corner, space)

    every = itertools.product(range(-reach, reach + 1), repeat=len(space))
    displacement = jnp.asarray(list(every))[chosen]
    evidence = jax.vmap(against_one)(evidence, reach - displacement)
    return displacement.astype(after.dtype), evidence - jnp.min(evidence, axis=0)


def _candidates(misses):
    """Return the displacements that explain most places best, (CANDIDATES,).

    `misses` are those of each displacement at each place. A place counts by how much
    worse the mean displacement explains it: where all is flat any will do.
    """
    misses = misses.reshape(len(misses), -1)
    clear = jnp.mean(misses, axis=0) - jnp.min(misses, axis=0)
    votes = jnp.zeros(len(misses)).at[jnp.argmin(misses, axis=0)].add(clear)
    return jax.lax.top_k(votes, min(CANDIDATES, len(misses)))[1]


def _moved(padded, reach, cells):
    """Return a field moved by each displacement, (displacements, *cells, ...).

    The field is padded by `reach` cells, and of each axis some cells are taken.
    """
    for axis, some in enumerate(cells):
        # What has moved by d is read d cells before.
        starts = range(2 * reach, -1, -1)
        taken = [
            slice((some.start or 0) + at, some.stop + at, some.step) for at in starts
        ]
        ahead = (slice(None),) * (2 * axis)  # displacements, then the axes before
        padded = jnp.stack([padded[(*ahead, one)] for one in taken], axis=axis)
    return padded.reshape(-1, *padded.shape[len(cells) :])


def _squares(differences):
    """Return the square of differences over channels, 0 where they are missing."""
    squares = jnp.square(differences)
    return jnp.sum(jnp.where(jnp.isnan(squares), 0, squares), axis=-1)


def _windows(values, every):
    """Sum over windows around cells `every` cells apart, (displacements, *places)."""
    axes = values.ndim - 1
    return jax.lax.reduce_window(
        values,
        jnp.zeros((), values.dtype),
        jax.lax.add,
        (1, *[WINDOW] * axes),
        (1, *[every] * axes),
        "SAME",
    )


def _first_centre(cells):
    """Return the middle cell of the first window along an axis."""
    windows = -(-cells // EVERY)
    padded = max((windows - 1) * EVERY + WINDOW - cells, 0)
    return WINDOW // 2 - padded // 2


def _check(frames, axes, reach):
    """Raise ValueError unless objects can be tracked in these frames."""
    if axes not in (1, 2, 3):
        raise ValueError(
            f"track_objects got axes={axes!r}; expected how many axes space has: 1, 2 "
            "or 3"
        )
    if not isinstance(reach, int) or isinstance(reach, bool) or reach < 1:
        raise ValueError(
            f"track_objects got reach={reach!r}; expected the largest displacement in "
            "an interval, 1 cell or more"
        )
    check_floating("track_objects", "frames", frames)
    if frames.ndim < axes + 2 or 0 in frames.shape or frames.shape[-axes - 2] < 2:
        raise ValueError(
            f"track_objects got frames of shape {frames.shape}; expected (*batch, "
            f"time, *space, channels), two frames or more, {axes} axes of space: add a "
            "channel axis to images, frames[..., None]"
        )
