"""Smooth tracers in known flows: every frame is exact.

A tracer keeps its value along its path, q_t + v . grad q = 0, so q(z, t) is the first
field at the origin of the path to z. These flows are steady and have paths in closed
form: nothing is interpolated and nothing is stored. The maximum speed is drawn for each
sequence (SPEEDS), so it has to be learned from the frames.

- uniform: one velocity for all cells, in any direction; periodic.
- shear: along the columns, a sine of the row; periodic.
- rotation: solid, about the centre of the square. The tracer lies within the circle
  that touches the sides, so nothing enters or leaves; open.
- vortex: four vortices, each within its circle, with still water between. Neighbours
  turn in opposite directions; periodic.

Points are complex numbers, row + i column, in cells; a frame is the unit of time.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Complex, Float, Float32

from adr_jax.data.contract import Dataset, Segments, Source
from adr_jax.data.files.fingerprint import fingerprint
from adr_jax.options import DataOptions

# The range of a sequence's maximum speed, in cells a frame. In a rotation it is that on
# the circle which bounds the tracer.
SPEEDS = {
    "uniform": (0.5, 3.0),
    "shear": (0.5, 2.0),
    "rotation": (0.5, 3.0),
    "vortex": (0.5, 1.0),
}
SHAPES = tuple(SPEEDS)
FRAMES = 20
# The index of a trajectory is its seed; those beyond these are for training.
TEST_SEEDS = range(0, 40)
VALIDATION_SEEDS = range(40, 60)
# A tracer is a sum of this many waves, none shorter than this along an axis, in cells.
WAVES, SHORTEST = 16, 16

Points = Complex[np.ndarray, "*points"]


@dataclasses.dataclass(frozen=True)
class Straight:
    """A flow along straight lines, with the same `velocity` all along each."""

    velocity: Callable[[Points], Points]

    def origin(self, points: Points, time: float) -> Points:
        """Return where the water at `points` was `time` frames ago."""
        return points - time * self.velocity(points)


@dataclasses.dataclass(frozen=True)
class Circular:
    """A flow in circles: `turning` is offset from a centre, and angular velocity."""

    turning: Callable[[Points], tuple[Points, Float[np.ndarray, "*points"]]]

    def velocity(self, points: Points) -> Points:
        """Return the velocity in cells a frame."""
        offset, rate = self.turning(points)
        return 1j * rate * offset

    def origin(self, points: Points, time: float) -> Points:
        """Return where the water at `points` was `time` frames ago."""
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
    """Return the offset from the nearest vortex, and the angular velocity around it.

    With r the distance from the centre over the radius, it is proportional to
    (1 - r^2)^2. The maximum of r times that is 16 / (25 sqrt(5)).
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
    wavenumbers: Complex[np.ndarray, " waves"]
    phases: Float[np.ndarray, " waves"]

    @classmethod
    def draw(cls, cells: int, generator: np.random.Generator) -> "Waves":
        """Draw waves of which a whole number fits into `cells` along each axis."""
        maximum = max(1, cells // SHORTEST)
        grid = np.arange(-maximum, maximum + 1)
        wavenumbers = (grid[:, None] + 1j * grid).ravel()
        chosen = generator.choice(wavenumbers[wavenumbers != 0], WAVES)
        return cls(2 * np.pi / cells * chosen, generator.uniform(0, 2 * np.pi, WAVES))

    def __call__(self, points: Points) -> Float[np.ndarray, "*points"]:
        """Return values at any points."""
        along = np.real(points[..., None] * self.wavenumbers.conj())
        return np.sqrt(2 / WAVES) * np.cos(along + self.phases).sum(axis=-1)


def velocity(shape: str, cells: int, seed: int) -> Float[np.ndarray, "cells cells 2"]:
    """Return the true velocity of a sequence at each cell, in cells a frame.

    Args:
      shape: one of SHAPES.
      cells: cells along each axis.
      seed: seed of the sequence, the index of its trajectory in a `Dataset` of `load`.
    """
    v = _flow(shape, cells, np.random.default_rng(seed)).velocity(_grid(cells))
    return np.stack([np.real(v), np.imag(v)], axis=-1)


def tracer(
    shape: str, cells: int, seed: int, times: Sequence[float] | np.ndarray
) -> Float32[np.ndarray, "times cells cells 1"]:
    """Return the tracer of a sequence at some times, in frames: a pure function.

    Other arguments are those of `velocity`.
    """
    generator = np.random.default_rng(seed)
    flow = _flow(shape, cells, generator)
    waves = Waves.draw(cells, generator)
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


def load(config: DataOptions) -> Dataset:
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


def _at_interval(config: DataOptions, interval: float) -> Segments:
    """Return all sequences, a frame every `interval`; an index is a seed."""
    shape, cells = config.shape, config.cells

    def read_frames(seed: int, start: int, stop: int) -> np.ndarray:
        return tracer(shape, cells, seed, interval * np.arange(start, stop))

    frames = 1 + int((FRAMES - 1) / interval)
    seeds = range(VALIDATION_SEEDS.stop + config.trajectories)
    return Segments(read_frames, [(k, 0, frames) for k in seeds], (cells, cells, 1))


def _velocities(
    config: DataOptions, moments: Sequence[tuple[int, int]]
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
