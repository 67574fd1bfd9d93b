"""A user's file described in words, with the command that trains on it."""

import dataclasses
import pathlib
import shlex
from collections.abc import Iterator
from typing import Self

import numpy as np

from adr_jax.data.files.array_file import Array
from adr_jax.data.files.arrays import open_arrays
from adr_jax.data.files.axes import explain_axes
from adr_jax.data.files.packing import NO_FILL
from adr_jax.data.own import extremes
from adr_jax.data.own.array_sequences import ArraySequences
from adr_jax.data.own.sequences import (
    PDEBenchSequences,
    Sequences,
    cell_size,
    frame_interval,
    open_sequences,
)
from adr_jax.data.own.stacked import StackedSequences
from adr_jax.data.own.summary import Summary
from adr_jax.operators.motion import estimate_motion
from adr_jax.operators.trajectory import extrapolate

# Windows of the file, evenly spread, that are looked at, and the frames of each.
WINDOWS, FRAMES = 16, 4
# Arrays and attributes listed.
LISTED = 12


def describe(
    path: pathlib.Path, variable: str = "", axes: str = "", fill: str = ""
) -> Iterator[str]:
    """Yield lines to print, each as soon as it is known.

    Arguments are those of `open_sequences`.

    Raises:
      InputError: as `open_sequences`, after the lines about all arrays.
    """
    arrays = list(open_arrays(path).arrays.values())
    yield str(path)
    for array in arrays[:LISTED]:
        yield f"  {_array(array)}"
    if len(arrays) > LISTED:
        yield f"  and {len(arrays) - LISTED} more"
    sequences = open_sequences(path, variable, axes, fill)
    yield from _meaning(sequences)
    for part in sequences.parts or (sequences,):
        if len(sequences.parts) > 1:
            yield f"{part.variable}:"
        yield from _numbers(part, Changes.measure(part), asks=not fill)
    yield "to train on it:"
    yield f"  {command(sequences, fill)}"


@dataclasses.dataclass(frozen=True)
class Changes:
    """Changes between frames: errors of the simplest forecasts, and motion."""

    # Root mean squares over all channels, NaN where no cell was known: of the last
    # frame, of the line through two, and of the last frame carried along the motion.
    persistence: float
    extrapolation: float
    advected: float
    # Displacements in cells a frame, (windows, axes): the median of the cells that
    # change, for each window in which some do.
    motion: np.ndarray

    @classmethod
    def measure(cls, sequences: Sequences) -> Self:
        """Measure the changes in windows spread over the file."""
        windows = [
            (index, start)
            for index, length in enumerate(sequences.lengths)
            for first, last in sequences.spans
            if min(last, length) - first > 2
            for start in range(first, max(min(last, length) - FRAMES, first) + 1)
        ]
        count = min(WINDOWS, len(windows))
        chosen = np.linspace(0, len(windows) - 1, count).astype(int)
        squares, counts, motion = np.zeros(3), np.zeros(3), []
        for index, start in (windows[k] for k in chosen):
            last = next(last for _, last in sequences.spans if start < last)
            stop = min(start + FRAMES, last, sequences.lengths[index])
            frames = sequences.read(index, start, stop).astype(np.float64)
            before, last, after = frames[-3:]
            forecasts = last, 2 * last - before, _carried(frames[:-1])
            for kind, forecast in enumerate(forecasts):
                error = after - forecast
                squares[kind] += np.nansum(np.square(error))
                counts[kind] += np.count_nonzero(~np.isnan(error))
            changing = np.any(np.isfinite(after) & (after != last), axis=-1)
            if changing.any():
                motion.append(_median_motion(frames, changing))
        still, line, carried = np.sqrt(squares / np.where(counts, counts, np.nan))
        moved = np.reshape(motion, (-1, len(sequences.frame_shape) - 1))
        return cls(float(still), float(line), float(carried), moved)


def _motion(frames: np.ndarray) -> np.ndarray:
    """Return the displacement of each cell, in cells a frame."""
    return np.asarray(estimate_motion(_finite(frames), axes=frames.ndim - 2))


def _median_motion(frames: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return the median displacement of some cells, in cells a frame, (axes,)."""
    return np.median(_motion(frames)[where], axis=0)


def _carried(frames: np.ndarray) -> np.ndarray:
    """Return the last frame carried along the motion of all; NaN where unknown."""
    last = _finite(frames[-1])
    if np.isnan(frames).all():
        return last
    return np.asarray(extrapolate(last, _motion(frames), 1, boundary="clamp"))[0]


def _finite(frames: np.ndarray) -> np.ndarray:
    """Return frames for operators: infinities are reported elsewhere."""
    return np.where(np.isfinite(frames), frames, np.nan).astype(np.float32)


def command(sequences: Sequences, fill: str = "") -> str:
    """Return the command that trains on what was inspected."""
    flags = [f"--config.data.path={sequences.path}"]
    if not isinstance(sequences, PDEBenchSequences):
        if len(sequences.file.candidates()) > 1:
            flags.append(f"--config.data.variable={sequences.variable}")
        flags.append(f"--config.data.axes={sequences.axes}")
    if fill:
        flags.append(f"--config.data.fill={fill}")
    return shlex.join(["python", "train.py", "--config=configs/own.py", *flags])


def _array(array: Array) -> str:
    attributes = list(array.attributes.items())[:LISTED]
    listed = "; ".join(f"{name} {value}" for name, value in attributes)
    return f"{array}: {' '.join(listed.split())}" if listed else str(array)


def _meaning(sequences: Sequences) -> Iterator[str]:
    """Yield the layout that is assumed, cell size and frame interval."""
    if not isinstance(sequences, PDEBenchSequences):
        read_as = explain_axes(sequences.axes, sequences.parts[0].array.shape)
        yield f"read as: {sequences.variable}, axes {sequences.axes}: {read_as}"
        yield from _together(sequences)
    else:
        shape = " x ".join(map(str, sequences.frame_shape))
        frames = sorted({min(sequences.lengths), max(sequences.lengths)})
        yield (
            f"read as: PDEBench's layout, {len(sequences.keys)} trajectories of "
            f"{' to '.join(map(str, frames))} frames of {shape}"
        )
    yield f"cell size: {cell_size(sequences) or 'not stated, or not uniform'}"
    yield f"frame interval: {frame_interval(sequences) or _irregular(sequences)}"
    for note in sequences.notes:
        yield f"note: {note}"


def _together(sequences: ArraySequences | StackedSequences) -> Iterator[str]:
    """Yield how to take all arrays of one shape as channels, unless they are."""
    alike = sequences.file.names_like(sequences.parts[0].array)
    if len(alike) > len(sequences.parts):
        yield (
            f"of the same shape: {', '.join(alike)}; together, as channels of one "
            f"model: --variable {','.join(alike)}"
        )


def _irregular(sequences: Sequences) -> str:
    times = sequences.coordinates.get("t")
    if times is None or times.step is None:
        return "not stated"
    steps = np.diff(times.values)
    return (
        f"not uniform: {steps.min()} to {steps.max()}, mostly {times.step}; frames may "
        "be missing, which a model sees as sudden changes"
    )


def _numbers(sequences: Sequences, changes: Changes, *, asks: bool) -> Iterator[str]:
    summary = Summary.read(sequences)
    yield f"unit: {sequences.unit or 'not stated'}"
    yield (
        f"values of {summary.frames} frames: {summary.minimum:g} to "
        f"{summary.maximum:g}, mean {np.mean(summary.mean):.4g}, "
        f"{100 * summary.missing:.3g} % missing"
    )
    for suspect in extremes.suspects(sequences) if asks else ():
        yield (
            f"asked about: {suspect}; if it stands for a missing value, say so with "
            f"--fill, else --fill={NO_FILL}"
        )
    yield (
        f"change in a frame: RMSE {changes.persistence:.3g} of persistence, "
        f"{changes.extrapolation:.3g} of linear extrapolation, "
        f"{changes.advected:.3g} of the last frame carried along its motion"
    )
    if len(changes.motion):
        names = ("layers", "rows", "columns")[-changes.motion.shape[1] :]
        middle = np.median(changes.motion, axis=0)
        low, high = np.percentile(changes.motion, (25, 75), axis=0)
        along = ", ".join(
            f"{name} {m:+.2f} ({a:+.2f} to {b:+.2f})"
            for name, m, a, b in zip(names, middle, low, high, strict=True)
        )
        yield (
            f"motion, cells a frame, median and middle half of {len(changes.motion)} "
            f"windows: {along}"
        )
    else:
        yield "motion: no frame has structure that could show it"
