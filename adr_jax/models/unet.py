"""UNet: features at half the resolution again and again, and back up."""

from jaxtyping import Array, Float

from adr_jax.models.frames import FrameNetwork
from adr_jax.models.hourglass import Hourglass


class UNet(FrameNetwork):
    """The UNet of Ronneberger et al. (2015), with means for going down.

    `channels` at full resolution, twice as many at every level below. `FrameNetwork`
    says what goes in and out.
    """

    levels: int = 3

    def features(
        self, seen: Float[Array, "batch *space seen"]
    ) -> Float[Array, "batch *space channels"]:
        """Down, and up again beside what was left on the way down."""
        return Hourglass(
            self.channels, self.levels, self.boundary, self.dtype, name="hourglass"
        )(seen)
