"""Two objects, each carried along a track of its own, which is continued as learned.

`track_objects` follows the objects through a history. The frames are then laid on the
last one, once along each track, so that each object meets itself. Where a track goes on
is learned from tracks: in a straight line before training. In the last frame a cell's
content belongs to the object that explains it; carried apart, the objects add up.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from adr_jax.models.layers import cell_centres
from adr_jax.operators.advection import pull
from adr_jax.operators.objects import OBJECTS, Tracks, track_objects
from adr_jax.options import ModelOptions

# Largest displacement in an interval, in cells, where model.reach says none.
REACH = 5
# A straight line continues the mean of so many intervals.
LATEST = 3


class Objects(NamedTuple):
    """Two objects in a history, and where they are."""

    # The frames laid on the last one, for each object once: all variables of the first
    # object first. Of the last frame it is the object's own content.
    frames: Float[Array, "batch time *space parts"]
    # Displacement in each interval, in cells.
    steps: Float[Array, "batch intervals objects axes"]
    # Centre of each object in the last frame, from -1 to 1.
    place: Float[Array, "batch objects axes"]


def find(
    history: Float[Array, "batch time *space variables"], options: ModelOptions
) -> Objects:
    """Find two objects in the amounts of a history, none missing."""
    steps, shares = follow(history, options)
    own = shares[:, -1, ..., None] * history[:, -1, ..., None, :]
    # How far each object is ahead of where it was in each frame.
    ahead = jax.lax.cumsum(steps, axis=1, reverse=True)
    earlier = jnp.concatenate([history[:, :-1]] * OBJECTS, axis=-1)
    earlier = pull(earlier, -everywhere(ahead, history.shape[2:-1]), grouped=True)
    last = own.reshape(history.shape[0], 1, *history.shape[2:-1], -1)
    frames = jnp.concatenate([earlier, last], axis=1)
    return Objects(frames, steps, _centres(own))


def follow(
    frames: Float[Array, "batch time *space variables"], options: ModelOptions
) -> Tracks:
    """Follow two objects from frame to frame, as far as the options let them reach."""
    reach = math.ceil(options.reach) or REACH
    return track_objects(frames, axes=frames.ndim - 3, reach=reach)


def everywhere(
    displacement: Float[Array, "*any objects axes"], space: tuple[int, ...]
) -> Float[Array, "*any_and_space objects axes"]:
    """Return the displacement of each object in every cell."""
    batch, pair = displacement.shape[:-2], displacement.shape[-2:]
    apart = displacement.reshape(*batch, *[1] * len(space), *pair)
    return jnp.broadcast_to(apart, (*batch, *space, *pair))


def _centres(own):
    """Return the centre of mass of each object, from -1 to 1; 0 where it is empty."""
    mass = jnp.sum(jnp.abs(own), axis=-1)
    over = tuple(range(1, mass.ndim - 1))
    moment = jnp.sum(mass[..., None] * cell_centres(mass)[..., None, :], axis=over)
    return moment / jnp.maximum(jnp.sum(mass, axis=over), 1e-6)[..., None]


def straight_on(
    steps: Float[Array, "batch intervals objects axes"], leads: int
) -> Float[Array, "batch leads objects axes"]:
    """Return how far each object is displaced at each lead if its motion is steady."""
    velocity = jnp.mean(steps[:, -LATEST:], axis=1, keepdims=True)
    return velocity * (1 + jnp.arange(leads, dtype=steps.dtype)).reshape(-1, 1, 1)


class Continuation(nn.Module):
    """Continue the track of each object, along each axis alone.

    All objects and axes share what is learned: where a track turned back, others do.
    Untrained it goes straight on.
    """

    leads: int
    width: int = 256

    @nn.compact
    def __call__(
        self,
        steps: Float[Array, "batch intervals objects axes"],
        place: Float[Array, "batch objects axes"],
        sides: Float[Array, " axes"],
    ) -> Float[Array, "batch leads objects axes"]:
        """Return how far each object is displaced at each lead, in cells.

        `sides` are the lengths of the grid in cells; lengths are seen relative to them.
        """
        sides = sides[:, None]
        track = 16 * jnp.moveaxis(steps, 1, -1) / sides
        h = jnp.concatenate([2 * place[..., None], track], axis=-1)
        for _ in range(2):
            h = nn.relu(nn.Dense(self.width)(h))
        turn = nn.Dense(self.leads, kernel_init=nn.initializers.zeros)(h)
        return straight_on(steps, self.leads) + jnp.moveaxis(turn * sides / 4, -1, 1)


def track_error(
    ahead: Float[Array, "batch leads objects axes"],
    window: Float[Array, "batch time *space variables"],
    options: ModelOptions,
) -> Float[Array, ""]:
    """Return by how many cells forecast tracks miss those seen, the mean.

    `window` has the frames of the history and of all leads. Which object is which does
    not matter.
    """
    steps = follow(window, options).steps
    seen = jnp.cumsum(steps[:, -ahead.shape[1] :], axis=1)
    apart = [jnp.abs(ahead - order) for order in (seen, jnp.flip(seen, axis=2))]
    missed = [jnp.mean(error, axis=(1, 2, 3)) for error in apart]
    return jnp.mean(jnp.minimum(*missed))
