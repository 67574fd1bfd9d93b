"""Forecasts in the layout of the file that they continue, as HDF5 or npz."""

import pathlib
import zipfile
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import h5py
import numpy as np

from adr_jax.data.files.arrays import HDF5
from adr_jax.data.files.packing import ATTRIBUTES
from adr_jax.data.own.coordinates import Coordinates
from adr_jax.data.own.sequences import ArraySequences, PDEBenchSequences, Sequences

SUFFIXES = (".npz", *HDF5)

# Index of a trajectory, and (time, *space, channels).
Forecasts: TypeAlias = Iterable[tuple[int, np.ndarray]]


def write(
    path: pathlib.Path,
    suffix: str,
    source: Sequences,
    forecasts: Forecasts,
    frames_shape: tuple[int, ...],
    attributes: Mapping[str, object],
) -> None:
    """Write the frames that follow each trajectory of `source`.

    Names and order of axes are those of the source. Values are float32 in its unit, NaN
    where missing. Coordinates of space are copied, times continue at their usual step.

    Args:
      path: the new file.
      suffix: its kind, one of SUFFIXES. An npz keeps arrays only, no attributes, and is
        assembled in memory.
      source: the sequences that the forecasts continue.
      forecasts: every trajectory, one after the other.
      frames_shape: (time, *space, channels) of each; it may have only the first
        channels of the source.
      attributes: attributes of the file, added to those of the source.
    """
    if suffix == ".npz":
        target = _Npz()
        _fill(target, source, forecasts, frames_shape)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in target.arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
    else:
        with h5py.File(path, "w") as file:
            if isinstance(source, ArraySequences):
                file.attrs.update(source.file.attributes)
            file.attrs.update(attributes)
            _fill(_Hdf5(file), source, forecasts, frames_shape)


class _Npz:
    """The arrays of an npz, by name."""

    def __init__(self):
        self.arrays: dict[str, np.ndarray] = {}

    def create(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        self.arrays[name] = np.empty(shape, np.float32)
        return self.arrays[name]

    def add_coordinates(self, name: str, along: Coordinates) -> None:
        self.arrays[name] = along.values

    def describe(self, name, attributes, scales) -> None:
        """Do nothing: an npz has no attributes."""


class _Hdf5:
    """An HDF5 file; netCDF's dimensions are scales of its arrays."""

    def __init__(self, file: h5py.File):
        self._file = file

    def create(self, name: str, shape: tuple[int, ...]) -> h5py.Dataset:
        return self._file.create_dataset(
            name, shape, np.float32, compression="gzip", compression_opts=1
        )

    def add_coordinates(self, name: str, along: Coordinates) -> None:
        values, attributes = along.values, dict(along.attributes)
        if values.dtype.kind == "M":  # HDF5 knows no dates
            values = values.astype("M8[s]").astype(np.int64)
            attributes["units"] = "seconds since 1970-01-01"
        dataset = self._file.create_dataset(name, data=values)
        dataset.attrs.update(attributes)
        dataset.make_scale(name)

    def describe(
        self, name: str, attributes: Mapping[str, object], scales: Mapping[int, str]
    ) -> None:
        dataset = self._file[name]
        dataset.attrs.update(attributes)
        for axis, scale in scales.items():
            dataset.dims[axis].attach_scale(self._file[scale])


def _fill(
    target: _Npz | _Hdf5,
    source: Sequences,
    forecasts: Forecasts,
    frames_shape: tuple[int, ...],
) -> None:
    if isinstance(source, PDEBenchSequences):
        _fill_groups(target, source, forecasts, steps=frames_shape[0])
    else:
        _fill_array(target, source, forecasts, frames_shape)


def _fill_array(
    target: _Npz | _Hdf5,
    source: ArraySequences,
    forecasts: Forecasts,
    frames_shape: tuple[int, ...],
) -> None:
    """Write one array with the axes of the source, and its coordinates."""
    new_sizes = {"t": frames_shape[0], "c": frames_shape[-1]}
    sizes = dict(zip(source.axes, source.array.shape, strict=True)) | new_sizes
    shape = tuple(sizes[letter] for letter in source.axes)
    values = target.create(source.variable, shape)
    for index, frames in forecasts:
        slices = {"n": slice(index, index + 1)}
        cells = tuple(slices.get(letter, slice(None)) for letter in source.axes)
        values[cells] = source.as_stored(frames[None])
    stated = source.array.attributes.items()
    attributes = {name: value for name, value in stated if name not in ATTRIBUTES}
    scales = {}
    for letter, along in _continued(source.coordinates, frames_shape[0]).items():
        if len(along.values) == sizes[letter]:
            target.add_coordinates(along.name, along)
            scales[source.axes.index(letter)] = along.name
    target.describe(source.variable, attributes, scales)


def _fill_groups(
    target: _Npz | _Hdf5, source: PDEBenchSequences, forecasts: Forecasts, steps: int
) -> None:
    """Write PDEBench's layout: a group for each trajectory, with its grid."""
    grid = _continued(source.coordinates, steps)
    for index, frames in forecasts:
        key = source.keys[index]
        target.create(f"{key}/data", frames.shape)[...] = frames
        for axis, along in grid.items():
            target.add_coordinates(f"{key}/grid/{axis}", along)


def _continued(
    coordinates: Mapping[str, Coordinates], steps: int
) -> dict[str, Coordinates]:
    """Return coordinates of space as they are, and the times that follow, if known."""
    continued = {letter: c for letter, c in coordinates.items() if letter != "t"}
    times = coordinates["t"].continued(steps) if "t" in coordinates else None
    if times is not None:
        continued["t"] = times
    return continued
