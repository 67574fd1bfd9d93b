"""CloudCast's files and folders of frames: opened, checked, read lazily."""

import pathlib
from typing import Protocol

import h5py
import numpy as np
from jaxtyping import UInt8

from adr_jax.data.contract import continuous_spans
from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError

# A prime far above the number of chunks of a file: two of them seldom want one place.
CACHE_SLOTS = 100_003


class Part(Protocol):
    """A file or folder of frames in the order of time."""

    path: pathlib.Path
    frames: int
    # (rows, columns)
    grid: tuple[int, ...]
    # Stretches in which time does not jump: first frame, and the one after the last.
    spans: list[tuple[int, int]]

    def read(self, start: int, stop: int) -> UInt8[np.ndarray, "time rows columns"]:
        """Raw values of frames `start` to `stop`."""
        ...


class NetCDFPart:
    """A netCDF-4 file with one variable of three axes, (lat, lon, time)."""

    def __init__(self, path: pathlib.Path, cache_bytes: int):
        self.path = path
        cache = {"rdcc_nbytes": cache_bytes, "rdcc_nslots": CACHE_SLOTS}
        with reading(path):
            file = h5py.File(path, "r", **cache)
            held = {k: v for k, v in file.items() if isinstance(v, h5py.Dataset)}
        labels = [variable for variable in held.values() if variable.ndim == 3]
        if len(labels) != 1:
            names = ", ".join(f"{k} {v.shape}" for k, v in held.items()) or "nothing"
            raise InputError(
                f"{path} holds {names}; expected one variable of three axes (lat, lon, "
                "time), CloudCast's `__xarray_dataarray_variable__`: fetch it again"
            )
        self._labels = labels[0]
        rows, columns, self.frames = self._labels.shape
        self.grid = (rows, columns)
        if rows != columns:
            raise InputError(
                f"{path}: shape {self._labels.shape}; expected (lat, lon, time), time "
                "last and as many rows as columns: transpose it, or fetch it again"
            )
        _check_dtype(self._labels.dtype, path)
        self.spans = _spans(self._times(held.get("time")), self.frames, path)

    def _times(self, time: h5py.Dataset | None) -> np.ndarray | None:
        """When each frame was taken, in a unit of the file's own, if it says so."""
        with reading(self.path):
            if time is None or "since" not in str(time.attrs.get("units")):
                return None
            return time[:]

    def read(self, start: int, stop: int) -> UInt8[np.ndarray, "time rows columns"]:
        """Raw values of frames `start` to `stop`."""
        with reading(self.path):
            labels = self._labels[..., start:stop]
        return _as_bytes(np.moveaxis(labels, -1, 0), self.path)


class NumpyPart:
    """A folder of `{i}.npy`, one frame each, with TIMESTAMPS.npy beside them."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        # By number: as text, 10 comes before 2.
        files = {int(p.stem): p for p in path.glob("*.npy") if p.stem.isdigit()}
        if not files:
            raise InputError(
                f"{path}: no frame in it; expected 0.npy, 1.npy, ...: fetch it again"
            )
        numbers = range(min(files), max(files) + 1)
        missing = [number for number in numbers if number not in files]
        if missing:
            raise InputError(
                f"{path}: {missing[0]}.npy is missing, one of {len(missing)} between "
                f"{numbers[0]}.npy and {numbers[-1]}.npy: fetch the folder again"
            )
        self._files = [files[number] for number in numbers]
        self.frames = len(files)
        first = _load(self._files[0])
        self.grid = first.shape
        if len(self.grid) != 2 or self.grid[0] != self.grid[1]:
            raise InputError(
                f"{self._files[0]}: shape {self.grid}; expected (lat, lon), as many "
                "rows as columns: fetch it again"
            )
        _check_dtype(first.dtype, self._files[0])
        self.spans = _spans(self._times(), self.frames, path)

    def _times(self) -> np.ndarray | None:
        """When each frame was taken, where that is told as dates."""
        path = self.path / "TIMESTAMPS.npy"
        times = _load(path) if path.exists() else np.arange(self.frames)
        if times.shape[:1] != (self.frames,):
            raise InputError(
                f"{path} has shape {times.shape} for {self.frames} frames; expected an "
                "entry a frame: fetch the folder again"
            )
        return times if times.dtype.kind == "M" else None

    def read(self, start: int, stop: int) -> UInt8[np.ndarray, "time rows columns"]:
        """Raw values of frames `start` to `stop`."""
        return np.stack([self._frame(path) for path in self._files[start:stop]])

    def _frame(self, path: pathlib.Path) -> np.ndarray:
        frame = _load(path)
        if frame.shape != self.grid:
            raise InputError(
                f"{path} has shape {frame.shape} where {self._files[0].name} has "
                f"{self.grid}: fetch it again"
            )
        _check_dtype(frame.dtype, path)
        return _as_bytes(frame, path)


def _load(path: pathlib.Path) -> np.ndarray:
    """Return the array in a .npy file; pickled objects are never loaded."""
    with reading(path, "fetch it again"):
        return np.load(path, allow_pickle=False)


def _check_dtype(dtype: np.dtype, path: pathlib.Path) -> None:
    if dtype.kind not in "iu":
        raise InputError(
            f"{path} holds {dtype}; expected integers, CloudCast's raw cloud types "
            "from 0 to 255: fetch it again"
        )


def _as_bytes(labels: np.ndarray, path: pathlib.Path) -> np.ndarray:
    # Of one byte, signed or not, all 256 patterns are raw values.
    if labels.itemsize > 1 and (labels.min() < 0 or labels.max() > 255):
        raise InputError(
            f"{path} holds values from {labels.min()} to {labels.max()}; expected "
            "CloudCast's raw cloud types from 0 to 255: fetch it again"
        )
    return labels.astype(np.uint8)


def _spans(
    times: np.ndarray | None, frames: int, path: pathlib.Path
) -> list[tuple[int, int]]:
    """Stretches between steps of time more than half as long again as is usual."""
    if times is None or frames < 2:
        return [(0, frames)]
    if len(times) != frames:
        raise InputError(
            f"{path} tells {len(times)} times for {frames} frames: fetch it again"
        )
    steps = np.diff(times).astype(float)
    stuck = np.flatnonzero(~(steps > 0)) + 1
    if stuck.size:
        raise InputError(
            f"{path}: time does not advance from frame {stuck[0] - 1} to {stuck[0]}: "
            "fetch it again, or bring its frames in order"
        )
    return continuous_spans(steps)
