"""The layers of a UNet, which is a network by itself and the denoiser of others."""

import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from adr_jax.models.layers import (
    PADDING,
    Conv,
    Norm,
    crop_to,
    double,
    halve,
    pad_to_halve,
)


class ConvNormPair(nn.Module):
    """A convolution, a norm and an activation, twice."""

    features: int
    boundary: str
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """Map (batch, *space, channels) to (batch, *space, features)."""
        for _ in range(2):
            z = Conv(self.features, self.boundary, dtype=self.dtype)(z)
            z = nn.silu(Norm()(z))
        return z


class Hourglass(nn.Module):
    """Down `levels` halvings of the resolution, and up again with skip connections.

    `channels` at full resolution, twice as many at every level below. A grid that
    cannot be halved `levels` times is padded by the boundary rule, and cropped after.
    """

    channels: int
    levels: int
    boundary: str
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space any"]
    ) -> Float[Array, "batch *space channels"]:
        """Map (batch, *space, any) to (batch, *space, channels)."""
        space = z.shape[1:-1]
        z = pad_to_halve(z, self.levels, PADDING[self.boundary])
        skipped = []
        for level in range(self.levels):
            z = self._pair(z, level)
            skipped.append(z)
            z = halve(z)
        z = self._pair(z, self.levels)
        for level in reversed(range(self.levels)):
            z = self._pair(jnp.concatenate([double(z), skipped[level]], axis=-1), level)
        return crop_to(z, space)

    def _pair(self, z, level):
        return ConvNormPair(self.channels * 2**level, self.boundary, self.dtype)(z)
