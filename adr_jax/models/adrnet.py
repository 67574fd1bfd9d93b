"""ADRNet: embed the history, advect, diffuse and react, project to a forecast.

"Advection Augmented Convolutional Neural Networks", NeurIPS 2024, arXiv 2406.19253.
"""

from flax import linen as nn
from jaxtyping import Array, Float

from adr_jax.models.blocks import ADRBlock
from adr_jax.models.frames import FrameNetwork
from adr_jax.models.layers import PointwiseMLP


class ADRNet(FrameNetwork):
    """ADRNet. `FrameNetwork` says what goes in and out, and has further fields.

    The blocks together integrate one frame interval: each has time step
    interval / num_blocks, so velocities are in cells per frame of the training. Their
    parameters are stacked and they run under one `lax.scan`. `ADRBlock` explains the
    fields.
    """

    num_blocks: int = 3
    # Time from frame to frame, in units of that of the frames it was trained on.
    interval: float = 1.0
    # Displacement fields per block; 0 means one per channel.
    displacement_fields: int = 0
    transport: str = "push"
    diffusion: str = "explicit"
    reaction: str = "pointwise"
    splitting: str = "lie"
    balance: str = "fixed"
    reach: float = 0.0
    context: int = 0
    learned_step: bool = False
    remat: bool = False

    def features(
        self, seen: Float[Array, "batch *space seen"]
    ) -> Float[Array, "batch *space channels"]:
        """Embed, and one step of the blocks after the other."""
        embed = PointwiseMLP(self.channels, self.channels, self.dtype, name="embed")
        z = embed(seen)
        block = nn.remat(ADRBlock, prevent_cse=False) if self.remat else ADRBlock
        scan = nn.scan(
            lambda block, z, _: (block(z), None),
            variable_axes={"params": 0, "intermediates": 0},
            split_rngs={"params": True},
            length=self.num_blocks,
            unroll=0 if self.unroll else 1,  # 0: all of it, also of one block
        )
        blocks = block(
            time_step=self.interval / self.num_blocks,
            fields=self.displacement_fields or self.channels,
            transport=self.transport,
            boundary=self.boundary,
            diffusion=self.diffusion,
            reaction=self.reaction,
            splitting=self.splitting,
            balance=self.balance,
            reach=self.reach,
            context=self.context,
            learned_step=self.learned_step,
            dtype=self.dtype,
            name="blocks",
        )
        return scan(blocks, z, None)[0]
