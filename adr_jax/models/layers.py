"""The layers that the networks are made of.

`dtype` is that of their products, None for that of what comes in; parameters are
float32 whatever it is, and what comes out is of the dtype that came in. Nothing in the
parameters fixes the resolution.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

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
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """(batch, *space, channels) to (batch, *space, features)."""
        axes = z.ndim - 2
        padded = jnp.pad(
            z, [(0, 0), *[(1, 1)] * axes, (0, 0)], mode=PADDING[self.boundary]
        )
        is_deep_on_cpu = axes == 3 and jax.default_backend() == "cpu"
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
    """A "SAME" convolution in three dimensions as three in two, added.

    XLA compiles the gradient of the other to a loop ten times slower on CPUs.
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

    The plain layer gives the data's linear part a straight way through, which is what a
    small perturbation of the input sees.
    """

    hidden: int
    features: int
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """(batch, *space, channels) to (batch, *space, features)."""
        dense = functools.partial(nn.Dense, dtype=self.dtype)
        bent = dense(self.features)(nn.silu(dense(self.hidden)(z)))
        return (bent + dense(self.features, use_bias=False)(z)).astype(z.dtype)


class ConvPair(nn.Module):
    """Two convolutions, the first to twice the features: a cell with its neighbours."""

    features: int
    boundary: str
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self, z: Float[Array, "batch *space channels"]
    ) -> Float[Array, "batch *space features"]:
        """(batch, *space, channels) to (batch, *space, features)."""
        y = nn.silu(Conv(2 * self.features, self.boundary, dtype=self.dtype)(z))
        return Conv(self.features, self.boundary, dtype=self.dtype)(y)
