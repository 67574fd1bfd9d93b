"""Tracers carried by surface currents of the ocean, read from a file.

Water is followed back through a day in small steps; the currents change linearly from
day to day. A tracer is then read, by cubic interpolation, where its water was the day
before. Land is missing (NaN) and has no current. Beyond the edges of the grid the
values at the edge continue.
"""

import functools
import pathlib
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Float32, Int

from adr_jax.data.contract import (
    SPLITS,
    Dataset,
    Segments,
    Source,
    data_file,
    merge_splits,
    split_in_time,
)
from adr_jax.data.files.fingerprint import fingerprint
from adr_jax.data.tracers import currents
from adr_jax.data.tracers.synthetic import Waves
from adr_jax.errors import InputError
from adr_jax.operators.advection import pull
from adr_jax.options import DataOptions

# Days that a tracer is followed, and days between two splits.
FRAMES, GAP = 20, 10
# Tracers released for validation and test; training has data.trajectories.
VALIDATION, TEST = 20, 40
# Steps of a day: off the Agulhas coast, where the fastest water moves 10 cells a day, 8
# are exact to 0.004 cells (root mean square, against 128).
SUBSTEPS = 8


@functools.partial(jax.jit, static_argnames="substeps")
def backward_displacement(
    velocity: Float[ArrayLike, "days rows columns 2"], *, substeps: int = SUBSTEPS
) -> Float[Array, "days-1 rows columns 2"]:
    """Return the displacement to the position of each cell's water the day before.

    In cells, by the midpoint rule backwards in time. `pull(q, displacements[n])` is a
    field of day n on day n + 1. Land, NaN, has no current.
    """
    velocity = jnp.nan_to_num(velocity)
    before, change = velocity[:-1], jnp.diff(velocity, axis=0)
    h = 1 / substeps

    def step(u, k):
        """Go from time 1 - k h of the day back to 1 - (k + 1) h."""
        time = 1 - k * h
        halfway = u - h / 2 * pull(before + time * change, u)
        return u - h * pull(before + (time - h / 2) * change, halfway), None

    u, _ = jax.lax.scan(step, jnp.zeros_like(before), jnp.arange(substeps))
    return u


@functools.partial(jax.jit, static_argnames="days")
def carry(
    tracers: Float[ArrayLike, "tracers rows columns 1"],
    displacements: Float[ArrayLike, "all_days rows columns 2"],
    released: Int[ArrayLike, " tracers"],
    shore: Int[ArrayLike, "2 rows columns"],
    *,
    days: int,
) -> Float[Array, "tracers days rows columns 1"]:
    """Return each tracer on the days from its release.

    Values are clipped to the range of those released, which cubic interpolation alone
    would leave.

    Args:
      tracers: fields on the day of release.
      displacements: `backward_displacement` of the currents.
      released: index of that day, (tracers,).
      shore: row and column of the sea cell next to each cell, (rows, columns) each.
      days: the number of days, the first included.
    """
    displacements, (row, column) = jnp.asarray(displacements), jnp.asarray(shore)
    at_sea = jnp.asarray(tracers)[:, row, column]
    minimum, maximum = (f(at_sea, (1, 2), keepdims=True) for f in (jnp.min, jnp.max))

    def next_day(fields, day):
        # Beyond the coast the value at the coast is read. The displacement after the
        # last day, which may not be known, is not used.
        moved = pull(fields[:, row, column], displacements[released + day], order=3)
        return jnp.clip(moved, minimum, maximum), fields

    _, frames = jax.lax.scan(next_day, tracers, jnp.arange(days))
    return jnp.moveaxis(frames, 0, 1)


def nearest_sea(
    land: Bool[np.ndarray, "rows columns"],
) -> Int[np.ndarray, "2 rows columns"]:
    """Return row and column of the sea cell nearest to each cell."""
    nearest = np.indices(land.shape)
    sea = np.argwhere(~land)
    for row, column in np.argwhere(land):
        distances = np.square(sea - (row, column)).sum(axis=-1)
        nearest[:, row, column] = sea[np.argmin(distances)]
    return nearest


def load(config: DataOptions) -> Dataset:
    """Return random smooth tracers, released into the currents in data.path.

    Splits:
      "seasons": the first 70 % of the days train, by `data.trajectories` releases, the
        next 15 % validate and the last 15 % test, with 10 days in between. A tracer
        stays within its season.
      "all": releases on all days, for test.

    Raises:
      InputError: the file is absent or damaged, has another layout or too few days.
    """
    velocity, days, fields, splits = _released(config)
    frames = _carried(velocity, days, fields)
    return Dataset(
        name="ocean",
        trajectories=Segments(
            lambda index, start, stop: frames[index, start:stop],
            [(index, 0, FRAMES) for index in range(len(frames))],
            frames.shape[2:],
        ),
        splits=splits,
        states={split: len(indices) for split, indices in splits.items()},
        split_name=config.split,
        fingerprint=fingerprint([velocity, days]),
        channels=("tracer",),
        metrics=("nrmse", "rmse"),
        frame_interval="1 day",
    )


def velocities(
    config: DataOptions, moments: Sequence[tuple[int, int]]
) -> Float32[np.ndarray, "moments rows columns 2"]:
    """Return the currents in cells per day, NaN on land.

    Args:
      config: the data section, as for `load`.
      moments: indices of a trajectory and of a frame of it.
    """
    velocity, days, *_ = _released(config)
    return velocity[[days[index] + frame for index, frame in moments]]


def _released(
    config: DataOptions,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return the currents, day and field of each release, and indices by split."""
    path = data_file(config.root, config.path)
    velocity = currents.read(path)
    seasons = _seasons(path, len(velocity), config)
    releases, splits = merge_splits(
        {
            split: _releases(stream, *season, velocity.shape[1:3])
            for stream, (split, season) in enumerate(seasons.items())
        }
    )
    days, fields = (np.stack(part) for part in zip(*releases, strict=True))
    return velocity, days, fields, splits


def _seasons(
    path: pathlib.Path, days: int, config: DataOptions
) -> dict[str, tuple[range, int]]:
    """Return the days of each split, and the number of tracers released in them."""
    if config.split == "all":
        spans, counts = [(0, 0), (0, 0), (0, days)], [0, 0, TEST]
    else:
        spans = split_in_time(days, gap=GAP)
        counts = [config.trajectories, VALIDATION, TEST]
    seasons = [range(*span) for span in spans]
    for split, season, count in zip(SPLITS, seasons, counts, strict=True):
        if count and len(season) < FRAMES:
            raise InputError(
                f"{path}: of its {days} days {len(season)} are left for {split}; "
                f"expected {FRAMES} or more, from about 160 days in all"
            )
    return dict(zip(SPLITS, zip(seasons, counts, strict=True), strict=True))


def _releases(
    stream: int, season: range, count: int, shape: tuple[int, int]
) -> list[tuple[np.integer, np.ndarray]]:
    """Return days within the season, each with a random field, (rows, columns, 1)."""
    rows, columns = shape
    cells = np.arange(rows)[:, None] + 1j * np.arange(columns)
    releases = []
    for index in range(count):
        generator = np.random.default_rng((stream, index))
        day = generator.integers(season.start, season.stop - FRAMES + 1)
        field = Waves.draw(max(shape), generator)(cells)
        releases.append((day, field[..., None].astype(np.float32)))
    return releases


def _carried(
    velocity: np.ndarray, released: np.ndarray, fields: np.ndarray
) -> np.ndarray:
    """Compute all frames of all tracers, land NaN, on the CPU whatever the device."""
    land = np.isnan(velocity[0, ..., 0])
    cpu = jax.local_devices(backend="cpu")[0]
    with jax.default_device(cpu):
        displacements = backward_displacement(velocity)
        shore = nearest_sea(land)
        frames = carry(fields, displacements, released, shore, days=FRAMES)
    return np.where(land[..., None], np.float32(np.nan), frames)


SOURCE = Source(
    load,
    split_names=("seasons", "all"),
    fields=("path", "trajectories"),
    usual_frame=(41, 81, 1),
    velocities=velocities,
)
