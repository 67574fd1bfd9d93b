"""Networks by configuration, and baselines."""

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from adr_jax.models.adrnet import ADRNet
from adr_jax.models.fno import FNO
from adr_jax.models.frames import FrameNetwork
from adr_jax.models.unet import UNet

NAMES = ("adrnet", "cnn", "unet", "fno")
# Width and number of blocks by size.
SIZES = {"tiny": (16, 2), "small": (24, 3), "base": (64, 6)}
DTYPES = {"float32": None, "bfloat16": jnp.bfloat16}


def width(config: ConfigDict) -> tuple[int, int]:
    """Channels and blocks of the `model` section: those of its size, or its own."""
    channels, blocks = SIZES[config.size]
    return config.channels or channels, config.num_blocks or blocks


def build(
    config: ConfigDict,
    *,
    change_scale: tuple[float, ...],
    output_scale: tuple[float, ...],
    probabilities: bool = False,
) -> FrameNetwork:
    """The network of the `model` section of a configuration.

    Args:
      config: the section.
      change_scale: size of the change from frame to frame of each variable.
      output_scale: size of what the network has to add to its base.
      probabilities: whether the variables are shares of classes; see `FrameNetwork`.
    """
    # On CPUs the gradient of a convolution inside a loop is an order of magnitude
    # slower than the same unrolled; elsewhere a loop compiles faster.
    unroll = {"on": True, "off": False}.get(
        config.unroll, jax.default_backend() == "cpu"
    )
    channels, num_blocks = width(config)
    shared = {
        "boundary": config.boundary,
        "coordinates": config.coordinates,
        "head": config.head,
        "change_scale": change_scale,
        "output_scale": output_scale,
        "frames_in": config.frames_in,
        "frames_out": config.frames_out,
        "conserve": config.conserve,
        "variables_out": config.variables_out,
        "denoiser": config.denoiser,
        "probabilities": probabilities,
        "dtype": DTYPES[config.dtype],
        "unroll": unroll,
    }
    if config.name == "fno":
        return FNO(**shared)
    if config.name == "unet":
        return UNet(channels=channels, **shared)
    return ADRNet(
        channels=channels,
        num_blocks=num_blocks,
        displacement_fields=config.displacement_fields,
        transport="none" if config.name == "cnn" else config.transport,
        diffusion=config.diffusion,
        reaction=config.reaction,
        splitting=config.splitting,
        balance=config.balance,
        reach=config.reach,
        context=config.context,
        learned_step=config.time_step == "learned",
        remat=config.remat,
        **shared,
    )
