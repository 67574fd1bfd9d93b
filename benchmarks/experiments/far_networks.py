"""Blocks whose heads each move a few channels, on several scales as in a UNet.

This is what Flower and PARADIS changed of learned transport (arXiv 2603.04430,
2601.21151): values are projected before they are moved and after it, heads start spread
over some cells rather than near zero, and a gate lets in what they bring.
"""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from adr_jax.models.blocks import Velocity
from adr_jax.models.layers import Norm, PointwiseMLP, as_channels, double, halve
from adr_jax.operators.advection import push

CHANNELS, HEADS, LEVELS = 16, 8, 4
# Cells that heads start from, in turn; and the size of a depthwise window.
RINGS, WINDOW = (0.5, 1.0, 2.0, 4.0), 7
BOUNDARY = "open"


def spread(key: Array, shape: tuple[int, int]) -> Float[Array, "heads axes"]:
    """Return displacements in random directions, on rings of RINGS cells."""
    direction = jax.random.normal(key, shape)
    direction = direction / jnp.linalg.norm(direction, axis=-1, keepdims=True)
    return jnp.resize(jnp.asarray(RINGS), (shape[0], 1)) * direction


class HeadsBlock(nn.Module):
    """Bring content from elsewhere, as far as a gate is open, and react.

    "still" is the same block whose flow is zero; "depthwise" has a convolution of each
    channel in the place of transport.
    """

    transport: Literal["push", "still", "depthwise"] = "push"
    starts_spread: bool = True

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch rows columns channels"]
    ) -> Float[Array, "batch rows columns channels"]:
        """Return the state after the block."""
        channels = z.shape[-1]
        moved = self._move(nn.Dense(channels, name="value")(z), z)
        gate = nn.sigmoid(nn.Dense(channels, name="gate")(z) - 1)
        z = z + gate * (nn.Dense(channels, name="back")(moved) - z)
        react = PointwiseMLP(2 * channels, channels, name="reaction")
        return z + react(Norm()(z))

    def _move(self, value, z):
        if self.transport == "depthwise":
            channels, beyond = value.shape[-1], WINDOW // 2
            edges = [(0, 0), (beyond, beyond), (beyond, beyond), (0, 0)]
            window = nn.Conv(
                channels,
                (WINDOW, WINDOW),
                padding="VALID",
                feature_group_count=channels,
                name="window",
            )
            return window(jnp.pad(value, edges, mode="edge"))
        u = Velocity(HEADS, BOUNDARY, context=1, name="velocity")(z)
        if self.starts_spread:
            u = u + self.param("spread", spread, u.shape[-2:])
        if self.transport == "still":
            u = jnp.zeros_like(u)
        return push(value, u, boundary=BOUNDARY, grouped=True)


class Pyramid(nn.Module):
    """Blocks in the order of a UNet, each level with cells twice as long."""

    block: Callable[[], nn.Module] = HeadsBlock

    @nn.compact
    def __call__(
        self, history: Float[Array, "batch time rows columns variables"]
    ) -> Float[Array, "batch 1 rows columns variables"]:
        """Forecast the next frame."""
        z = PointwiseMLP(CHANNELS, CHANNELS)(as_channels(history))
        finer = []
        for _ in range(LEVELS - 1):
            finer.append(self.block()(z))
            z = halve(finer[-1])
        z = self.block()(z)
        for above in reversed(finer):
            merged = jnp.concatenate([double(z), above], axis=-1)
            z = self.block()(PointwiseMLP(CHANNELS, CHANNELS)(merged))
        return PointwiseMLP(CHANNELS, history.shape[-1])(z)[:, None]
