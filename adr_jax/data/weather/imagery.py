"""Images of a weather instrument, radar or satellite, in an HDF5 file.

A variable is (time, rows, columns). The times of its frames are a dataset `time`, Unix
seconds, or follow from an attribute `dt_minutes`. An attribute `pixel_km` may state the
size of a cell. Attributes of the variable take precedence over those of the file.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import h5py
import numpy as np

from adr_jax.data.contract import continuous_spans, data_file
from adr_jax.data.files import hdf5
from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError
from adr_jax.options import DataOptions

LAYOUT = (
    "numbers (time, rows, columns): store it so, or name another variable in "
    "config.data.variable"
)


@dataclasses.dataclass(frozen=True)
class Stored:
    """A variable of a file, read lazily, and what attributes say of it."""

    # As in messages: the file and the variable.
    name: str
    data: h5py.Dataset
    # Those of the variable, then those of the file.
    attributes: Mapping[str, Any]

    def number(self, *names: str) -> float | None:
        """Return the first of these attributes that the file has, if any."""
        for name in names:
            if name in self.attributes:
                with reading(f"{self.name}: attribute {name}"):
                    (value,) = self.numbers(name)
                    return value
        return None

    def numbers(self, name: str) -> list[float]:
        """Return the numbers of an attribute, which the file has."""
        with reading(f"{self.name}: attribute {name}"):
            return [float(value) for value in np.ravel(self.attributes[name])]

    def text(self, name: str) -> str:
        """Return an attribute as text, "" without it."""
        return hdf5.text(self.attributes.get(name, ""))


@dataclasses.dataclass(frozen=True)
class Imagery(Stored):
    """A variable (time, rows, columns), and when its frames were taken."""

    # Minutes between frames.
    interval: float
    # Spans of frames without a gap in time.
    spans: Sequence[tuple[int, int]]

    @classmethod
    def open(cls, config: DataOptions, usual: Sequence[str], remedy: str) -> Self:
        """Open data.variable of data.path, or the first of `usual` where it is "".

        Raises:
          InputError: no file is named or it is absent, which `remedy` ends, it is
            damaged, or lacks the variable or the times of its frames.
        """
        if not config.path:
            raise InputError(f"config.data.path is empty; {remedy}")
        path, variable = data_file(config.root, config.path), config.variable
        file = hdf5.open_file(path, remedy)
        with reading(path):
            name = choose(file, variable, usual)
            data = hdf5.variable(file, name, 3, "uif", LAYOUT)
            if not data.size:
                raise InputError(f"{path}: '{name}' is empty; expected {LAYOUT}")
            attributes = {**file.attrs, **data.attrs}
            times = file.get("time")
            interval, spans = _timing(path, len(data), times, attributes)
        return cls(f"{path}: '{name}'", data, attributes, interval, spans)

    @property
    def cell_size(self) -> str | None:
        """The size of a cell, as "2 km", where the file states it."""
        size = self.number("pixel_km")
        return None if size is None else f"{size:g} km"

    @property
    def frame_interval(self) -> str:
        """The time between frames, as "5 min"."""
        return f"{self.interval:g} min"


def choose(file: h5py.File, variable: str, usual: Sequence[str]) -> str:
    """Return `variable`, or the first of `usual` in the file where it is "".

    Raises:
      InputError: the file has none of them.
    """
    films = [name for name in file if isinstance(file[name], h5py.Dataset)]
    wanted = [variable] if variable else usual
    name = next((name for name in wanted if name in films), None)
    if name is None:
        raise InputError(
            f"{file.filename} has no variable {' or '.join(wanted)}; set "
            "config.data.variable to one of its variables: "
            f"{', '.join(films) or 'there is none'}"
        )
    return name


def _timing(
    path: pathlib.Path,
    frames: int,
    times: h5py.Dataset | None,
    attributes: Mapping[str, Any],
) -> tuple[float, list[tuple[int, int]]]:
    """Return the minutes between frames, and the spans without a gap."""
    if times is None:
        interval = float(attributes.get("dt_minutes", 0))
        if not 0 < interval < np.inf:
            raise InputError(
                f"{path} does not say when its frames were taken; add a dataset "
                "'time' (Unix seconds) or an attribute dt_minutes"
            )
        return interval, [(0, frames)]
    units = hdf5.text(times.attrs.get("units", "seconds"))
    if times.shape != (frames,) or frames < 2 or not units.startswith("seconds"):
        raise InputError(
            f"{path}: dataset 'time' has shape {times.shape} and units {units!r}; "
            f"expected Unix seconds, one for each of 2 or more frames (here {frames})"
        )
    seconds = times[:].astype(np.float64)
    spans = continuous_spans(seconds, path)
    return float(np.median(np.diff(seconds))) / 60, spans
