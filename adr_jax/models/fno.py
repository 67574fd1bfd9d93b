"""FNO: layers that act on the lowest Fourier modes of a field."""

import itertools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from adr_jax.models.frames import FrameNetwork
from adr_jax.models.layers import cell_centres


class SpectralConv(nn.Module):
    """A linear map of the channels of each of the lowest `modes` modes of an axis."""

    features: int
    modes: int

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """Map (batch, *space, channels) to (batch, *space, features)."""
        axes, channels = tuple(range(1, z.ndim - 1)), z.shape[-1]
        spectrum = jnp.fft.rfftn(z, axes=axes)
        out = jnp.zeros((*spectrum.shape[:-1], self.features), spectrum.dtype)
        # Waves along all axes but the last come with either sign.
        corners = list(itertools.product((1, -1), repeat=len(axes) - 1))
        scale = 1 / (channels * self.features)
        weights = self.param(
            "weights",
            nn.initializers.uniform(scale),
            (2, len(corners), *(self.modes,) * len(axes), channels, self.features),
            jnp.float32,
        )
        for index, corner in enumerate(corners):
            kept = [min(self.modes, n // 2) for n in z.shape[1:-2]]
            kept.append(min(self.modes, spectrum.shape[-2]))
            lowest = tuple(
                slice(k) if sign > 0 else slice(-k, None)
                for k, sign in zip(kept, (*corner, 1), strict=True)
            )
            real, imaginary = weights[(slice(None), index, *(slice(k) for k in kept))]
            modes = (slice(None), *lowest)
            product = jnp.einsum(
                "b...i,...io->b...o", spectrum[modes], jax.lax.complex(real, imaginary)
            )
            out = out.at[modes].set(product)
        return jnp.fft.irfftn(out, z.shape[1:-1], axes=axes)


class FNO(FrameNetwork):
    """The Fourier neural operator of Li et al. (2021), by default of PDEBench's size.

    It sees coordinates and works on a grid a little larger than the field, filled with
    zeros, where the boundary is not periodic, as PDEBench has it. `FrameNetwork`
    describes its input and output.
    """

    width: int = 20
    modes: int = 12
    layers: int = 4
    padding: int = 2

    def features(
        self, seen: Float[Array, "batch *space seen"]
    ) -> Float[Array, "batch *space 128"]:
        """Lift, apply spectral layers, and widen."""
        if not self.options.coordinates:
            seen = jnp.concatenate([seen, cell_centres(seen)], axis=-1)
        space = seen.shape[1:-1]
        z = nn.Dense(self.width, dtype=self.dtype, name="lift")(seen)
        if self.options.boundary != "periodic":
            z = jnp.pad(z, [(0, 0), *[(0, self.padding)] * len(space), (0, 0)])
        for layer in range(self.layers):
            spectral = SpectralConv(self.width, self.modes)(z)
            z = spectral + nn.Dense(self.width, dtype=self.dtype)(z)
            if layer < self.layers - 1:
                z = nn.gelu(z)
        z = z[(slice(None), *(slice(n) for n in space))]
        widen = nn.Dense(128, dtype=self.dtype, name="widen")
        return nn.gelu(widen(z)).astype(seen.dtype)
