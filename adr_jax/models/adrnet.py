"""ADRNet: embed the history, advect, diffuse and react, project to a forecast.

"Advection Augmented Convolutional Neural Networks", NeurIPS 2024, arXiv 2406.19253.
"""

from flax import linen as nn
from jaxtyping import Array, Float

from adr_jax.models.blocks import ADRBlock
from adr_jax.models.frames import FrameNetwork
from adr_jax.models.layers import PointwiseMLP


class ADRNet(FrameNetwork):
    """ADRNet: `FrameNetwork` describes its input, its output and its options.

    The blocks together integrate one frame interval: each has time step
    interval / num_blocks, so velocities are in cells per frame of the training. Their
    parameters are stacked and they run under one `lax.scan`.
    """

    # Time from frame to frame, in units of that of the training frames.
    interval: float = 1.0

    def features(
        self, seen: Float[Array, "batch *space seen"]
    ) -> Float[Array, "batch *space channels"]:
        """Embed what is seen, then apply one block after the other."""
        options = self.options
        embed = PointwiseMLP(
            options.channels, options.channels, self.dtype, name="embed"
        )
        block = nn.remat(ADRBlock, prevent_cse=False) if options.remat else ADRBlock
        scan = nn.scan(
            lambda block, z, _: (block(z), None),
            variable_axes={"params": 0, "intermediates": 0},
            split_rngs={"params": True},
            length=options.num_blocks,
            unroll=0 if self.unroll else 1,  # 0: all of it, also of one block
        )
        blocks = block(
            options,
            time_step=self.interval / options.num_blocks,
            boundary=options.boundary,
            dtype=self.dtype,
            name="blocks",
        )
        return scan(blocks, embed(seen), None)[0]
