"""The advection-diffusion-reaction block and its parts.

A state is z (batch, *space, channels). One block of time step h does

    u = h * velocity(z)        a displacement in cells
    z <- push(z, u)            advection: the whole state moves
    z <- z + h k Laplacian(z)  diffusion: each channel at its own learned rate k
    z <- z + h * f(z)          reaction: each cell on its own

or the same three split in another way.

Nothing in the parameters fixes the resolution.
"""

import itertools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from adr_jax.operators.advection import pull, push
from adr_jax.operators.diffusion import METHODS, diffuse
from adr_jax.operators.splitting import lie, strang

TRANSPORTS = ("push", "pull", "none")
DIFFUSIONS = (*METHODS, "none")
REACTIONS = ("pointwise", "conv")
BALANCES = ("fixed", "learned", "predicted")
# Lie in the order of the name, or in another by the initials of its parts; or Strang.
ORDERS = tuple("".join(order) for order in itertools.permutations("adr"))
SPLITTINGS = ("lie", *ORDERS, "strang")

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


class ConvPair(nn.Module):
    """Two convolutions, the first to twice the features: a cell with its neighbours."""

    features: int
    boundary: str

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """(batch, *space, channels) to (batch, *space, features)."""
        y = nn.silu(Conv(2 * self.features, self.boundary)(z))
        return Conv(self.features, self.boundary)(y)


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


class Balance(nn.Module):
    """Factors of the three terms' step sizes, between 0 and 2, 1 at the start.

    "learned": a number for each displacement field and, for diffusion and reaction,
    each channel. "predicted": the same from the state's mean and size over space, for
    each sample.
    """

    mode: str
    fields: int

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> tuple[Array, Array, Array]:
        """Advection (batch or 1, *1, fields, 1), diffusion and reaction likewise."""
        channels, axes = z.shape[-1], z.ndim - 2
        sizes = (self.fields, channels, channels)
        if self.mode == "learned":
            logits = self.param("logits", nn.initializers.zeros, (1, sum(sizes)))
        else:
            over = tuple(range(1, z.ndim - 1))
            size = jnp.sqrt(jnp.mean(jnp.square(z), over) + 1e-6)
            summary = jnp.concatenate([jnp.mean(z, over) / size, jnp.log(size)], -1)
            logits = nn.Dense(sum(sizes), kernel_init=nn.initializers.zeros)(summary)
        factors = 2 * nn.sigmoid(logits)
        factors = factors.reshape(-1, *(1,) * axes, sum(sizes))
        advection, diffusion, reaction = jnp.split(
            factors, (sizes[0], sizes[0] + channels), axis=-1
        )
        return advection[..., None], diffusion, reaction


class ADRBlock(nn.Module):
    """One operator-split step of advection, diffusion and reaction.

    `transport`: "push" moves content and keeps its sum; "pull" samples upstream and
    keeps its values, with arrows that mean the same; "none" adds the fields that would
    have moved the state instead, the ablation with the very same parameters.
    `diffusion`: "explicit", at a learned rate within the stable range, "implicit" or
    "exact" at any learned rate, or "none".
    `reaction`: "pointwise", each cell on its own, or "conv", 3 x 3 cells. With "conv"
    and no diffusion, diffusion and reaction are one pair of convolutions, as in the
    authors' code.
    `splitting`: "lie", advection, diffusion, reaction; any other order of their
    initials, as "rda"; or "strang". The displacement is that of the state at the start.
    With these Euler parts Strang is symmetric, not of second order.
    `balance`: of the terms' step sizes, "fixed", or see `Balance`.
    `reach`: the largest displacement along an axis, in cells; 0 sets no bound.
    The displacement, (batch, *space, fields, axes) in cells, is sown as
    `intermediates/displacement`.
    """

    time_step: float
    fields: int
    transport: str = "push"
    boundary: str = "clamp"
    diffusion: str = "explicit"
    reaction: str = "pointwise"
    splitting: str = "lie"
    balance: str = "fixed"
    reach: float = 0.0

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space channels"]:
        """The state one time step later."""
        factors = 1.0, 1.0, 1.0
        if self.balance != "fixed":
            factors = Balance(self.balance, self.fields, name="balance")(z)
        velocity = Velocity(self.fields, self.boundary, name="velocity")
        u = self.time_step * factors[0] * velocity(z)
        if self.reach:
            u = self.reach * jnp.tanh(u / self.reach)
        if self.transport != "none":
            self.sow("intermediates", "displacement", u)
        amount = factors[1] * self._diffusivity(z)
        norm, source = Norm(), self._reaction(z)

        # Each for a share of the block's time step.
        def advection(z, share):
            return self._transport(z, share * u)

        def diffusion(z, share):
            if self.diffusion == "none":
                return z
            part = share * amount
            if self.diffusion == "explicit":  # stable whatever the balance
                part = jnp.minimum(part, 1 / (2 * (z.ndim - 2)))
            return diffuse(z, part, method=self.diffusion, boundary=self.boundary)

        def reaction(z, share):
            return z + share * self.time_step * factors[2] * source(norm(z))

        if self.splitting == "strang":
            return strang(advection, diffusion, reaction)(z, 1.0)
        steps = {"a": advection, "d": diffusion, "r": reaction}
        order = "adr" if self.splitting == "lie" else self.splitting
        return lie(*(steps[initial] for initial in order))(z, 1.0)

    def _transport(self, z, u):
        if self.transport == "push":
            return push(z, u, boundary=self.boundary)
        if self.transport == "pull":
            return pull(z, -u, boundary=self.boundary)
        source = jnp.sum(u, axis=-1)
        return z + jnp.repeat(source, z.shape[-1] // self.fields, axis=-1)

    def _reaction(self, z):
        channels = z.shape[-1]
        if self.reaction == "conv":
            return ConvPair(channels, self.boundary, name="reaction")
        return PointwiseMLP(2 * channels, channels, name="reaction")

    def _diffusivity(self, z):
        """Time step times diffusivity of each channel, learned."""
        if self.diffusion == "none":
            return 0.0
        logit = self.param("diffusion", nn.initializers.constant(-2), z.shape[-1:])
        if self.diffusion == "explicit":
            return nn.sigmoid(logit) / (2 * (z.ndim - 2))  # the limit of stability
        return nn.softplus(logit)
