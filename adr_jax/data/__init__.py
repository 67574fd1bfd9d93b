"""Data sets by name, each a module of this package with its `contract.Source`."""

import dataclasses
import importlib

from adr_jax.data.contract import Dataset, Source
from adr_jax.errors import InputError
from adr_jax.options import DataOptions

# The module of each, below this package; its SOURCE describes the set.
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

# Fields that some sets read and others do not, with their defaults.
OPTIONAL = {
    field.name: field.default
    for field in dataclasses.fields(DataOptions)
    if field.metadata["optional"]
}


def source(name: str) -> Source:
    """Return the source of the data set `name`, one of NAMES."""
    return importlib.import_module(f"adr_jax.data.{MODULES[name]}").SOURCE


def prepare(config: DataOptions) -> None:
    """Make the data set's files where they are missing and can be made.

    Raises:
      InputError: a field is set that this data set does not read.
    """
    make = _checked_source(config).prepare
    if make is not None:
        make(config)


def load(config: DataOptions) -> Dataset:
    """Open the data set that the configuration names.

    Raises:
      InputError: a field is set that this data set does not read, or its files are
        absent or damaged.
    """
    return _checked_source(config).load(config)


def frame_shape(config: DataOptions) -> tuple[int, ...]:
    """Return the shape of a frame, also of absent files where the options say it.

    Raises:
      InputError: the files are absent or damaged, and the options do not say it.
    """
    try:
        return load(config).trajectories.frame_shape
    except InputError:
        known = source(config.name).frame_shape
        planned = known and not config.path and known(config)
        if not planned:
            raise
        return planned


def _checked_source(config: DataOptions) -> Source:
    """Return the source; InputError where a field is set that it does not read."""
    known = source(config.name)
    for field, unset in OPTIONAL.items():
        value = getattr(config, field)
        if field not in known.fields and value != unset:
            raise InputError(
                f"config.data.{field} is {value!r}; {config.name} does not read it, "
                f"but {', '.join(known.fields)}: leave it at {unset!r}, or choose "
                "another data.name"
            )
    return known
