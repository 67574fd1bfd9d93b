"""The moving frame: what a history shows, carried to the cells where it will be.

The motion u is measured in the history itself. For lead k, `D_k` is how far back from
each cell its content comes from in the last frame, along the trajectory of u. A frame
older by a intervals is read along `D_{k+a}`: so all frames of the history lie on each
other, as far as the motion is steady, and what is left to learn is what changes.

Content is carried as values by `pull`, which reads them where they come from, or as
amounts by `push`, which moves them to where they go and keeps their sum. Either way the
last frame is interpolated once, whatever the lead.

All variables move together, or each has a motion of its own, as clouds of different
heights have: `groups` is 1 or their number.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from adr_jax.models import objects
from adr_jax.models.layers import PointwiseMLP, as_channels
from adr_jax.operators.advection import pull, push
from adr_jax.operators.motion import estimate_motion
from adr_jax.operators.trajectory import trajectory
from adr_jax.options import ModelOptions

# Interpolation of the last frame, by option.
ORDERS = {"linear": 1, "cubic": 3}


class Motion(NamedTuple):
    """The motion of a history and where it leads, in cells, by sample."""

    # In one interval.
    u: Float[Array, "batch *space groups axes"]
    # From the cells of lead 1, 2, ... back to the last frame.
    back: Float[Array, "batch intervals *space groups axes"]
    # From the cells of the last frame to where they are at lead 1, 2, ...
    ahead: Float[Array, "batch leads *space groups axes"]


def measure(
    history: Float[Array, "batch time *space variables"], options: ModelOptions
) -> Motion:
    """Measure the motion of a history, and follow it to the longest lead.

    Two frames or more, none missing.
    """
    axes, age = history.ndim - 3, history.shape[1] - 1  # of the oldest frame
    longest, boundary = options.frames_out, options.boundary
    parts = history[..., None, :]
    if options.motions == "channels":
        parts = history[..., None]
    parts = jnp.moveaxis(parts, -2, 1)  # (batch, groups, time, *space, variables)
    u = estimate_motion(parts, axes=axes, boundary=boundary)
    back = trajectory(-u, longest + age, boundary=boundary)
    ahead = trajectory(u, longest, boundary=boundary)
    return Motion(*(jnp.moveaxis(part, 1, -2) for part in (u, back, ahead)))


def counts_amounts(options: ModelOptions) -> bool:
    """Tell whether frames are amounts that add up, not values of any level."""
    return options.conserve or options.follows_objects


def together(
    parts: Float[Array, "*any parts"], variables: int
) -> Float[Array, "*any variables"]:
    """Add up what was carried apart."""
    return parts.reshape(*parts.shape[:-1], -1, variables).sum(axis=-2)


def of_objects(
    steps: Float[Array, "batch intervals objects axes"],
    ahead: Float[Array, "batch leads objects axes"],
    space: tuple[int, ...],
) -> Motion:
    """Return the motion of objects that go so far ahead, of every cell."""
    u = objects.everywhere(objects.straight_on(steps, 1)[:, 0], space)
    ahead = objects.everywhere(ahead, space)
    return Motion(u, -ahead, ahead)


def _rule(boundary: str) -> str:
    """Return the rule for reading values: beyond an open edge is the nearest cell."""
    return "clamp" if boundary == "open" else boundary


def _at(
    leads: Float[Array, "batch leads *any"], lead: Int[Array, " batch"], count: int
) -> Float[Array, "batch count *any"]:
    """Return `count` entries of each sample from its lead on."""

    def one(entries, lead):
        return jax.lax.dynamic_slice_in_dim(entries, lead - 1, count)

    return jax.vmap(one)(leads, lead)


def back_from(
    motion: Motion, lead: Int[Array, " batch"]
) -> Float[Array, "batch *space groups axes"]:
    """Return how far back the content of each cell is in the last frame."""
    return _at(motion.back, lead, 1)[:, 0]


def carry_history(
    history: Float[Array, "batch time *space variables"],
    motion: Motion,
    lead: Int[Array, " batch"],
    options: ModelOptions,
) -> Float[Array, "batch time *space variables"]:
    """Carry every frame of a history to each sample's lead, in the history's order."""
    frames = history.shape[1]
    if options.follows_objects:  # they lie on each other
        back = jnp.repeat(back_from(motion, lead)[:, None], frames, axis=1)
    else:
        back = _at(motion.back, lead, frames)[:, ::-1]
    return pull(history, back, boundary=_rule(options.boundary), grouped=True)


def share_from_inside(
    back: Float[Array, "batch *space groups axes"], boundary: str
) -> Float[Array, "batch *space groups"]:
    """Return 1 where content comes from inside the last frame, 0 where it enters."""
    rule = "periodic" if boundary == "periodic" else "open"
    return pull(jnp.ones_like(back[..., 0]), back, boundary=rule, grouped=True)


def seen_ahead(
    history: Float[Array, "batch time *space variables"],
    motion: Motion,
    lead: Int[Array, " batch"],
    change_scale: Float[Array, "..."],
    options: ModelOptions,
) -> Float[Array, "batch *space channels"]:
    """Return what a network sees on the cells of a lead.

    That is the last frame carried there and what the older ones differ from it, in
    units of `change_scale`, the last frame as it lies, where content comes from
    outside, the motion and the mean motion of the way here, and the lead.
    """
    frames = carry_history(history, motion, lead, options)
    changes = (frames[:, -1:] - frames[:, :-1]) / change_scale
    both = jnp.stack([frames[:, -1], history[:, -1]], axis=1)
    back = back_from(motion, lead)
    share = share_from_inside(back, options.boundary)
    intervals = lead.reshape(-1, *[1] * (back.ndim - 1)).astype(back.dtype)
    moved = jnp.concatenate([motion.u, -back / intervals], axis=-1)
    time_ahead = jnp.broadcast_to(intervals[..., 0], share[..., :1].shape)
    seen = [
        as_channels(jnp.concatenate([both, changes], axis=1)),
        share,
        moved.reshape(*share.shape[:-1], -1),
        time_ahead / options.frames_out,
    ]
    return jnp.concatenate(seen, axis=-1)


class Carry(nn.Module):
    """Carry the last frame to each sample's lead, the trajectory corrected as learned.

    Untrained it corrects nothing. `width` is that of the hidden layer.
    """

    options: ModelOptions
    width: int
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self,
        z: Float[Array, "batch *space features"],
        last: Float[Array, "batch *space variables"],
        motion: Motion,
        lead: Int[Array, " batch"],
    ) -> Float[Array, "batch *space variables"]:
        """Return the frame on the cells of the lead, where the features are."""
        displacement = self.displacement(z, back_from(motion, lead))
        return carry_last(last, motion, lead, displacement, self.options)

    def displacement(
        self,
        z: Float[Array, "batch *space features"],
        back: Float[Array, "batch *space groups axes"],
    ) -> Float[Array, "batch *space groups axes"]:
        """Return how far content has moved when it is in a cell: measured and learned.

        `models.measurement` captures it.
        """
        correct = PointwiseMLP(
            self.width,
            back.shape[-2] * back.shape[-1],
            self.dtype,
            starts_at_zero=True,
            name="motion",
        )
        return correct(z).reshape(back.shape) - back


def carry_last(
    last: Float[Array, "batch *space variables"],
    motion: Motion,
    lead: Int[Array, " batch"],
    displacement: Float[Array, "batch *space groups axes"],
    options: ModelOptions,
) -> Float[Array, "batch *space variables"]:
    """Carry the last frame to each sample's lead, with one interpolation.

    Values from beyond an open edge are those of the nearest cell.

    Args:
      last: the frame.
      motion: of the history.
      lead: intervals ahead.
      displacement: how far content has moved when it is in a cell. With that of its
        trajectory, `-back_from(motion, lead)`, the result is that of `extrapolate`.
      options: `conserve` carries amounts, whose sum is kept, instead of values.
    """
    order, boundary = ORDERS[options.interpolation], options.boundary
    rule = _rule(boundary)
    if not options.conserve:
        return pull(last, -displacement, boundary=rule, order=order, grouped=True)
    ahead = _at(motion.ahead, lead, 1)[:, 0]
    correction = displacement + back_from(motion, lead)
    groups = *correction.shape[:-2], -1
    correction = pull(correction.reshape(groups), ahead, boundary=rule, grouped=True)
    there = ahead + correction.reshape(ahead.shape)
    return push(last, there, boundary=boundary, order=order, grouped=True)


def extrapolation(
    history: Float[Array, "batch time *space variables"],
    options: ModelOptions,
    zero: Float[Array, "..."] | float = 0.0,
) -> Float[Array, "batch leads *space variables"]:
    """Carry the last frame to every lead: what a network forecasts untrained.

    `zero` is the value of nothing, from which amounts are counted.
    """
    zero = zero if counts_amounts(options) else jnp.zeros_like(zero)
    last = history[:, -1] - zero
    if options.follows_objects:
        found = objects.find(history - zero, options)
        last = found.frames[:, -1]
        ahead = objects.straight_on(found.steps, options.frames_out)
        motion = of_objects(found.steps, ahead, history.shape[2:-1])
    else:
        motion = measure(history, options)

    def at_lead(lead):
        everywhere = jnp.full(history.shape[0], lead)
        displacement = -back_from(motion, everywhere)
        carried = carry_last(last, motion, everywhere, displacement, options)
        return zero + together(carried, history.shape[-1])

    leads = jax.lax.map(at_lead, 1 + jnp.arange(options.frames_out))
    return jnp.moveaxis(leads, 0, 1)
