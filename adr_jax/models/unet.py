"""UNet: features at half the resolution again and again, and back up."""

from jaxtyping import Array, Float

from adr_jax.models.frames import FrameNetwork
from adr_jax.models.hourglass import Hourglass


class UNet(FrameNetwork):
    """The UNet of Ronneberger et al. (2015), with means for going down.

    `options.channels` at full resolution, twice as many at every level below.
    `FrameNetwork` describes its input and output.
    """

    levels: int = 3

    def features(
        self, seen: Float[Array, "batch *space seen"]
    ) -> Float[Array, "batch *space channels"]:
        """Return features at full resolution."""
        channels, boundary = self.options.channels, self.options.boundary
        return Hourglass(channels, self.levels, boundary, self.dtype, name="hourglass")(
            seen
        )
