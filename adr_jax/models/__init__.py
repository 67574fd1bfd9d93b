"""Networks by their options, and baselines."""

from adr_jax.models.adrnet import ADRNet
from adr_jax.models.fno import FNO
from adr_jax.models.frames import FrameNetwork
from adr_jax.models.unet import UNet
from adr_jax.operators.platform import platform
from adr_jax.options import ModelOptions

NETWORKS: dict[str, type[FrameNetwork]] = {
    "adrnet": ADRNet,
    "unet": UNet,
    "fno": FNO,
}


def build(
    options: ModelOptions,
    *,
    change_scale: tuple[float, ...],
    output_scale: tuple[tuple[float, ...], ...] | tuple[float, ...],
    zero: tuple[float, ...] = (0.0,),
    probabilities: bool = False,
    thresholds: tuple[float, ...] = (),
) -> FrameNetwork:
    """Return the network that the options describe.

    Args:
      options: the model section of a configuration.
      change_scale: size of the change from frame to frame of each variable.
      output_scale: size of what the network has to add to its base, likewise, or at
        every lead.
      zero: value of nothing at unit scale.
      probabilities: whether the variables are shares of classes; see `FrameNetwork`.
      thresholds: of the first variable at unit scale; see `FrameNetwork`.
    """
    # Loops compile faster than straight lines everywhere but on CPUs.
    unroll = {"on": True, "off": False}.get(options.unroll, platform() == "cpu")
    return NETWORKS[options.name](
        options,
        change_scale=change_scale,
        output_scale=output_scale,
        zero=zero,
        probabilities=probabilities,
        thresholds=thresholds,
        unroll=unroll,
    )
