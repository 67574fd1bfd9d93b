"""From a history of frames to those that follow: what every network here shares."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from adr_jax.models.baselines import BASELINES
from adr_jax.models.blocks import Conv, PointwiseMLP
from adr_jax.operators.flux import net_inflow

HEADS = ("frames", *BASELINES)


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
    # Whether loops over layers or forecasts are compiled as straight lines.
    unroll: bool = False

    @nn.compact
    def __call__(
        self, history: Float[Array, "batch time *space variables"]
    ) -> Float[Array, "batch frames_out *space variables"]:
        """The `frames_out` frames that follow `history`."""
        history = history[:, -self.frames_in :]
        variables = history.shape[-1]
        z = self.features(self._seen(history))
        outputs = self.frames_out * variables
        if self.conserve:
            output = self._inflow(z, outputs)
        else:
            output = PointwiseMLP(self.channels, outputs, name="project")(z)
        output = output.reshape(*z.shape[:-1], self.frames_out, variables)
        output = jnp.moveaxis(output, -2, 1)
        if self.head == "frames":
            return output
        base = BASELINES[self.head](history, self.frames_out)
        return base + jnp.asarray(self.output_scale, output.dtype) * output

    def features(
        self, seen: Float[Array, "batch *space seen"]
    ) -> Float[Array, "batch *space features"]:
        """The network itself."""
        raise NotImplementedError

    def _seen(self, history):
        """The last frame and the changes before it, as channels."""
        changes = jnp.diff(history, axis=1) / jnp.asarray(self.change_scale)
        seen = jnp.concatenate([history[:, -1:], changes], axis=1)
        seen = jnp.moveaxis(seen, 1, -2)
        seen = seen.reshape(*seen.shape[:-2], -1)
        if self.coordinates:
            seen = jnp.concatenate([seen, cell_middles(seen)], axis=-1)
        return seen

    def _inflow(self, z, outputs):
        """What fluxes projected from the features bring to each cell.

        A flux belongs to the face between two cells, and depends on both.
        """
        axes = z.ndim - 2
        z = PointwiseMLP(self.channels, self.channels, name="project")(z)
        flux = Conv(outputs * axes, self.boundary, name="flux")(z)
        flux = flux.reshape(*flux.shape[:-1], outputs, axes)
        return net_inflow(flux, boundary=self.boundary)


def cell_middles(
    z: Float[Array, "batch *space channels"],
) -> Float[Array, "batch *space axes"]:
    """Where each cell of `z` has its middle, the grid reaching from -1 to 1."""
    middles = [(2 * jnp.arange(n) + 1) / n - 1 for n in z.shape[1:-1]]
    grid = jnp.stack(jnp.meshgrid(*middles, indexing="ij"), axis=-1)
    return jnp.broadcast_to(grid.astype(z.dtype), (len(z), *grid.shape))
