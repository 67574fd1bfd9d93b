"""Images of a weather instrument in an HDF5 file: what radar and satellite share.

A variable is (time, rows, columns). The file says when its frames were taken: dataset
`time`, Unix seconds, or attribute `dt_minutes`; and, if it likes, how large a cell is:
attribute `pixel_km`. Attributes of the variable go before those of the file.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import h5py
import numpy as np

from adr_jax.data.contract import without_gaps
from adr_jax.data.files import hdf5
from adr_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class Imagery:
    """A variable of a file, read lazily, and when its frames were taken."""

    # What errors call it.
    name: str
    data: h5py.Dataset
    attributes: Mapping[str, Any]
    # Minutes between frames.
    interval: float
    # First frame of each stretch without a gap in time, and the one after its last.
    stretches: Sequence[tuple[int, int]]

    @classmethod
    def open(
        cls, path: pathlib.Path, variable: str, usual: Sequence[str], remedy: str
    ) -> Self:
        """Opens `variable`, or without a name the first of the `usual` ones.

        Raises:
          InputError: the file is absent (`remedy` says what to do), damaged, or lacks
            the variable or the times of its frames.
        """
        file = hdf5.open_file(path, remedy)
        with hdf5.reading(f"{path}"):
            films = [name for name in file if isinstance(file[name], h5py.Dataset)]
            names = [variable] if variable else [n for n in usual if n in films]
            if not names or names[0] not in films:
                wanted = f"variable '{variable}'" if variable else " or ".join(usual)
                raise InputError(
                    f"{path} has no {wanted}; set config.data.variable to one of its "
                    f"variables: {', '.join(films) or 'there is none'}"
                )
            data = file[names[0]]
            if data.ndim != 3 or data.dtype.kind not in "uif" or not data.size:
                raise InputError(
                    f"{path}: '{names[0]}' is {data.dtype} of shape {data.shape}; "
                    "expected numbers (time, rows, columns): store it so, or name "
                    "another variable in config.data.variable"
                )
            attributes = {**file.attrs, **data.attrs}
            times = file["time"] if "time" in films else None
            interval, stretches = _timing(path, len(data), times, attributes)
        return cls(f"{path}: '{names[0]}'", data, attributes, interval, stretches)

    @property
    def cell_size(self) -> str | None:
        """As "2 km", where the file says."""
        size = self.number("pixel_km")
        return None if size is None else f"{size:g} km"

    @property
    def frame_interval(self) -> str:
        """As "5 min"."""
        return f"{self.interval:g} min"

    def number(self, *names: str) -> float | None:
        """The first of these attributes that there is, if any."""
        for name in names:
            if name in self.attributes:
                with hdf5.reading(f"{self.name}: attribute {name}"):
                    (value,) = np.ravel(self.attributes[name])
                    return float(value)
        return None

    def text(self, name: str) -> str:
        """An attribute in words; "" without it."""
        value = self.attributes.get(name, "")
        return (
            value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        )

    def within(self, start: int, stop: int) -> list[tuple[int, int]]:
        """The stretches, or their parts, between two frames."""
        parts = [(max(a, start), min(b, stop)) for a, b in self.stretches]
        return [(a, b) for a, b in parts if a < b]


def _timing(
    path: pathlib.Path,
    frames: int,
    times: h5py.Dataset | None,
    attributes: Mapping[str, Any],
) -> tuple[float, list[tuple[int, int]]]:
    """Minutes between frames, and the stretches without a gap."""
    if times is None:
        interval = float(attributes.get("dt_minutes", 0))
        if not 0 < interval < np.inf:
            raise InputError(
                f"{path} does not say when its frames were taken; add a dataset "
                "'time' (Unix seconds) or an attribute dt_minutes"
            )
        return interval, [(0, frames)]
    units = str(times.attrs.get("units", "seconds"))
    if times.shape != (frames,) or frames < 2 or not units.startswith("seconds"):
        raise InputError(
            f"{path}: dataset 'time' has shape {times.shape} and units {units!r}; "
            f"expected Unix seconds, one for each of 2 or more frames (here {frames})"
        )
    steps = np.diff(times[:].astype(np.float64))
    if not (steps > 0).all():
        raise InputError(
            f"{path}: the times in 'time' do not grow from frame to frame: sort the "
            "frames by time and leave out doubles"
        )
    return float(np.median(steps)) / 60, without_gaps(steps)
