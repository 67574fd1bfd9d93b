"""From a history of frames to those that follow: what every network here shares."""

import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from adr_jax.models.baselines import BASELINES
from adr_jax.models.hourglass import Hourglass
from adr_jax.models.layers import Conv, PointwiseMLP
from adr_jax.operators.flux import net_inflow

HEADS = ("frames", *BASELINES)

# The probability that a base gives to what it rules out, where forecasts are
# probabilities: a logarithm of zero could not be corrected.
LEAST_PROBABILITY = 1e-2


class FrameNetwork(nn.Module):
    """History in, forecast out, both in normalised units (unit standard deviation).

    A network of fields gives `features`, a method of each subclass: from what is seen
    of the history, (batch, *space, seen), to features of each cell, (batch, *space,
    any). They are projected, and added to the forecast of a simple rule.
    """

    # Width of the network; what it means is the subclass's business.
    channels: int = 24
    boundary: str = "clamp"
    # Show the network where each cell is, from -1 to 1 along each axis.
    coordinates: bool = False
    # What the output is added to: nothing ("frames") or a forecast of `baselines`.
    head: str = "extrapolation"
    # The network works at unit scale, and neighbouring frames are nearly equal: it is
    # shown the last frame and the changes between frames, and gives what is added to
    # the base, each over its usual size (per variable, or one for all), which
    # `data.dataset.Statistics` has. Shown the frames themselves it learns several
    # times slower.
    change_scale: tuple[float, ...] | float = 1.0
    output_scale: tuple[float, ...] | float = 1.0
    # How many of the history's last frames the network sees; 0 means all of them.
    frames_in: int = 0
    frames_out: int = 1
    # Output a flux between cells instead of a change of each: sums are kept, and still
    # regions stay still, whatever the parameters.
    conserve: bool = False
    # Forecast the first so many variables alone, the others being given, such as the
    # shape of the ground; 0 means all.
    variables_out: int = 0
    # Correct the forecast by a UNet of half as many channels, over which sums are lost.
    denoiser: bool = False
    # The variables are shares of classes, 0 to 1, and so is the forecast: what is
    # projected is added to the logarithm of the base, over whose classes a softmax is
    # taken. Then a history of probabilities is as good as one of certainties.
    probabilities: bool = False
    # Of products; None: that of the history.
    dtype: DTypeLike | None = None
    # Whether loops over layers or forecasts are compiled as straight lines.
    unroll: bool = False

    @nn.compact
    def __call__(
        self,
        history: Float[Array, "batch time *space variables"],
        scalars: Float[Array, "batch any"] | None = None,
    ) -> Float[Array, "batch frames_out *space variables_out"]:
        """The `frames_out` frames that follow `history`.

        `scalars` are what else is known of each sample, such as a parameter of its
        equation or the lead time, at unit scale; the network sees them in every cell.
        """
        history = history[:, -self.frames_in :]
        variables = self.variables_out or history.shape[-1]
        z = self.features(self._seen(history, scalars))
        outputs = self.frames_out * variables
        if self.conserve:
            output = self._inflow(z, outputs)
        else:
            project = PointwiseMLP(self.channels, outputs, self.dtype, name="project")
            output = project(z)
        # Logarithms of probabilities are of unit scale.
        scale = jnp.asarray(
            1.0 if self.probabilities else self.output_scale, output.dtype
        )
        scale = jnp.broadcast_to(scale, history.shape[-1:])[:variables]
        frames = scale * _as_frames(output, variables)
        if self.head != "frames":
            base = BASELINES[self.head](history, self.frames_out)[..., :variables]
            if self.probabilities:
                base = jnp.log(jnp.clip(base, LEAST_PROBABILITY, 1.0))
            frames = base + frames
        if self.denoiser:
            frames = frames + scale * self._correction(frames)
        return nn.softmax(frames) if self.probabilities else frames

    def features(
        self, seen: Float[Array, "batch *space seen"]
    ) -> Float[Array, "batch *space features"]:
        """The network itself."""
        raise NotImplementedError

    def _seen(self, history, scalars):
        """The last frame and the changes before it, as channels, and what is known."""
        changes = jnp.diff(history, axis=1) / jnp.asarray(self.change_scale)
        seen = jnp.concatenate([history[:, -1:], changes], axis=1)
        seen = _as_channels(seen)
        if self.coordinates:
            seen = jnp.concatenate([seen, cell_middles(seen)], axis=-1)
        if scalars is not None:
            everywhere = scalars.reshape(seen.shape[0], *(1,) * (seen.ndim - 2), -1)
            shape = (*seen.shape[:-1], everywhere.shape[-1])
            everywhere = jnp.broadcast_to(everywhere, shape).astype(seen.dtype)
            seen = jnp.concatenate([seen, everywhere], axis=-1)
        return seen

    def _correction(self, frames):
        """What a UNet adds to a forecast: next to nothing before it is trained."""
        z = _as_channels(frames)
        y = Hourglass(
            max(self.channels // 2, 1), 2, self.boundary, self.dtype, name="denoiser"
        )(z)
        small = nn.initializers.variance_scaling(1e-4, "fan_in", "truncated_normal")
        y = nn.Dense(z.shape[-1], kernel_init=small, name="correction")(y)
        return _as_frames(y, frames.shape[-1])

    def _inflow(self, z, outputs):
        """What fluxes projected from the features bring to each cell.

        A flux belongs to the face between two cells, and depends on both.
        """
        axes = z.ndim - 2
        project = PointwiseMLP(self.channels, self.channels, self.dtype, name="project")
        flux = Conv(outputs * axes, self.boundary, dtype=self.dtype, name="flux")
        flux = flux(project(z))
        flux = flux.reshape(*flux.shape[:-1], outputs, axes)
        return net_inflow(flux, boundary=self.boundary)


def _as_channels(frames):
    """(batch, time, *space, variables) to (batch, *space, time * variables)."""
    channels = jnp.moveaxis(frames, 1, -2)
    return channels.reshape(*channels.shape[:-2], -1)


def _as_frames(channels, variables):
    """What `_as_channels` undoes."""
    frames = channels.reshape(*channels.shape[:-1], -1, variables)
    return jnp.moveaxis(frames, -2, 1)


def cell_middles(
    z: Float[Array, "batch *space channels"],
) -> Float[Array, "batch *space axes"]:
    """Where each cell of `z` has its middle, the grid reaching from -1 to 1."""
    middles = [(2 * jnp.arange(n) + 1) / n - 1 for n in z.shape[1:-1]]
    grid = jnp.stack(jnp.meshgrid(*middles, indexing="ij"), axis=-1)
    return jnp.broadcast_to(grid.astype(z.dtype), (z.shape[0], *grid.shape))
