"""The advection-diffusion-reaction block and its parts.

A state is z (batch, *space, channels). One block of time step h does

    u = h * velocity(z)        a displacement in cells
    z <- push(z, u)            advection: the whole state moves
    z <- z + h k Laplacian(z)  diffusion: each channel at its own learned rate k
    z <- z + h * f(z)          reaction: each cell on its own

in this order (Lie splitting).
"""

import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from adr_jax.models.layers import (
    PADDING,
    Conv,
    ConvPair,
    Norm,
    PointwiseMLP,
    crop_to,
    double,
    halve,
    pad_to_halve,
)
from adr_jax.operators.advection import pull, push
from adr_jax.operators.diffusion import diffuse
from adr_jax.options import BlockOptions

TERMS = ("advection", "diffusion", "reaction")


class Velocity(nn.Module):
    """A small residual network: state to velocity, in cells per unit of time.

    It starts near zero, so that an untrained block moves next to nothing. `context`
    is how many coarser levels it looks at, each with cells twice as long.
    """

    fields: int
    boundary: str
    context: int = 0
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space fields axes"]:
        """Return the velocity of each field, its components along the axes of space."""
        axes = z.ndim - 2
        y = self._refine(Norm()(z))
        if self.context:
            space, mode = z.shape[1:-1], PADDING[self.boundary]
            coarse = self._look_further(
                pad_to_halve(y, self.context, mode), self.context
            )
            y = y + crop_to(coarse, space)
        y = Conv(self.fields * axes, self.boundary, scale=1e-2, dtype=self.dtype)(
            nn.silu(y)
        )
        return y.reshape(*y.shape[:-1], self.fields, axes)

    def _look_further(self, y, levels):
        """Return what the levels below see of `y`, brought up to its resolution."""
        y = self._refine(halve(y))
        if levels > 1:
            y = y + self._look_further(y, levels - 1)
        return double(y)

    def _refine(self, y):
        """Add a pair of convolutions."""
        first, second = (
            Conv(y.shape[-1], self.boundary, dtype=self.dtype) for _ in range(2)
        )
        return y + second(nn.silu(first(y)))


class ADRBlock(nn.Module):
    """One operator-split step of advection, diffusion and reaction.

    Its methods `displacement`, `advect`, `diffuse` and `react` can be captured by
    `apply(..., capture_intermediates=filter)`; see `models.measurement`.
    """

    options: BlockOptions = BlockOptions()
    time_step: float = 1.0
    boundary: str = "clamp"
    # Of products; None: that of the state.
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space channels"]:
        """Return the state one time step later."""
        u = self.displacement(z)
        z = self.advect(z, u)
        z = self.diffuse(z)
        return self.react(z)

    def displacement(self, z):
        """Return how far content moves, (batch, *space, fields, axes), in cells."""
        options = self.options
        fields = options.displacement_fields or z.shape[-1]
        velocity = Velocity(
            fields, self.boundary, options.context, self.dtype, name="velocity"
        )
        u = self.time_step * velocity(z)
        if options.reach:
            u = options.reach * jnp.tanh(u / options.reach)
        return u

    def advect(self, z, u):
        """Move the state by `u`; without transport, add the fields instead."""
        if self.options.transport == "push":
            return push(z, u, boundary=self.boundary, grouped=True)
        if self.options.transport == "pull":
            return pull(z, -u, boundary=self.boundary, grouped=True)
        fields = u.shape[-2]
        return z + jnp.repeat(jnp.sum(u, axis=-1), z.shape[-1] // fields, axis=-1)

    def diffuse(self, z):
        """Spread each channel at its own learned rate."""
        method = self.options.diffusion
        if method == "none":
            return z
        initial = nn.initializers.constant(-2)
        rate = self.param("diffusion", initial, z.shape[-1:], jnp.float32)
        amount = self.time_step * nn.softplus(rate)
        if method == "explicit":  # smoothly kept below what is stable
            limit = 1 / (2 * (z.ndim - 2))
            amount = -limit * jnp.expm1(-amount / limit)
        return diffuse(z, amount, method=method, boundary=self.boundary)

    def react(self, z):
        """Add what each cell makes of its own channels, or of its neighbours' too."""
        channels = z.shape[-1]
        if self.options.reaction == "conv":
            source = ConvPair(channels, self.boundary, self.dtype, name="reaction")
        else:
            source = PointwiseMLP(2 * channels, channels, self.dtype, name="reaction")
        return z + self.time_step * source(Norm()(z))
