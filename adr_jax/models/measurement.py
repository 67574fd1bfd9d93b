"""Measure what networks do to a history: what they move, and the size of terms."""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from adr_jax.models.adrnet import ADRNet
from adr_jax.models.blocks import TERMS, ADRBlock
from adr_jax.models.exceedance import Exceedance, probabilities
from adr_jax.models.frames import FrameNetwork
from adr_jax.models.layers import PointwiseMLP
from adr_jax.models.moving_frame import Carry

STEPS = ("advect", "diffuse", "react")
# Content below which a cell counts as empty, at unit scale.
NOTHING = 1e-2


def displacement(
    network: FrameNetwork,
    params: PyTree,
    history: Float[Array, "batch time *space channels"],
) -> Float[Array, "batch *space axes"]:
    """Return how far a network with head "advection" moves the last frame, in cells.

    It is the mean over the variables, where each has a motion of its own, or over the
    objects by their content: where none is, nothing moves.
    """

    def is_carry(module, method):
        return isinstance(module, Carry) and method in ("displacement", "__call__")

    captured = _capture(network, params, history, is_carry)["carry"]
    (moved,), (carried,) = captured["displacement"], captured["__call__"]
    if not network.options.follows_objects:
        return moved.mean(axis=-2)
    content = jnp.abs(carried).reshape(*moved.shape[:-1], -1).sum(axis=-1)
    weight = content / (content.sum(axis=-1, keepdims=True) + NOTHING)
    return jnp.sum(weight[..., None] * moved, axis=-2)


def with_exceedance(
    network: FrameNetwork,
    params: PyTree,
    history: Float[Array, "batch time *space channels"],
    steps: int,
) -> tuple[
    Float[Array, "batch steps *space channels"],
    Float[Array, "batch steps *space thresholds"],
]:
    """Return the next frames, and how likely each threshold is reached in them.

    `steps` is at most `model.frames_out`.
    """
    ahead, variables = network.apply(
        params,
        history,
        steps,
        capture_intermediates=lambda module, _: isinstance(module, Exceedance),
        mutable=["intermediates"],
    )
    (bins,) = variables["intermediates"]["exceedance"]["__call__"]
    likely = probabilities(jnp.asarray(bins))
    return jnp.asarray(ahead), jnp.moveaxis(likely, 0, 1)


def block_displacements(
    network: ADRNet, params: PyTree, history: Float[Array, "batch time *space channels"]
) -> Float[Array, "blocks batch *space fields axes"]:
    """Return the displacement of each block, in cells."""

    def is_displacement(module, method):
        return isinstance(module, ADRBlock) and method == "displacement"

    captured = _capture(network, params, history, is_displacement)
    return captured["blocks"]["displacement"][0]


def changes(
    network: ADRNet, params: PyTree, history: Float[Array, "batch time *space channels"]
) -> Float[Array, "blocks batch terms"]:
    """Return the size of what each term adds to the state of each block.

    It is the root mean square over space and channels; the terms are in the order of
    `TERMS`.
    """

    def is_state(module, method):
        if isinstance(module, ADRBlock):
            return method in STEPS
        return isinstance(module, PointwiseMLP) and module.name == "embed"

    captured = _capture(network, params, history, is_state)
    (embedded,) = captured["embed"]["__call__"]
    after = [captured["blocks"][step][0] for step in STEPS]
    # A block starts from the last state of the one before it.
    first = jnp.concatenate([embedded[None], after[-1][:-1]])
    before = [first, *after[:-1]]
    sizes = [_size(b - a) for a, b in zip(before, after, strict=True)]
    assert len(sizes) == len(TERMS)
    return jnp.stack(sizes, axis=-1)


def _capture(
    network: FrameNetwork, params: PyTree, history: Array, chosen: Callable
) -> Mapping:
    """Return what the chosen methods gave in a forecast of the next frame."""
    first = jnp.ones((len(history), 1), jnp.int32)
    _, variables = network.apply(
        params,
        history,
        leads=first,
        capture_intermediates=chosen,
        mutable=["intermediates"],
    )
    return variables["intermediates"]


def _size(change: Array) -> Array:
    square = jnp.square(change.astype(jnp.float32))
    return jnp.sqrt(jnp.mean(square, axis=tuple(range(2, change.ndim))))
