"""ADRNet: embed the history, advect, diffuse and react, project to a forecast.

"Advection Augmented Convolutional Neural Networks", NeurIPS 2024, arXiv 2406.19253.
"""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from adr_jax.models.baselines import BASELINES
from adr_jax.models.blocks import ADRBlock, Conv, PointwiseMLP
from adr_jax.operators.flux import net_inflow

HEADS = ("frames", *BASELINES)


class ADRNet(nn.Module):
    """History in, forecast out, both in normalised units (unit standard deviation).

    The blocks together integrate one frame interval: each has time step
    1 / num_blocks, so velocities are in cells per frame. Their parameters are stacked
    and they run under one `lax.scan`.
    """

    channels: int = 24
    num_blocks: int = 3
    # Displacement fields per block; 0 means one per channel.
    displacement_fields: int = 0
    transport: str = "push"
    boundary: str = "clamp"
    diffusion: str = "explicit"
    reaction: str = "pointwise"
    splitting: str = "lie"
    balance: str = "fixed"
    reach: float = 0.0
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
    remat: bool = False
    unroll: bool = False

    @nn.compact
    def __call__(
        self, history: Float[Array, "batch time *space variables"]
    ) -> Float[Array, "batch frames_out *space variables"]:
        """The `frames_out` frames that follow `history`."""
        history = history[:, -self.frames_in :]
        variables = history.shape[-1]
        changes = jnp.diff(history, axis=1) / jnp.asarray(self.change_scale)
        seen = jnp.concatenate([history[:, -1:], changes], axis=1)
        stacked = jnp.moveaxis(seen, 1, -2)
        stacked = stacked.reshape(*stacked.shape[:-2], -1)
        if self.coordinates:
            stacked = jnp.concatenate([stacked, _coordinates(stacked)], axis=-1)
        z = PointwiseMLP(self.channels, self.channels, name="embed")(stacked)
        z = self._blocks(z)
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

    def _inflow(self, z, outputs):
        """What fluxes projected from the state bring to each cell.

        A flux belongs to the face between two cells, and depends on both.
        """
        axes = z.ndim - 2
        z = PointwiseMLP(self.channels, self.channels, name="project")(z)
        flux = Conv(outputs * axes, self.boundary, name="flux")(z)
        flux = flux.reshape(*flux.shape[:-1], outputs, axes)
        return net_inflow(flux, boundary=self.boundary)

    def _blocks(self, z):
        block = nn.remat(ADRBlock, prevent_cse=False) if self.remat else ADRBlock
        scan = nn.scan(
            lambda block, z, _: (block(z), None),
            variable_axes={"params": 0, "intermediates": 0},
            split_rngs={"params": True},
            length=self.num_blocks,
            unroll=0 if self.unroll else 1,  # 0: all of it, also of one block,
        )
        blocks = block(
            time_step=1.0 / self.num_blocks,
            fields=self.displacement_fields or self.channels,
            transport=self.transport,
            boundary=self.boundary,
            diffusion=self.diffusion,
            reaction=self.reaction,
            splitting=self.splitting,
            balance=self.balance,
            reach=self.reach,
            name="blocks",
        )
        return scan(blocks, z, None)[0]


def _coordinates(z):
    """Middles of the cells of `z`, (batch, *space, axes), the grid being [-1, 1]."""
    space = z.shape[1:-1]
    middles = [(2 * jnp.arange(n) + 1) / n - 1 for n in space]
    grid = jnp.stack(jnp.meshgrid(*middles, indexing="ij"), axis=-1)
    return jnp.broadcast_to(grid.astype(z.dtype), (len(z), *grid.shape))
