"""The HDF5 layout of PDEBench: one group per trajectory, read lazily.

`0000/data` is float32 (time, x, y, channels), `0000/grid/x|y|t` its grid; keys are
seeds. Trajectories may differ in their number of frames. The public files and those
made here are read by the same code.
"""

import pathlib
from collections.abc import Callable, Iterable, Mapping

import h5py
import numpy as np

from adr_jax.data.files import hdf5
from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError

# Of `0000/data`, for messages.
LAYOUT = (
    "floating point (time, x, y, channels) in each trajectory of a PDEBench file: make "
    "or fetch it again"
)


class PDEBenchFile:
    """Trajectories of one file (`contract.Trajectories`); `keys` are its groups."""

    def __init__(self, path: pathlib.Path):
        self.path = pathlib.Path(path)
        self._file = hdf5.open_file(
            self.path,
            "make one with `python -m adr_jax data shallow_water --output "
            f"{self.path}`, or fetch the public one, 2D_rdb_NA_NA.h5, with `python -m "
            "adr_jax data download shallow_water`",
        )
        with reading(self.path):
            members = self._file.items()
            groups = [k for k, member in members if isinstance(member, h5py.Group)]
        self.keys = tuple(sorted(groups))
        if not self.keys:
            raise InputError(
                f"{path}: no trajectory in it; expected groups '0000', '0001', ... as "
                "in PDEBench's files (python -m adr_jax data shallow_water makes one)"
            )
        with reading(self.path):
            self.lengths, self.frame_shape = self._checked_shapes()

    def _checked_shapes(self) -> tuple[list[int], tuple[int, ...]]:
        """Return the frames of each trajectory, and the shape that all frames have.

        Raises:
          InputError: frames differ in shape, or there are none.
        """
        shapes = {
            key: hdf5.variable(self._file, f"{key}/data", 4, "f", LAYOUT).shape
            for key in self.keys
        }
        first = shapes[self.keys[0]]
        for key, shape in shapes.items():
            if shape[1:] != first[1:]:
                raise InputError(
                    f"{self.path}: '{key}/data' has shape {shape} where "
                    f"'{self.keys[0]}/data' has {first}: put other resolutions into a "
                    "file of their own"
                )
            if not shape[0]:
                raise InputError(
                    f"{self.path}: '{key}/data' has no frames: leave it out"
                )
        return [shape[0] for shape in shapes.values()], first[1:]

    def read(self, index: int, start: int, stop: int) -> np.ndarray:
        """Return frames `start` to `stop` of trajectory `index`."""
        key = self.keys[index]
        with reading(f"{self.path}: '{key}/data'"):
            frames = self._file[f"{key}/data"][start:stop].astype(np.float32)
        if not np.isfinite(frames).all():
            frame = start + int(np.argwhere(~np.isfinite(frames))[0][0])
            raise InputError(
                f"{self.path}: '{key}/data' has NaN or infinity, frame {frame}: "
                "mend the file, or make or fetch it again"
            )
        return frames

    def grid(self, axis: str, index: int = 0) -> np.ndarray | None:
        """Return the coordinates of a trajectory along x, y or t, if any."""
        with reading(f"{self.path}: its grid along {axis}"):
            grid = self._file.get(f"{self.keys[index]}/grid/{axis}")
            return None if grid is None else grid[:]


def write(
    path: pathlib.Path,
    trajectories: Iterable[tuple[str, np.ndarray]],
    grid: Mapping[str, np.ndarray],
    attributes: Mapping[str, object],
    progress: Callable[[], object],
) -> None:
    """Write (key, (time, x, y, channels)) pairs, whole or not at all.

    Frames are compressed one by one, so that a window reads only its own.
    """
    with hdf5.created(path) as file:
        file.attrs.update(attributes)
        for key, data in trajectories:
            group = file.create_group(key)
            group.create_dataset(
                "data",
                data=data,
                chunks=(1, *data.shape[1:]),
                compression="gzip",
                compression_opts=1,
                shuffle=True,
            )
            for axis, coordinates in grid.items():
                group[f"grid/{axis}"] = coordinates.astype(np.float32)
            progress()
