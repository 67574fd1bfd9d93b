"""The layers that the networks are made of.

`dtype` is the type of their products, None for that of the input. Parameters are
float32 in any case, and the output has the dtype of the input. Nothing in the
parameters fixes the resolution.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from adr_jax.operators.platform import platform
from adr_jax.operators.stencil import BORDER

# What convolutions see beyond the edge, by boundary rule: what the operators see, but
# where these see nothing, what lies at the edge.
PADDING = BORDER | {"open": "edge"}
# Types of products by name; None: that of the input.
DTYPES = {"float32": None, "bfloat16": jnp.bfloat16}


class Norm(nn.Module):
    """Division by the root mean square over space and channels, one gain per channel.

    Never cell by cell: where a field is flat a cell's channels are nearly equal, and
    dividing by their spread multiplies noise by hundreds at every step of a rollout.
    """

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space channels"]:
        """Scale each sample to root mean square 1, then each channel by its gain."""
        gain = self.param("gain", nn.initializers.ones, z.shape[-1:], jnp.float32)
        axes = tuple(range(1, z.ndim))
        mean_square = jnp.mean(jnp.square(z), axes, keepdims=True)
        return z * jax.lax.rsqrt(mean_square + 1e-6) * gain


class Conv(nn.Module):
    """A 3 x 3 convolution which keeps the shape and pads by the boundary rule."""

    features: int
    boundary: str
    scale: float = 1.0  # of the initial weights
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """Map (batch, *space, channels) to (batch, *space, features)."""
        axes = z.ndim - 2
        padded = jnp.pad(
            z, [(0, 0), *[(1, 1)] * axes, (0, 0)], mode=PADDING[self.boundary]
        )
        is_deep_on_cpu = axes == 3 and platform() == "cpu"
        y = nn.Conv(
            self.features,
            kernel_size=(3,) * axes,
            # "VALID" would be the same after the cut below, but XLA compiles that to
            # a loop four times slower on CPUs, and half as slow with its gradients.
            padding="SAME",
            conv_general_dilated=_in_planes if is_deep_on_cpu else None,
            kernel_init=nn.initializers.variance_scaling(
                self.scale**2, "fan_in", "truncated_normal"
            ),
            dtype=self.dtype,
        )(padded)
        return y[(slice(None), *[slice(1, -1)] * axes)].astype(z.dtype)


def _in_planes(
    z: Float[Array, "batch depth rows columns channels"],
    kernel: Float[Array, "3 3 3 channels features"],
    *_,
    **__,
) -> Float[Array, "batch depth rows columns features"]:
    """Convolve in three dimensions, "SAME", as the sum of three in two.

    XLA compiles the gradient of the plain form to a loop ten times slower on CPUs.
    """
    batch, depth, *plane, channels = z.shape
    padded = jnp.pad(z, [(0, 0), (1, 1), (0, 0), (0, 0), (0, 0)])

    def part(k):
        planes = padded[:, k : k + depth].reshape(-1, *plane, channels)
        return jax.lax.conv_general_dilated(
            planes,
            kernel[k],
            (1, 1),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    y = part(0) + part(1) + part(2)
    return y.reshape(batch, depth, *plane, -1)


class PointwiseMLP(nn.Module):
    """A dense layer plus a network of two, acting on each cell alone.

    The plain layer passes the linear part of the data on unbent: it is what a small
    perturbation of the input sees.
    """

    hidden: int
    features: int
    dtype: DTypeLike | None = None
    # Whether an untrained one gives zero.
    starts_at_zero: bool = False

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """Map (batch, *space, channels) to (batch, *space, features)."""
        zeros, usual = nn.initializers.zeros, nn.initializers.lecun_normal()
        last = functools.partial(
            nn.Dense,
            self.features,
            kernel_init=zeros if self.starts_at_zero else usual,
            dtype=self.dtype,
        )
        bent = last()(nn.silu(nn.Dense(self.hidden, dtype=self.dtype)(z)))
        return (bent + last(use_bias=False)(z)).astype(z.dtype)


class ConvPair(nn.Module):
    """Two convolutions, the first to twice the features."""

    features: int
    boundary: str
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """Map (batch, *space, channels) to (batch, *space, features)."""
        y = nn.silu(Conv(2 * self.features, self.boundary, dtype=self.dtype)(z))
        return Conv(self.features, self.boundary, dtype=self.dtype)(y)


def as_channels(
    frames: Float[Array, "batch time *space variables"],
) -> Float[Array, "batch *space channels"]:
    """Put frames into one another, all variables of the first frame first."""
    channels = jnp.moveaxis(frames, 1, -2)
    return channels.reshape(*channels.shape[:-2], -1)


def cell_centres(
    z: Float[Array, "batch *space channels"],
) -> Float[Array, "batch *space axes"]:
    """Return the centre of each cell of `z`, on a grid from -1 to 1."""
    centres = [(2 * jnp.arange(n) + 1) / n - 1 for n in z.shape[1:-1]]
    grid = jnp.stack(jnp.meshgrid(*centres, indexing="ij"), axis=-1)
    return jnp.broadcast_to(grid.astype(z.dtype), (z.shape[0], *grid.shape))


def halve(
    z: Float[Array, "batch *space channels"],
) -> Float[Array, "batch *half channels"]:
    """Average 2 cells along each axis of space; the lengths must be even."""
    pairs = [length for n in z.shape[1:-1] for length in (n // 2, 2)]
    z = z.reshape(z.shape[0], *pairs, z.shape[-1])
    return z.mean(axis=tuple(range(2, z.ndim - 1, 2)))


def double(
    z: Float[Array, "batch *space channels"],
) -> Float[Array, "batch *double channels"]:
    """Repeat every cell twice along each axis of space."""
    for axis in range(1, z.ndim - 1):
        z = jnp.repeat(z, 2, axis=axis)
    return z


def pad_to_halve(
    z: Float[Array, "batch *space channels"], levels: int, mode: str
) -> Float[Array, "batch *longer channels"]:
    """Pad `z` at its far ends, by a mode of jnp.pad, to be halved `levels` times."""
    step = 2**levels
    # As a multiple of `step`, which can be halved also where n is a symbol (export).
    missing = [(0, (n + step - 1) // step * step - n) for n in z.shape[1:-1]]
    return jnp.pad(z, [(0, 0), *missing, (0, 0)], mode=mode)


def crop_to(
    z: Float[Array, "batch *longer channels"], space: tuple[int, ...]
) -> Float[Array, "batch *space channels"]:
    """Return the first cells of each axis, as many as `space` has."""
    return z[(slice(None), *(slice(n) for n in space))]
