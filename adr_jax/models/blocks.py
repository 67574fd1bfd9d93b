"""The advection-diffusion-reaction block and its parts.

A state is z (batch, *space, channels). One block of time step h does

    u = h * velocity(z)        a displacement in cells
    z <- push(z, u)            advection: the whole state moves
    z <- z + h k Laplacian(z)  diffusion: each channel at its own learned rate k
    z <- z + h * f(z)          reaction: each cell on its own

Nothing in the parameters fixes the resolution.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from adr_jax.operators.advection import pull, push
from adr_jax.operators.diffusion import diffuse

TRANSPORTS = ("push", "pull", "none")
DIFFUSIONS = ("explicit", "none")

# How a convolution sees beyond the edge, for each boundary rule of the operators.
PADDING = {
    "clamp": "edge",
    "open": "edge",
    "reflect": "symmetric",
    "periodic": "wrap",
}


class Norm(nn.Module):
    """Divides by the root mean square over space and channels, one gain per channel.

    Never cell by cell: where a field is flat a cell's channels are nearly equal, and
    dividing by their spread multiplies noise by hundreds at every step of a rollout.
    """

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space channels"]:
        """Same shape, root mean square 1 in each sample before the gain."""
        gain = self.param("gain", nn.initializers.ones, (z.shape[-1],))
        axes = tuple(range(1, z.ndim))
        mean_square = jnp.mean(jnp.square(z), axes, keepdims=True)
        return z * jax.lax.rsqrt(mean_square + 1e-6) * gain


class Conv(nn.Module):
    """A 3 x 3 convolution which keeps the shape and pads by the boundary rule."""

    features: int
    boundary: str
    scale: float = 1.0  # of the initial weights

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """(batch, *space, channels) to (batch, *space, features)."""
        axes = z.ndim - 2
        padded = jnp.pad(
            z, [(0, 0), *[(1, 1)] * axes, (0, 0)], mode=PADDING[self.boundary]
        )
        y = nn.Conv(
            self.features,
            kernel_size=(3,) * axes,
            # "VALID" would be the same after the cut below, but XLA compiles that to
            # a loop four times slower on CPUs, and half as slow with its gradients.
            padding="SAME",
            kernel_init=nn.initializers.variance_scaling(
                self.scale**2, "fan_in", "truncated_normal"
            ),
        )(padded)
        return y[(slice(None), *[slice(1, -1)] * axes)]


class PointwiseMLP(nn.Module):
    """A dense layer plus a network of two, acting on each cell alone.

    The plain layer gives the data's linear part a straight way through, which is what a
    small perturbation of the input sees.
    """

    hidden: int
    features: int

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """(batch, *space, channels) to (batch, *space, features)."""
        bent = nn.Dense(self.features)(nn.silu(nn.Dense(self.hidden)(z)))
        return bent + nn.Dense(self.features, use_bias=False)(z)


class Velocity(nn.Module):
    """A small residual network: state to velocity, in cells per unit of time.

    It starts near zero, so that an untrained block moves next to nothing.
    """

    fields: int
    boundary: str

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space fields axes"]:
        """(batch, *space, channels) to (batch, *space, fields, axes)."""
        axes = z.ndim - 2
        y = Norm()(z)
        y = y + Conv(z.shape[-1], self.boundary)(
            nn.silu(Conv(z.shape[-1], self.boundary)(y))
        )
        y = Conv(self.fields * axes, self.boundary, scale=1e-2)(nn.silu(y))
        return y.reshape(*y.shape[:-1], self.fields, axes)


class ADRBlock(nn.Module):
    """One operator-split step: advection, diffusion, reaction, in this order.

    `transport`: "push" moves content and keeps its sum; "pull" samples upstream and
    keeps its values, with arrows that mean the same; "none" adds the fields that would
    have moved the state instead, the ablation with the very same parameters.
    `diffusion`: "explicit", at a learned rate within the stable range, or "none".
    The displacement, (batch, *space, fields, axes) in cells, is sown as
    `intermediates/displacement`.
    """

    time_step: float
    fields: int
    transport: str = "push"
    boundary: str = "clamp"
    diffusion: str = "explicit"

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space channels"]:
        """The state one time step later."""
        velocity = Velocity(self.fields, self.boundary, name="velocity")
        u = self.time_step * velocity(z)
        if self.transport == "push":
            z = push(z, u, boundary=self.boundary)
        elif self.transport == "pull":
            z = pull(z, -u, boundary=self.boundary)
        else:
            source = jnp.sum(u, axis=-1)
            z = z + jnp.repeat(source, z.shape[-1] // self.fields, axis=-1)
        if self.transport != "none":
            self.sow("intermediates", "displacement", u)
        if self.diffusion == "explicit":
            # Time step times diffusivity, kept between 0 and the limit of stability.
            logit = self.param("diffusion", nn.initializers.constant(-2), z.shape[-1:])
            amount = nn.sigmoid(logit) / (2 * (z.ndim - 2))
            z = diffuse(z, amount, boundary=self.boundary)
        reaction = PointwiseMLP(2 * z.shape[-1], z.shape[-1], name="reaction")
        return z + self.time_step * reaction(Norm()(z))
