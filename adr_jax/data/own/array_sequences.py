"""Trajectories of one array of a file."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Shaped

from adr_jax.data.files.array_file import Array, ArrayFile
from adr_jax.data.files.axes import ORDER, space_of
from adr_jax.data.files.packing import Packing
from adr_jax.data.own.coordinates import Coordinates
from adr_jax.data.own.timeline import Timeline
from adr_jax.errors import InputError

# The array of a file that states the frames of each trajectory, where they differ.
LENGTHS = "trajectory_lengths"


class ArraySequences:
    """Trajectories of one array of a file; `keys` are their indices.

    `axes` names each axis of the array by a letter of `files.axes`. A level of length 1
    is no axis of the frames. Frames are in the order of their times.
    """

    def __init__(self, file: ArrayFile, array: Array, axes: str):
        self.file, self.array, self.axes = file, array, axes
        self.path, self.variable = file.path, array.name
        self.name = f"{file.path}: {array}"
        self._sizes = dict(zip(axes, array.shape, strict=True))
        levels = "z" if self._sizes.get("z") == 1 else ""
        self.space = "".join(a for a in space_of(axes) if a not in levels)
        shape = (self._sizes[letter] for letter in self.space)
        self.frame_shape = (*shape, self._sizes.get("c", 1))
        self.keys = tuple(map(str, range(self._sizes.get("n", 1))))
        self.packing = Packing.from_attributes(
            array.dtype, array.attributes, self.name, array.unwritten
        )
        self.data_range = self.packing.data_range
        # What `read` subtracts from each channel, where float32 would round away what
        # varies.
        self.offset: tuple[float, ...] = ()

    @functools.cached_property
    def timeline(self) -> Timeline:
        """The frames that count, in the order of time."""
        times = self._stored_coordinates.get("t")
        return Timeline.of(self._sizes["t"], times and times.values, self.name)

    @property
    def lengths(self) -> list[int]:
        """The number of frames of each trajectory.

        Where they differ, the array LENGTHS states them, and the rest is padding.
        """
        return self._lengths

    @functools.cached_property
    def _lengths(self) -> list[int]:
        frames = len(self.timeline.frames)
        stated = self.file.arrays.get(LENGTHS)
        if stated is None or "n" not in self.axes:
            return [frames] * len(self.keys)
        lengths = self.file.read(stated)
        if (
            lengths.shape != (len(self.keys),)
            or lengths.dtype.kind not in "iu"
            or not ((lengths > 0) & (lengths <= frames)).all()
        ):
            raise InputError(
                f"{self.path}: expected {len(self.keys)} numbers of frames in "
                f"{LENGTHS}, one for each trajectory, from 1 to {frames}"
            )
        return lengths.tolist()

    @property
    def spans(self) -> Sequence[tuple[int, int]]:
        """Stretches of frames without a gap in time."""
        return self.timeline.spans

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was done about the frames, for people."""
        least, most = min(self.lengths), max(self.lengths)
        differ = f"trajectories have {least} to {most} frames"
        return self.timeline.notes + (differ,) * (least < most)

    @property
    def channels(self) -> int:
        """The number of channels."""
        return self.frame_shape[-1]

    @property
    def parts(self) -> "tuple[ArraySequences, ...]":
        """The arrays whose channels follow each other: this one alone."""
        return (self,)

    def read(
        self, index: int, start: int, stop: int
    ) -> Float[np.ndarray, "time *space channels"]:
        """Return frames `start` to `stop` of a trajectory, NaN where missing.

        They are float32, and counted from `offset`.
        """
        if self.offset:
            counted = self.values(index, start, stop) - np.array(self.offset)
            frames = counted.astype(np.float32)
        else:
            frames = self.packing.unpack(self._stored(index, start, stop))
        if np.isinf(frames).any():
            frame, *cell = map(int, np.argwhere(np.isinf(frames))[0])
            raise InputError(
                f"{self.name}: infinite, or too large for float32, in trajectory "
                f"{index}, frame {start + frame}, cell {tuple(cell[:-1])}, channel "
                f"{cell[-1]}: write NaN where a value is missing"
            )
        return frames

    def values(
        self, index: int, start: int, stop: int
    ) -> Float[np.ndarray, "time *space channels"]:
        """Return frames as float64, in the unit of the file, NaN where missing."""
        return self.packing.unpack(self._stored(index, start, stop), np.float64)

    def _stored(self, index: int, start: int, stop: int) -> np.ndarray:
        """Return frames as stored, (time, *space, channels)."""

        def fetch(first: int, last: int) -> np.ndarray:
            slices = {"n": slice(index, index + 1), "t": slice(first, last)}
            stored = self.file.read(
                self.array, *(slices.get(letter, slice(None)) for letter in self.axes)
            )
            return np.transpose(stored, self._order).reshape(-1, *self.frame_shape)

        wanted = self.timeline.frames[start:stop]
        if not len(wanted) or wanted.max() - wanted.min() + 1 != len(wanted):
            parts = [fetch(frame, frame + 1) for frame in wanted]
            return np.ma.concatenate(parts) if parts else fetch(0, 0)
        first = int(wanted.min())
        return fetch(first, first + len(wanted))[wanted - first]

    def as_stored(
        self, frames: Shaped[np.ndarray, "trajectories time *space channels"]
    ) -> np.ndarray:
        """Return frames with the axes of the file, in its order."""
        sizes = {"n": len(frames), "t": frames.shape[1], "c": frames.shape[-1]}
        ordered = [letter for letter in ORDER if letter in self.axes]
        shape = [sizes.get(letter, self._sizes[letter]) for letter in ordered]
        return frames.reshape(shape).transpose(np.argsort(self._order))

    @property
    def _order(self) -> list[int]:
        return [self.axes.index(letter) for letter in ORDER if letter in self.axes]

    @property
    def coordinates(self) -> Mapping[str, Coordinates]:
        """Coordinates along the axes, by letter, where the file has them."""
        found = dict(self._stored_coordinates)
        if "t" in found:
            ordered = found["t"].values[self.timeline.frames]
            found["t"] = dataclasses.replace(found["t"], values=ordered)
        return found

    @functools.cached_property
    def _stored_coordinates(self) -> Mapping[str, Coordinates]:
        found = {}
        for letter, name in zip(self.axes, self.array.dimensions, strict=True):
            along = Coordinates.of(self.file, name, self._sizes[letter], letter)
            if along is not None and (letter == "t" or along.is_known):
                found[letter] = along
        return found

    @property
    def unit(self) -> str:
        """The unit of the values, "" where the file does not state it."""
        unit = self.array.attributes.get("units", "")
        return unit if isinstance(unit, str) else ""
