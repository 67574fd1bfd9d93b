"""The loss of a network in the moving frame: at a lead drawn for each row."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from adr_jax.models.frames import FrameNetwork
from adr_jax.models.objects import Continuation, track_error
from adr_jax.training.losses import Loss

# What a cell that a forecast track is off, the mean over tracks, adds to the loss.
TRACKS = 0.1
# Frames of the history from which it is seen which object a later track is of.
KNOWN = 3


def loss_at_lead(
    network: FrameNetwork, loss: Loss, usual: Float[Array, " variables"]
) -> Callable[[PyTree, Array, Array, Int[Array, " rows"]], tuple[Array, Array]]:
    """Return the loss as a function of params, history, target and lead.

    Errors of a lead count by one over their usual size, as in the mean of their root
    mean squares over leads. `usual` is that size over all leads.

    The target is one frame, at the row's lead; or, where objects are followed, all
    frames to the longest lead, in which their tracks are seen. Forecast tracks then
    count too: from one frame beyond what objects overlap nothing could be learned.
    """

    def compared(ahead, target, lead):
        unit = network.unit(lead[:, None], target.ndim - 3)
        return loss(ahead, target, jnp.sqrt(unit * usual))

    def of_frames(params, history, target, lead):
        ahead = network.apply(params, history, leads=lead[:, None])
        return compared(jnp.asarray(ahead), target, lead)

    def of_frames_and_tracks(params, history, target, lead):
        ahead, captured = network.apply(
            params,
            history,
            leads=lead[:, None],
            capture_intermediates=lambda module, _: isinstance(module, Continuation),
            mutable="intermediates",
        )
        (tracks,) = captured["intermediates"]["tracks"]["__call__"]
        seen = jnp.concatenate([history[:, -KNOWN:], target], axis=1)
        index = jnp.reshape(lead - 1, (-1, *[1] * (target.ndim - 1)))
        target = jnp.take_along_axis(target, index, axis=1)
        errors, count = compared(ahead, target, lead)
        missed = track_error(jnp.asarray(tracks), seen, network.options)
        return errors + TRACKS * count * missed, count

    follows = network.options.follows_objects
    return of_frames_and_tracks if follows else of_frames
