"""Tracers carried by real surface currents of the ocean, of which a file is needed.

A day's motion is found by following the water back through the currents, which change
linearly from one day to the next, in small steps; a tracer is then read, by cubic
interpolation, where its water was the day before. Land is missing (NaN) and stands
still; beyond the edges of the grid the values at the edge go on.
"""

import functools
import pathlib
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Float32, Int
from ml_collections import ConfigDict

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

# Days that a tracer is followed, and days left out between two splits.
FRAMES, GAP = 20, 10
# Tracers released for validation and test; training has data.trajectories.
VALIDATION, TEST = 20, 40
# Steps of a day's way: off the Agulhas coast, where the fastest water moves 10 cells in
# a day, 8 find it to 0.004 cells (root mean square, against 128).
SUBSTEPS = 8


@functools.partial(jax.jit, static_argnames="substeps")
def way_back(
    velocity: Float[ArrayLike, "days rows columns 2"], *, substeps: int = SUBSTEPS
) -> Float[Array, "days-1 rows columns 2"]:
    """Where each cell's water was the day before, in cells from there.

    The midpoint rule, backwards in time. `pull(q, way_back(velocity)[n])` is a field of
    day n on day n + 1. Land, NaN, has no current.
    """
    velocity = jnp.nan_to_num(velocity)
    before, change = velocity[:-1], jnp.diff(velocity, axis=0)
    h = 1 / substeps

    def step(u, k):
        """From time 1 - k h of the day back to 1 - (k + 1) h."""
        time = 1 - k * h
        halfway = u - h / 2 * pull(before + time * change, u)
        return u - h * pull(before + (time - h / 2) * change, halfway), None

    u, _ = jax.lax.scan(step, jnp.zeros_like(before), jnp.arange(substeps))
    return u


@functools.partial(jax.jit, static_argnames="days")
def carry(
    tracers: Float[ArrayLike, "tracers rows columns 1"],
    ways: Float[ArrayLike, "all_days rows columns 2"],
    released: Int[ArrayLike, " tracers"],
    shore: Int[ArrayLike, "2 rows columns"],
    *,
    days: int,
) -> Float[Array, "tracers days rows columns 1"]:
    """Each tracer on the days from its release.

    No value leaves the range of those released, which the cubic alone would do.

    Args:
      tracers: on the day of release.
      ways: `way_back` of the currents.
      released: number of that day, (tracers,).
      shore: row and column of the sea cell next to each cell, (rows, columns) each.
      days: how many, the first included.
    """
    ways, (row, column) = jnp.asarray(ways), jnp.asarray(shore)
    at_sea = jnp.asarray(tracers)[:, row, column]
    least, greatest = (f(at_sea, (1, 2), keepdims=True) for f in (jnp.min, jnp.max))

    def next_day(fields, day):
        # What is read beyond the coast is what stands at the coast. The last day's way,
        # which may not be known, is not used.
        moved = pull(fields[:, row, column], ways[released + day], order=3)
        return jnp.clip(moved, least, greatest), fields

    _, frames = jax.lax.scan(next_day, tracers, jnp.arange(days))
    return jnp.moveaxis(frames, 0, 1)


def nearest_sea(
    land: Bool[np.ndarray, "rows columns"],
) -> Int[np.ndarray, "2 rows columns"]:
    """Row and column of the sea cell nearest to each cell: of a sea cell, its own."""
    nearest = np.indices(land.shape)
    sea = np.argwhere(~land)
    for row, column in np.argwhere(land):
        distances = np.square(sea - (row, column)).sum(axis=-1)
        nearest[:, row, column] = sea[np.argmin(distances)]
    return nearest


def load(config: ConfigDict) -> Dataset:
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
    config: ConfigDict, moments: Sequence[tuple[int, int]]
) -> Float32[np.ndarray, "moments rows columns 2"]:
    """Return the currents in cells per day, NaN on land.

    Args:
      config: the data section, as for `load`.
      moments: indices of a trajectory and of a frame of it.
    """
    velocity, days, *_ = _released(config)
    return velocity[[days[index] + frame for index, frame in moments]]


def _released(
    config: ConfigDict,
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
    path: pathlib.Path, days: int, config: ConfigDict
) -> dict[str, tuple[range, int]]:
    """Days of each split, and how many tracers are released in them."""
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
    """Days early enough in the season, with random fields, (rows, columns, 1)."""
    rows, columns = shape
    cells = np.arange(rows)[:, None] + 1j * np.arange(columns)
    releases = []
    for number in range(count):
        generator = np.random.default_rng((stream, number))
        day = generator.integers(season.start, season.stop - FRAMES + 1)
        field = Waves.drawn(max(shape), generator)(cells)
        releases.append((day, field[..., None].astype(np.float32)))
    return releases


def _carried(
    velocity: np.ndarray, released: np.ndarray, fields: np.ndarray
) -> np.ndarray:
    """All frames of all tracers, land NaN; on the CPU, whatever the device is."""
    land = np.isnan(velocity[0, ..., 0])
    cpu = jax.local_devices(backend="cpu")[0]
    with jax.default_device(cpu):
        ways = way_back(velocity)
        frames = carry(fields, ways, released, nearest_sea(land), days=FRAMES)
    return np.where(land[..., None], np.float32(np.nan), frames)


SOURCE = Source(
    load,
    split_names=("seasons", "all"),
    fields=("path", "trajectories"),
    velocities=velocities,
)
