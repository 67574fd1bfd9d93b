"""The loss of a network in the moving frame: at a lead drawn for each row."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from adr_jax.models.exceedance import Exceedance, surprise
from adr_jax.models.frames import FrameNetwork
from adr_jax.models.objects import Continuation, track_error
from adr_jax.training.losses import Loss

# What a cell that a forecast track is off, the mean over tracks, adds to the loss.
TRACKS = 0.1
# Modules that forecast something beside frames, of which the loss takes account.
BESIDE = (Continuation, Exceedance)
# Frames of the history from which it is seen which object a later track is of.
KNOWN = 3


def loss_at_lead(
    network: FrameNetwork, loss: Loss, usual: Float[Array, " variables"]
) -> Callable[[PyTree, Array, Array, Int[Array, " rows"]], tuple[Array, Array]]:
    """Return the loss as a function of params, history, target and lead.

    Errors of a lead count by one over their usual size, as in the mean of their root
    mean squares over leads. `usual` is that size over all leads. Where the network
    forecasts how likely thresholds are reached, the surprise at what came is added, in
    nats a cell.

    The target is one frame, at the row's lead; or, where objects are followed, all
    frames to the longest lead, in which their tracks are seen. Forecast tracks then
    count too: from one frame beyond what objects overlap nothing could be learned.
    """

    def loss_of(params, history, target, lead):
        ahead, captured = network.apply(
            params,
            history,
            leads=lead[:, None],
            capture_intermediates=lambda module, _: isinstance(module, BESIDE),
            mutable="intermediates",
        )
        modules = captured.get("intermediates") or {}
        beside = {
            name: jnp.asarray(value["__call__"][0]) for name, value in modules.items()
        }
        seen = jnp.concatenate([history[:, -KNOWN:], target], axis=1)
        if "tracks" in beside:
            index = jnp.reshape(lead - 1, (-1, *[1] * (target.ndim - 1)))
            target = jnp.take_along_axis(target, index, axis=1)
        unit = network.unit(lead[:, None], target.ndim - 3)
        errors, count = loss(jnp.asarray(ahead), target, jnp.sqrt(unit * usual))
        if "tracks" in beside:
            missed = track_error(beside["tracks"], seen, network.options)
            errors = errors + TRACKS * count * missed
        if "exceedance" in beside:
            first = target[:, 0, ..., 0]
            errors += surprise(beside["exceedance"], first, network.thresholds)
        return errors, count

    return loss_of
