"""Networks by configuration, and baselines."""

import jax
from ml_collections import ConfigDict

from adr_jax.models.adrnet import ADRNet
from adr_jax.models.fno import FNO
from adr_jax.models.frames import FrameNetwork
from adr_jax.models.unet import UNet

NAMES = ("adrnet", "cnn", "unet", "fno")


def build(
    config: ConfigDict,
    *,
    change_scale: tuple[float, ...],
    output_scale: tuple[float, ...],
) -> FrameNetwork:
    """The network of the `model` section of a configuration.

    Args:
      config: the section.
      change_scale: size of the change from frame to frame of each variable.
      output_scale: size of what the network has to add to its base.
    """
    # On CPUs the gradient of a convolution inside a loop is an order of magnitude
    # slower than the same unrolled; elsewhere a loop compiles faster.
    unroll = {"on": True, "off": False}.get(
        config.unroll, jax.default_backend() == "cpu"
    )
    shared = {
        "boundary": config.boundary,
        "coordinates": config.coordinates,
        "head": config.head,
        "change_scale": change_scale,
        "output_scale": output_scale,
        "frames_in": config.frames_in,
        "frames_out": config.frames_out,
        "conserve": config.conserve,
        "unroll": unroll,
    }
    if config.name == "fno":
        return FNO(**shared)
    if config.name == "unet":
        return UNet(channels=config.channels, **shared)
    return ADRNet(
        channels=config.channels,
        num_blocks=config.num_blocks,
        displacement_fields=config.displacement_fields,
        transport="none" if config.name == "cnn" else config.transport,
        diffusion=config.diffusion,
        reaction=config.reaction,
        splitting=config.splitting,
        balance=config.balance,
        reach=config.reach,
        remat=config.remat,
        **shared,
    )
