"""Data sets by name: each is a module of this package with `prepare` and `load`.

`prepare(config)` makes the file if it can be made and is missing; `load(config)` opens
it as a `dataset.Dataset`. Both take the `data` section of a run's configuration.
"""

import importlib

from ml_collections import ConfigDict

from adr_jax.data.dataset import Dataset

NAMES = ("shallow_water",)


def prepare(config: ConfigDict) -> None:
    """Makes the data set's file where it is missing and can be made."""
    importlib.import_module(f"adr_jax.data.{config.name}").prepare(config)


def load(config: ConfigDict) -> Dataset:
    """Opens the data set that the configuration names."""
    return importlib.import_module(f"adr_jax.data.{config.name}").load(config)
