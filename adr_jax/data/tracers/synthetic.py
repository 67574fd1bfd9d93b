"""Smooth tracers in flows that are known: every frame is exact.

A tracer keeps its value along its path, q_t + v . grad q = 0, so that q(z, t) is the
first field at the point from which z came. These flows are steady and their paths known
in closed form; nothing is interpolated, and nothing is stored. The fastest water moves
at a speed drawn for each sequence (SPEEDS), so it must be seen in the frames.

- uniform: one velocity for all cells, in any direction; periodic.
- shear: along the columns, faster and slower as a sine of the row; periodic.
- rotation: solid, about the middle of the square. The tracer lies within the circle
  that touches the sides, so nothing enters or leaves; open.
- vortex: four vortices of which neighbours turn against each other, each within its
  circle, with still water between; periodic.

Points are complex numbers, row + i column, in cells; a frame is the unit of time.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Complex, Float, Float32
from ml_collections import ConfigDict

from adr_jax.data.contract import Dataset, Segments, Source
from adr_jax.data.files.fingerprint import fingerprint

# From where to where a sequence's largest speed is drawn, in cells per frame. That of a
# rotation is on the circle which bounds the tracer; corners are farther out.
SPEEDS = {
    "uniform": (0.5, 3.0),
    "shear": (0.5, 2.0),
    "rotation": (0.5, 3.0),
    "vortex": (0.5, 1.0),
}
SHAPES = tuple(SPEEDS)
FRAMES = 20
# A trajectory's number is its seed; those beyond these are for training.
TEST_SEEDS = range(0, 40)
VALIDATION_SEEDS = range(40, 60)
# A tracer is a sum of this many waves, none shorter than this along an axis, in cells.
WAVES, SHORTEST = 16, 16

Points = Complex[np.ndarray, "*points"]


@dataclasses.dataclass(frozen=True)
class Straight:
    """A flow along straight lines, `velocity` being the same all along each."""

    velocity: Callable[[Points], Points]

    def origin(self, points: Points, time: float) -> Points:
        """Where what is at `points` was `time` frames ago."""
        return points - time * self.velocity(points)


@dataclasses.dataclass(frozen=True)
class Circular:
    """A flow in circles: `turning` is offset from a centre, and angular velocity."""

    turning: Callable[[Points], tuple[Points, Float[np.ndarray, "*points"]]]

    def velocity(self, points: Points) -> Points:
        """In cells per frame."""
        offset, rate = self.turning(points)
        return 1j * rate * offset

    def origin(self, points: Points, time: float) -> Points:
        """Where what is at `points` was `time` frames ago."""
        offset, rate = self.turning(points)
        return points + offset * (np.exp(-1j * rate * time) - 1)


def _flow(
    shape: str, cells: int, generator: np.random.Generator
) -> Straight | Circular:
    speed = generator.uniform(*SPEEDS[shape])
    angle = generator.uniform(0, 2 * np.pi)
    if shape == "uniform":
        return Straight(lambda points: np.full_like(points, speed * np.exp(1j * angle)))
    if shape == "shear":
        wave = 2 * np.pi / cells
        return Straight(
            lambda points: 1j * speed * np.sin(wave * np.real(points) + angle)
        )
    speed *= generator.choice((-1, 1))
    if shape == "rotation":
        rate = speed / (cells / 2)
        return Circular(
            lambda points: (points - _middle(cells), np.full(points.shape, rate))
        )
    first = cells * generator.random() + 1j * cells * generator.random()
    return Circular(functools.partial(_vortices, first, cells / 4, speed))


def _vortices(first: complex, radius: float, speed: float, points: Points):
    """Offset from the nearest of the vortices, and angular velocity around it.

    With r the distance from the centre over the radius, it is proportional to
    (1 - r^2)^2; r times that is 16 / (25 sqrt(5)) where it is largest.
    """
    offset = points - first
    row, column = np.round([np.real(offset), np.imag(offset)] / np.array(2 * radius))
    offset = offset - 2 * radius * (row + 1j * column)
    inside = np.maximum(1 - np.abs(offset / radius) ** 2, 0)
    at_centre = speed / radius * 25 * np.sqrt(5) / 16
    return offset, at_centre * (-1) ** (row + column) * inside**2


@dataclasses.dataclass(frozen=True)
class Waves:
    """A smooth random field, mean 0 and variance 1 over all fields."""

    # Radians per cell along rows and columns, (waves,), and phases.
    numbers: Complex[np.ndarray, " waves"]
    phases: Float[np.ndarray, " waves"]

    @classmethod
    def drawn(cls, cells: int, generator: np.random.Generator) -> "Waves":
        """Waves of which a whole number fits into `cells` along each axis."""
        most = max(1, cells // SHORTEST)
        grid = np.arange(-most, most + 1)
        numbers = (grid[:, None] + 1j * grid).ravel()
        chosen = generator.choice(numbers[numbers != 0], WAVES)
        return cls(2 * np.pi / cells * chosen, generator.uniform(0, 2 * np.pi, WAVES))

    def __call__(self, points: Points) -> Float[np.ndarray, "*points"]:
        """Values at any points."""
        along = np.real(points[..., None] * self.numbers.conj())
        return np.sqrt(2 / WAVES) * np.cos(along + self.phases).sum(axis=-1)


def velocity(shape: str, cells: int, seed: int) -> Float[np.ndarray, "cells cells 2"]:
    """The true velocity of a sequence at each cell, in cells per frame.

    Args:
      shape: one of SHAPES.
      cells: along each axis.
      seed: of the sequence; in a `Dataset` of `load`, its trajectory's number.
    """
    v = _flow(shape, cells, np.random.default_rng(seed)).velocity(_grid(cells))
    return np.stack([np.real(v), np.imag(v)], axis=-1)


def tracer(
    shape: str, cells: int, seed: int, times: Sequence[float] | np.ndarray
) -> Float32[np.ndarray, "times cells cells 1"]:
    """The tracer of a sequence at some times, in frames; a pure function.

    Arguments as for `velocity`.
    """
    generator = np.random.default_rng(seed)
    flow = _flow(shape, cells, generator)
    waves = Waves.drawn(cells, generator)
    points = _grid(cells)
    frames = np.stack([waves(flow.origin(points, time)) for time in times])
    if shape == "rotation":
        radius = np.abs(points - _middle(cells)) / (cells / 2)
        frames *= np.maximum(1 - radius**2, 0) ** 2
    return frames[..., None].astype(np.float32)


def _grid(cells: int) -> Points:
    return np.arange(cells)[:, None] + 1j * np.arange(cells)


def _middle(cells: int) -> complex:
    return (1 + 1j) * (cells - 1) / 2


def load(config: ConfigDict) -> Dataset:
    """Return sequences of the flow data.shape.

    Seeds 0 to 39 test, 40 to 59 validate, and the `data.trajectories` seeds from 60 on
    train.
    """
    held_out = VALIDATION_SEEDS.stop
    splits = {
        "train": np.arange(held_out, held_out + config.trajectories),
        "validation": np.array(VALIDATION_SEEDS),
        "test": np.array(TEST_SEEDS),
    }
    content = f"synthetic {config.shape} {config.cells} {config.trajectories}"
    return Dataset(
        name="synthetic",
        trajectories=_at_interval(config, 1),
        splits=splits,
        states={split: len(seeds) for split, seeds in splits.items()},
        split_name=config.split,
        fingerprint=fingerprint([content]),
        channels=("tracer",),
        metrics=("nrmse", "rmse"),
    )


def _at_interval(config: ConfigDict, interval: float) -> Segments:
    """Return all sequences, a frame every `interval`; an index is a seed."""
    shape, cells = config.shape, config.cells

    def read_frames(seed: int, start: int, stop: int) -> np.ndarray:
        return tracer(shape, cells, seed, interval * np.arange(start, stop))

    frames = 1 + int((FRAMES - 1) / interval)
    seeds = range(VALIDATION_SEEDS.stop + config.trajectories)
    return Segments(read_frames, [(k, 0, frames) for k in seeds], (cells, cells, 1))


def _velocities(
    config: ConfigDict, moments: Sequence[tuple[int, int]]
) -> Float[np.ndarray, "moments cells cells 2"]:
    """Return the velocity of each sequence, which is the same in all its frames."""
    return np.stack([velocity(config.shape, config.cells, seed) for seed, _ in moments])


SOURCE = Source(
    load,
    split_names=("distinct",),
    fields=("trajectories", "shape", "cells"),
    licence="generated by adr_jax",
    shapes=SHAPES,
    at_interval=_at_interval,
    velocities=_velocities,
)
