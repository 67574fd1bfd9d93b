"""CloudCast's files and folders of frames: opened, checked, read lazily."""

import pathlib
from typing import Protocol

import h5py
import numpy as np
from jaxtyping import UInt8

from adr_jax.data.contract import continuous_spans
from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError

# A prime far above the number of chunks of a file: two of them seldom share a slot.
CACHE_SLOTS = 100_003


class Part(Protocol):
    """A file or folder of frames in the order of time."""

    path: pathlib.Path
    frames: int
    # (rows, columns)
    grid: tuple[int, ...]
    # Spans of frames without a jump in time.
    spans: list[tuple[int, int]]

    def read(self, start: int, stop: int) -> UInt8[np.ndarray, "time rows columns"]:
        """Return raw values of frames `start` to `stop`."""
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
        """Return the time of each frame, in the file's own unit, if it has them."""
        with reading(self.path):
            if time is None or "since" not in str(time.attrs.get("units")):
                return None
            return time[:]

    def read(self, start: int, stop: int) -> UInt8[np.ndarray, "time rows columns"]:
        """Return raw values of frames `start` to `stop`."""
        with reading(self.path):
            labels = self._labels[..., start:stop]
        return _as_bytes(np.moveaxis(labels, -1, 0), self.path)


class NumpyPart:
    """A folder of `{i}.npy`, one frame each, with TIMESTAMPS.npy beside them."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        # In the order of numbers, in which 2 comes before 10.
        files = {int(p.stem): p for p in path.glob("*.npy") if p.stem.isdigit()}
        if not files:
            raise InputError(
                f"{path}: no frame in it; expected 0.npy, 1.npy, ...: fetch it again"
            )
        first, last = min(files), max(files)
        missing = sorted(set(range(first, last)) - set(files))
        if missing:
            raise InputError(
                f"{path}: {missing[0]}.npy is missing, one of {len(missing)} between "
                f"{first}.npy and {last}.npy: fetch the folder again"
            )
        self._files = [file for _, file in sorted(files.items())]
        self.frames = len(files)
        frame = _load(self._files[0])
        self.grid = frame.shape
        if len(self.grid) != 2 or self.grid[0] != self.grid[1]:
            raise InputError(
                f"{self._files[0]}: shape {self.grid}; expected (lat, lon), as many "
                "rows as columns: fetch it again"
            )
        _check_dtype(frame.dtype, self._files[0])
        self.spans = _spans(self._times(), self.frames, path)

    def _times(self) -> np.ndarray | None:
        """Return the time of each frame where TIMESTAMPS.npy holds dates."""
        path = self.path / "TIMESTAMPS.npy"
        times = _load(path) if path.exists() else np.arange(self.frames)
        if times.shape[:1] != (self.frames,):
            raise InputError(
                f"{path} has shape {times.shape} for {self.frames} frames; expected an "
                "entry a frame: fetch the folder again"
            )
        return times if times.dtype.kind == "M" else None

    def read(self, start: int, stop: int) -> UInt8[np.ndarray, "time rows columns"]:
        """Return raw values of frames `start` to `stop`."""
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
    """Return raw values as bytes; InputError where one is out of range."""
    # In one byte, signed or not, all 256 patterns are raw values.
    if labels.itemsize > 1 and (labels.min() < 0 or labels.max() > 255):
        raise InputError(
            f"{path} holds values from {labels.min()} to {labels.max()}; expected "
            "CloudCast's raw cloud types from 0 to 255: fetch it again"
        )
    return labels.astype(np.uint8)


def _spans(
    times: np.ndarray | None, frames: int, path: pathlib.Path
) -> list[tuple[int, int]]:
    """Return the spans of frames without a jump in time."""
    if times is None or frames < 2:
        return [(0, frames)]
    if len(times) != frames:
        raise InputError(
            f"{path} has {len(times)} times for {frames} frames: fetch it again"
        )
    return continuous_spans(times, path)
