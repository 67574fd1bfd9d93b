"""UNet: features at half the resolution again and again, and back up."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from adr_jax.models.blocks import PADDING, Conv, Norm
from adr_jax.models.frames import FrameNetwork


class ConvNormPair(nn.Module):
    """Twice a convolution, a norm and a bend."""

    features: int
    boundary: str

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """(batch, *space, channels) to (batch, *space, features)."""
        for _ in range(2):
            z = nn.silu(Norm()(Conv(self.features, self.boundary)(z)))
        return z


class UNet(FrameNetwork):
    """The UNet of Ronneberger et al. (2015), with means for going down.

    `channels` at full resolution, twice as many at every level below. A grid that
    cannot be halved `levels` times is padded by the boundary rule, and cut after.
    `FrameNetwork` says what goes in and out.
    """

    levels: int = 3

    def features(
        self, seen: Float[Array, "batch *space seen"]
    ) -> Float[Array, "batch *space channels"]:
        """Down, and up again beside what was left on the way down."""
        space = seen.shape[1:-1]
        z = self._padded(seen)
        left = []
        for level in range(self.levels):
            z = ConvNormPair(self.channels * 2**level, self.boundary)(z)
            left.append(z)
            z = halve(z)
        z = ConvNormPair(self.channels * 2**self.levels, self.boundary)(z)
        for level in reversed(range(self.levels)):
            z = jnp.concatenate([double(z), left[level]], axis=-1)
            z = ConvNormPair(self.channels * 2**level, self.boundary)(z)
        return z[(slice(None), *(slice(n) for n in space))]

    def _padded(self, z):
        step = 2**self.levels
        missing = [(0, -n % step) for n in z.shape[1:-1]]
        return jnp.pad(z, [(0, 0), *missing, (0, 0)], mode=PADDING[self.boundary])


def halve(z: Array) -> Array:
    """Means of 2 cells along each axis of space, (batch, *space, channels)."""
    pairs = [length for n in z.shape[1:-1] for length in (n // 2, 2)]
    z = z.reshape(len(z), *pairs, z.shape[-1])
    return z.mean(axis=tuple(range(2, z.ndim - 1, 2)))


def double(z: Array) -> Array:
    """Every cell twice along each axis of space: what `halve` undoes."""
    for axis in range(1, z.ndim - 1):
        z = jnp.repeat(z, 2, axis=axis)
    return z
