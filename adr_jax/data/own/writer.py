"""Forecasts in the layout of the file that they continue, as netCDF-4 or npz."""

import pathlib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import h5py
import numpy as np

from adr_jax.data.files import netcdf
from adr_jax.data.own import layout
from adr_jax.data.own.array_sequences import ArraySequences
from adr_jax.data.own.coordinates import Coordinates
from adr_jax.data.own.sequences import PDEBenchSequences, Sequences
from adr_jax.data.own.stacked import StackedSequences

SUFFIXES = (".npz", *netcdf.SUFFIXES)

CONVENTIONS = "CF-1.8"

# Index of a trajectory, and (time, *space, channels).
Forecasts: TypeAlias = Iterable[tuple[int, np.ndarray]]


def write(
    path: pathlib.Path,
    suffix: str,
    source: Sequences,
    forecasts: Forecasts,
    frames_shape: tuple[int, ...],
    attributes: Mapping[str, object],
    dtype: type[np.floating] = np.float32,
) -> None:
    """Write the frames that follow each trajectory of `source`.

    Names and order of axes are those of the source. Values are in its unit, NaN where
    missing. Coordinates of space are copied, times continue at their usual step,
    in their units and calendar. HDF5 files are netCDF-4 whatever their suffix.

    Args:
      path: the new file.
      suffix: its kind, one of SUFFIXES. An npz keeps arrays only, no attributes, and is
        assembled in memory.
      source: the sequences that the forecasts continue.
      forecasts: every trajectory, one after the other.
      frames_shape: (time, *space, channels) of each.
      attributes: attributes of the file, added to those of the source.
      dtype: of the values.
    """
    if suffix == ".npz":
        target = _Npz(dtype)
        _fill(target, source, forecasts, frames_shape)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in target.arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
    else:
        with h5py.File(path, "w") as file:
            file.attrs["Conventions"] = CONVENTIONS
            if not isinstance(source, PDEBenchSequences):
                file.attrs.update(source.file.attributes)
            file.attrs.update(attributes)
            _fill(_Hdf5(file, dtype), source, forecasts, frames_shape)


class _Npz:
    """The arrays of an npz, by name; it has no attributes and no dimensions."""

    def __init__(self, dtype: type[np.floating]):
        self.arrays: dict[str, np.ndarray] = {}
        self._dtype = dtype

    def add_dimension(self, name: str, length: int) -> None:
        """Do nothing."""

    def add_coordinates(self, name: str, along: Coordinates, letter: str) -> None:
        self.arrays[name] = along.values

    def add_fixed(self, name, values, attributes, dimensions) -> None:
        """Do nothing: an npz keeps what varies."""

    def create(
        self, name: str, shape: tuple[int, ...], attributes=None, dimensions=()
    ) -> np.ndarray:
        self.arrays[name] = np.empty(shape, self._dtype)
        return self.arrays[name]


class _Hdf5:
    """A netCDF-4 file, written as HDF5: every dimension is a scale of its arrays."""

    def __init__(self, file: h5py.File, dtype: type[np.floating]):
        self._file, self._dtype = file, dtype

    def add_dimension(self, name: str, length: int) -> None:
        scale = self._file.create_dataset(name, (length,), ">f4")
        scale.make_scale(f"{netcdf.NO_VALUES}.{length:10d}")

    def add_coordinates(self, name: str, along: Coordinates, letter: str) -> None:
        along = layout.as_cf(along, letter)
        dataset = self._file.create_dataset(name, data=along.values)
        dataset.attrs.update(along.attributes)
        dataset.make_scale(name.rpartition("/")[-1])

    def add_fixed(
        self,
        name: str,
        values: np.ndarray,
        attributes: Mapping[str, object],
        dimensions: Sequence[str],
    ) -> None:
        if name not in self._file:
            dataset = self._file.create_dataset(name, data=values)
            self._describe(dataset, attributes, dimensions)

    def create(
        self,
        name: str,
        shape: tuple[int, ...],
        attributes: Mapping[str, object] | None = None,
        dimensions: Sequence[str] = (),
    ) -> h5py.Dataset:
        dataset = self._file.create_dataset(
            name, shape, self._dtype, compression="gzip", compression_opts=1
        )
        self._describe(dataset, attributes or {}, dimensions)
        return dataset

    def _describe(self, dataset, attributes, dimensions) -> None:
        dataset.attrs.update(attributes)
        for axis, scale in enumerate(dimensions):
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
        _fill_arrays(target, source, forecasts, steps=frames_shape[0])


def _fill_arrays(
    target: _Npz | _Hdf5,
    source: ArraySequences | StackedSequences,
    forecasts: Forecasts,
    steps: int,
) -> None:
    """Write arrays with the axes of the source, and what lies along them."""
    shape = source.parts[0].array.shape
    sizes = dict(zip(source.axes, shape, strict=True)) | {"t": steps}
    coordinates = dict(source.coordinates)
    if len(set(source.lengths)) > 1:  # they end at different times
        coordinates.pop("t", None)
    coordinates = _continued(coordinates, steps)
    dimensions = layout.dimensions(source.parts, sizes, coordinates)
    for (name, length, along), letter in zip(dimensions, source.axes, strict=True):
        if along is None:
            target.add_dimension(name, length)
        else:
            target.add_coordinates(name, along, letter)
    created = [_create(target, part, dimensions) for part in source.parts]
    stops = np.cumsum([part.channels for part in source.parts])
    for index, frames in forecasts:
        slices = {"n": slice(index, index + 1)}
        cells = tuple(slices.get(letter, slice(None)) for letter in source.axes)
        by_part = np.split(frames[None], stops[:-1], axis=-1)
        for part, values, channels in zip(source.parts, created, by_part, strict=True):
            values[cells] = part.as_stored(channels)


def _create(
    target: _Npz | _Hdf5, part: ArraySequences, dimensions: Sequence[layout.Dimension]
) -> np.ndarray | h5py.Dataset:
    """Create an empty array like one of the source, and what its attributes name."""
    fixed = {
        name: length
        for (name, length, _), letter in zip(dimensions, part.axes, strict=True)
        if letter not in "tc"
    }
    references = layout.references(part, fixed)
    for array in references.values():
        values = part.file.read(array)
        target.add_fixed(array.name, values, array.attributes, array.dimensions)
    return target.create(
        part.variable,
        tuple(dimension.length for dimension in dimensions),
        layout.attributes_of(part.array, references),
        [dimension.name for dimension in dimensions],
    )


def _fill_groups(
    target: _Npz | _Hdf5, source: PDEBenchSequences, forecasts: Forecasts, steps: int
) -> None:
    """Write PDEBench's layout: a group for each trajectory, with its grid."""
    for index, frames in forecasts:
        grid = _continued(source.coordinates_of(index), steps)
        key = source.keys[index]
        target.create(f"{key}/data", frames.shape)[...] = frames
        for axis, along in grid.items():
            target.add_coordinates(f"{key}/grid/{axis}", along, letter="")


def _continued(
    coordinates: Mapping[str, Coordinates], steps: int
) -> dict[str, Coordinates]:
    """Return coordinates of space as they are, and the times that follow, if known."""
    continued = {letter: c for letter, c in coordinates.items() if letter != "t"}
    times = coordinates["t"].continued(steps) if "t" in coordinates else None
    if times is not None:
        continued["t"] = times
    return continued
