"""The advection-diffusion-reaction block and its parts.

A state is z (batch, *space, channels). One block of time step h does

    u = h * velocity(z)        a displacement in cells
    z <- push(z, u)            advection: the whole state moves
    z <- z + h k Laplacian(z)  diffusion: each channel at its own learned rate k
    z <- z + h * f(z)          reaction: each cell on its own

or the same three split in another way.
"""

import itertools

import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from adr_jax.models.layers import PADDING, Conv, ConvPair, Norm, PointwiseMLP
from adr_jax.models.resolution import cut_to, double, fill_up, halve
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
        """(batch, *space, channels) to (batch, *space, fields, axes)."""
        axes = z.ndim - 2
        y = self._refined(Norm()(z))
        if self.context:
            space, mode = z.shape[1:-1], PADDING[self.boundary]
            coarse = self._coarser(fill_up(y, self.context, mode), self.context)
            y = y + cut_to(coarse, space)
        y = Conv(self.fields * axes, self.boundary, scale=1e-2, dtype=self.dtype)(
            nn.silu(y)
        )
        return y.reshape(*y.shape[:-1], self.fields, axes)

    def _coarser(self, y, levels):
        """What the levels below see of `y`, brought up to its resolution."""
        y = self._refined(halve(y))
        if levels > 1:
            y = y + self._coarser(y, levels - 1)
        return double(y)

    def _refined(self, y):
        """A residual pair of convolutions."""
        first, second = (
            Conv(y.shape[-1], self.boundary, dtype=self.dtype) for _ in range(2)
        )
        return y + second(nn.silu(first(y)))


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
    `diffusion`: at a learned rate for each channel, "explicit", kept within the stable
    range, "implicit" or "exact"; or "none".
    `reaction`: "pointwise", each cell on its own, or "conv", 3 x 3 cells. With "conv"
    and no diffusion, diffusion and reaction are one pair of convolutions, as in the
    authors' code.
    `splitting`: "lie", advection, diffusion, reaction; any other order of their
    initials, as "rda"; or "strang". The displacement is that of the state at the start.
    With these Euler parts Strang is symmetric, not of second order.
    `balance`: of the terms' step sizes, "fixed", or see `Balance`.
    `reach`: the largest displacement along an axis, in cells; 0 sets no bound.
    `context`: coarser levels that the velocity network looks at.
    `learned_step`: whether the time step is learned, from `time_step` on.
    A block that transports sows its `displacement` as intermediates, (batch, *space,
    fields, axes) in cells, and `changes`: the root mean square over space and channels
    of what each term adds to the state, (batch, 3), in the order of `TERMS`.
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
    context: int = 0
    learned_step: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space channels"]:
        """The state one time step later."""
        h = self.time_step
        if self.learned_step:
            h = h * jnp.exp(self.param("log_step", nn.initializers.zeros, ()))
        factors = 1.0, 1.0, 1.0
        if self.balance != "fixed":
            factors = Balance(self.balance, self.fields, name="balance")(z)
        velocity = Velocity(
            self.fields, self.boundary, self.context, self.dtype, name="velocity"
        )
        u = h * factors[0] * velocity(z)
        if self.reach:
            u = self.reach * jnp.tanh(u / self.reach)
        looked_into = self.transport != "none" and self.is_mutable_collection(
            "intermediates"
        )
        if looked_into:
            self.sow("intermediates", "displacement", u)
        amount = h * factors[1] * self._diffusivity(z)
        norm, source = Norm(), self._reaction(z)

        # Each for a share of the block's time step.
        def advection(z, share):
            return self._transport(z, share * u)

        def diffusion(z, share):
            if self.diffusion == "none":
                return z
            part = share * amount
            if self.diffusion == "explicit":  # smoothly kept below what is stable
                limit = 1 / (2 * (z.ndim - 2))
                part = -limit * jnp.expm1(-part / limit)
            return diffuse(z, part, method=self.diffusion, boundary=self.boundary)

        def reaction(z, share):
            return z + share * h * factors[2] * source(norm(z))

        terms = advection, diffusion, reaction
        if looked_into:
            terms = [self._measured(*term) for term in enumerate(terms)]
        if self.splitting == "strang":
            return strang(*terms)(z, 1.0)
        steps = dict(zip("adr", terms, strict=True))
        order = "adr" if self.splitting == "lie" else self.splitting
        return lie(*(steps[initial] for initial in order))(z, 1.0)

    def _measured(self, number, term):
        """The same term, which adds the size of each change it makes to `changes`."""

        def step(z, share):
            after = term(z, share)
            change = jnp.square((after - z).astype(jnp.float32))
            size = jnp.sqrt(jnp.mean(change, axis=tuple(range(1, z.ndim))))
            sizes = size[:, None] * jnp.eye(len(TERMS))[number]
            zeros = jnp.zeros((z.shape[0], len(TERMS)))
            self.sow("intermediates", "changes", sizes, jnp.add, lambda: zeros)
            return after

        return step

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
            return ConvPair(channels, self.boundary, self.dtype, name="reaction")
        return PointwiseMLP(2 * channels, channels, self.dtype, name="reaction")

    def _diffusivity(self, z):
        """Diffusivity of each channel, in cells squared per unit of time, learned."""
        if self.diffusion == "none":
            return 0.0
        return nn.softplus(
            self.param("diffusion", nn.initializers.constant(-2), z.shape[-1:])
        )
