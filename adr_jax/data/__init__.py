"""Data sets by name, each a module of this package.

`SPLIT_NAMES` are the ways to split it, the usual one first, and `SHAPES`, where there
are any, what data.shape may be; `FIELDS` are those of OPTIONAL that it reads;
`prepare(config)` makes its files if they can be made and are missing; `load(config)`
opens them as a `dataset.Dataset`. Both take the `data` section of a run's
configuration.
"""

import importlib
from types import ModuleType

from ml_collections import ConfigDict

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError

# Where each is.
MODULES = {
    "shallow_water": "shallow_water.source",
    "cloudcast": "cloudcast.source",
    "cloud_sample": "cloudcast.generated",
    "moving_mnist": "moving_mnist.source",
    "radar": "weather.radar",
    "satellite": "weather.satellite",
    "kitti": "kitti.source",
    "ocean": "tracers.ocean",
    "synthetic": "tracers.synthetic",
    "arrays": "own.source",
}
NAMES = tuple(MODULES)

# Fields that some sets read and others do not, with what configs/base.py has there.
OPTIONAL = {
    "path": "",
    "trajectories": 100,
    "shape": "circle",
    "cells": 128,
    "frames": 101,
    "variable": "",
    "axes": "",
}


def prepare(config: ConfigDict) -> None:
    """Makes the data set's file where it is missing and can be made.

    Raises:
      InputError: a field is set that this data set does not read.
    """
    _check_fields(config)
    module(config.name).prepare(config)


def load(config: ConfigDict) -> Dataset:
    """Opens the data set that the configuration names.

    Raises:
      InputError: a field is set that this data set does not read, or what the set's own
        `load` says.
    """
    _check_fields(config)
    return module(config.name).load(config)


def _check_fields(config: ConfigDict) -> None:
    read = module(config.name).FIELDS
    for field, unset in OPTIONAL.items():
        value = getattr(config, field)
        if field not in read and value != unset:
            raise InputError(
                f"config.data.{field} is {value!r}; {config.name} does not read it, "
                f"but {', '.join(read)}: leave it at {unset!r}, or choose another "
                "data.name"
            )


def module(name: str) -> ModuleType:
    """The module of the data set `name`, one of NAMES."""
    return importlib.import_module(f"adr_jax.data.{MODULES[name]}")
