"""The record of a checkpoint: what it says of itself besides the state."""

import dataclasses
import importlib.metadata
import pathlib
import shlex
import sys
from collections.abc import Mapping, Sequence

from adr_jax.data.contract import Dataset
from adr_jax.data.normalisation import Statistics
from adr_jax.errors import InputError
from adr_jax.options import Configuration
from adr_jax.training.devices import host
from adr_jax.training.misses import by_lead

# What it takes to continue a run.
KEYS = (
    *("step", "train_seconds", "best_score", "statistics", "fingerprint"),
    *("frame_shape", "channels", "device", "command", "version"),
)


class Record(dict):
    """A checkpoint's record; a key that is absent is an InputError.

    Another version of adr_jax may have written less: only what is used is missed.
    """

    def __init__(self, content: Mapping, place: object):
        super().__init__(content)
        self._place = place

    def __missing__(self, key: str):
        writer = self.get("version", "unknown")
        raise InputError(
            f"{self._place}: its record has no {key!r}: another version of adr_jax "
            f"wrote it ({writer}; this is {version()}); use it with that version, or "
            "train anew in another --workdir"
        )

    def check_complete(self) -> None:
        """Raise InputError where it is not enough to continue the run."""
        for key in KEYS:
            self[key]

    @property
    def statistics(self) -> Statistics:
        """The normalisation of the model."""
        found = Record(self["statistics"], self._place)
        names = [field.name for field in dataclasses.fields(Statistics)]
        return Statistics(**{name: tuple(found[name]) for name in names})


def new_record(config: Configuration, dataset: Dataset) -> dict:
    """Return the record before the first step."""
    found = Statistics.of(dataset)
    statistics = dataclasses.asdict(found)
    moving = config.model.head == "advection"
    learned: dict[str, list] = (
        {"misses": by_lead(config, dataset, found)} if moving else {}
    )
    if config.model.exceedance:
        learned["thresholds"] = _thresholds(config, dataset)
    if dataset.offset:
        learned["offset"] = list(dataset.offset)
    return learned | {
        "step": 0,
        "train_seconds": 0.0,
        "best_score": [],
        "statistics": {name: list(values) for name, values in statistics.items()},
        "fingerprint": dataset.fingerprint,
        "frame_shape": list(dataset.trajectories.frame_shape),
        "channels": list(dataset.channels),
        "frame_interval": dataset.frame_interval,
        "cell_size": dataset.cell_size,
        "device": host.describe_devices(),
        "command": _command(sys.argv),
        "version": version(),
    }


def _command(argv: Sequence[str]) -> str:
    """Return what was typed, also where `python -m` put a file in its place."""
    program, *rest = argv
    if pathlib.Path(program).name == "__main__.py":
        return shlex.join(["python", "-m", "adr_jax", *rest])
    return shlex.join(["python", program, *rest])


def _thresholds(config: Configuration, dataset: Dataset) -> list[float]:
    """Return the thresholds whose exceedance is forecast.

    Raises:
      InputError: the data set has none, or the network has another head.
    """
    if config.model.head != "advection":
        config.model.refuse("exceedance", "False with that model.head")
    if not dataset.thresholds:
        config.model.refuse("exceedance", f"False: {dataset.name} has no thresholds")
    return list(dataset.thresholds)


def version() -> str:
    """Return this version of adr_jax."""
    return importlib.metadata.version("adr_jax")
