"""Learned advection for fields that move: ADRNet, and its operators, in JAX.

The operators need only jax; whatever else is imported is loaded when it is used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adr_jax.models.adrnet import ADRNet
    from adr_jax.models.blocks import ADRBlock
    from adr_jax.operators.advection import pull, push
    from adr_jax.operators.motion import estimate_motion
    from adr_jax.operators.objects import track_objects
    from adr_jax.operators.trajectory import extrapolate, trajectory
    from adr_jax.options import BlockOptions, ModelOptions
    from adr_jax.training.fitting import fit
    from adr_jax.training.model import TrainedModel, load

_HOME = {
    "push": "adr_jax.operators.advection",
    "pull": "adr_jax.operators.advection",
    "estimate_motion": "adr_jax.operators.motion",
    "track_objects": "adr_jax.operators.objects",
    "trajectory": "adr_jax.operators.trajectory",
    "extrapolate": "adr_jax.operators.trajectory",
    "ADRNet": "adr_jax.models.adrnet",
    "ADRBlock": "adr_jax.models.blocks",
    "ModelOptions": "adr_jax.options",
    "BlockOptions": "adr_jax.options",
    "fit": "adr_jax.training.fitting",
    "load": "adr_jax.training.model",
    "TrainedModel": "adr_jax.training.model",
}

__all__ = [
    "ADRBlock",
    "ADRNet",
    "BlockOptions",
    "ModelOptions",
    "TrainedModel",
    "estimate_motion",
    "extrapolate",
    "fit",
    "load",
    "pull",
    "push",
    "track_objects",
    "trajectory",
]


def __getattr__(name: str):
    """Load a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'adr_jax' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
