"""Data sets by name, each a module of this package.

`SPLIT_NAMES` are the ways to split it, the usual one first, and `SHAPES`, where there
are any, what data.shape may be; `prepare(config)` makes its files if they can be made
and are missing; `load(config)` opens them as a `dataset.Dataset`. Both take the `data`
section of a run's configuration.
"""

import importlib
from types import ModuleType

from ml_collections import ConfigDict

from adr_jax.data.dataset import Dataset

NAMES = (
    "shallow_water",
    "cloudcast",
    "cloud_sample",
    "moving_mnist",
    "radar",
    "satellite",
    "kitti",
    "ocean",
    "synthetic",
    "arrays",
)


def prepare(config: ConfigDict) -> None:
    """Makes the data set's file where it is missing and can be made."""
    module(config.name).prepare(config)


def load(config: ConfigDict) -> Dataset:
    """Opens the data set that the configuration names."""
    return module(config.name).load(config)


def module(name: str) -> ModuleType:
    """The module of the data set `name`, one of NAMES."""
    return importlib.import_module(f"adr_jax.data.{name}")
