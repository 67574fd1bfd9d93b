"""From a history of frames to those that follow: what all networks share."""

import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from adr_jax.models.baselines import BASELINES
from adr_jax.models.hourglass import Hourglass
from adr_jax.models.layers import DTYPES, Conv, PointwiseMLP
from adr_jax.operators.flux import net_inflow
from adr_jax.options import ModelOptions

# The probability that a base gives to what it rules out, where forecasts are
# probabilities: a logarithm of zero could not be corrected.
MINIMUM_PROBABILITY = 1e-2


class FrameNetwork(nn.Module):
    """History in, forecast out, both in normalised units (unit standard deviation).

    A subclass has a method `features`: from what is seen of the history, (batch,
    *space, seen), to features of each cell, (batch, *space, any). They are projected,
    and added to the forecast of a simple rule, `options.head`.

    The network works at unit scale, and neighbouring frames are nearly equal. So it is
    shown the last frame and the changes between frames, each over its usual size.
    Shown the frames themselves it learns several times slower.
    """

    options: ModelOptions = ModelOptions()
    # The usual size of the change from frame to frame and of what is added to the base,
    # for each variable or one for all; `data.normalisation.Statistics` has them.
    change_scale: tuple[float, ...] | float = 1.0
    output_scale: tuple[float, ...] | float = 1.0
    # Whether the variables are shares of classes, 0 to 1, and so is the forecast: the
    # softmax of the output plus the logarithm of the base.
    probabilities: bool = False
    # Whether loops over layers or forecasts are compiled as straight lines.
    unroll: bool = False

    @property
    def width(self) -> int:
        """Channels of the hidden layers."""
        return self.options.channels

    @property
    def dtype(self) -> DTypeLike | None:
        """Type of products; None: that of the history."""
        return DTYPES[self.options.dtype]

    @nn.compact
    def __call__(
        self,
        history: Float[Array, "batch time *space variables"],
        scalars: Float[Array, "batch any"] | None = None,
    ) -> Float[Array, "batch frames_out *space variables"]:
        """Forecast the `options.frames_out` frames that follow `history`.

        `scalars` are what else is known of each sample at unit scale, such as a
        parameter of its equation or the lead. The network sees them in every cell.
        """
        options = self.options
        history = history[:, -options.frames_in :]
        variables = history.shape[-1]
        z = self.features(self._seen(history, scalars))
        outputs = options.frames_out * variables
        if options.conserve:
            output = self._inflow(z, outputs)
        else:
            output = PointwiseMLP(self.width, outputs, self.dtype, name="project")(z)
        # Logarithms of probabilities are of unit scale.
        scale = jnp.asarray(
            1.0 if self.probabilities else self.output_scale, output.dtype
        )
        frames = scale * _as_frames(output, variables)
        if options.head != "frames":
            base = BASELINES[options.head](history, options.frames_out)
            if self.probabilities:
                base = jnp.log(jnp.clip(base, MINIMUM_PROBABILITY, 1.0))
            frames = base + frames
        if options.denoiser:
            frames = frames + scale * self._correction(frames)
        return nn.softmax(frames) if self.probabilities else frames

    def features(
        self, seen: Float[Array, "batch *space seen"]
    ) -> Float[Array, "batch *space features"]:
        """Return features of each cell."""
        raise NotImplementedError

    def _seen(self, history, scalars):
        """Return the last frame, the changes before it and the scalars as channels."""
        changes = jnp.diff(history, axis=1) / jnp.asarray(self.change_scale)
        seen = jnp.concatenate([history[:, -1:], changes], axis=1)
        seen = _as_channels(seen)
        if self.options.coordinates:
            seen = jnp.concatenate([seen, cell_centres(seen)], axis=-1)
        if scalars is not None:
            everywhere = scalars.reshape(seen.shape[0], *(1,) * (seen.ndim - 2), -1)
            shape = (*seen.shape[:-1], everywhere.shape[-1])
            everywhere = jnp.broadcast_to(everywhere, shape).astype(seen.dtype)
            seen = jnp.concatenate([seen, everywhere], axis=-1)
        return seen

    def _correction(self, frames):
        """Return what a UNet adds to a forecast: next to nothing before training."""
        z = _as_channels(frames)
        boundary, width = self.options.boundary, max(self.width // 2, 1)
        y = Hourglass(width, 2, boundary, self.dtype, name="denoiser")(z)
        small = nn.initializers.variance_scaling(1e-4, "fan_in", "truncated_normal")
        y = nn.Dense(z.shape[-1], kernel_init=small, name="correction")(y)
        return _as_frames(y, frames.shape[-1])

    def _inflow(self, z, outputs):
        """Return what fluxes projected from the features bring to each cell.

        A flux belongs to the face between two cells, and depends on both.
        """
        axes, boundary = z.ndim - 2, self.options.boundary
        project = PointwiseMLP(self.width, self.width, self.dtype, name="project")
        flux = Conv(outputs * axes, boundary, dtype=self.dtype, name="flux")
        flux = flux(project(z))
        flux = flux.reshape(*flux.shape[:-1], outputs, axes)
        return net_inflow(flux, boundary=boundary)


def _as_channels(frames):
    """Map (batch, time, *space, variables) to (batch, *space, time * variables)."""
    channels = jnp.moveaxis(frames, 1, -2)
    return channels.reshape(*channels.shape[:-2], -1)


def _as_frames(channels, variables):
    """Undo `_as_channels`."""
    frames = channels.reshape(*channels.shape[:-1], -1, variables)
    return jnp.moveaxis(frames, -2, 1)


def cell_centres(
    z: Float[Array, "batch *space channels"],
) -> Float[Array, "batch *space axes"]:
    """Return the centre of each cell of `z`, on a grid from -1 to 1."""
    centres = [(2 * jnp.arange(n) + 1) / n - 1 for n in z.shape[1:-1]]
    grid = jnp.stack(jnp.meshgrid(*centres, indexing="ij"), axis=-1)
    return jnp.broadcast_to(grid.astype(z.dtype), (z.shape[0], *grid.shape))
