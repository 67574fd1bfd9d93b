"""Tracers in currents from a file: displacements, the coast, and separate seasons."""

import h5py
import numpy as np
import pytest

from adr_jax.data.tracers import ocean
from adr_jax.errors import InputError
from adr_jax.operators.advection import pull
from configs import base

ROWS, COLUMNS = 12, 18


@pytest.fixture
def data(tmp_path):
    """Write a year whose water moves in the first 70 % of the days, then stops."""
    config = base.get_config().data
    config.update(root=str(tmp_path), path="year.h5", split="seasons", trajectories=9)
    u = np.full((365, ROWS, COLUMNS), 300, np.int16)
    u[245:] = 0
    u[:, 4:6, 7:10] = -32768
    write(tmp_path / "year.h5", u)
    return config


def write(path, u):
    with h5py.File(path, "w") as file:
        file["u"], file["v"] = u, np.where(u == -32768, u, 0).astype(np.int16)
        file["lat"] = np.arange(ROWS) / 4.0
        file["lon"] = np.arange(COLUMNS) / 4.0


def frames_of(dataset, split):
    return np.stack(
        [dataset.trajectories.read(int(n), 0, 20) for n in dataset.splits[split]]
    )[..., 0]


def test_the_backward_displacement_of_a_current_that_changes_is_its_mean():
    velocity = np.zeros((3, 5, 6, 2), np.float32)
    velocity[:, ..., 0], velocity[:, ..., 1] = 1.0, np.array([0, 2, -1])[:, None, None]
    displacements = np.asarray(ocean.backward_displacement(velocity))
    assert displacements.shape == (2, 5, 6, 2)
    np.testing.assert_allclose(displacements[..., 0], -1, atol=1e-6)
    np.testing.assert_allclose(displacements[0, ..., 1], -1.0, atol=1e-6)
    np.testing.assert_allclose(displacements[1, ..., 1], -0.5, atol=1e-6)


def test_the_backward_displacement_in_solid_rotation_converges_to_the_rotation():
    """Linear velocities are sampled exactly, so the midpoint rule's error is left."""
    offset = np.stack(np.mgrid[-20:21, -20:21], axis=-1).astype(np.float32)
    quarter = np.array([[0, -1], [1, 0]], np.float32)
    velocity = np.stack(2 * [offset @ quarter.T])  # one radian per day
    cos, sin = np.cos(1.0), np.sin(1.0)
    expected = offset @ (np.array([[cos, sin], [-sin, cos]]) - np.eye(2)).T
    near = np.linalg.norm(offset, axis=-1) < 15  # never beyond the edges
    errors = []
    for substeps in (8, 16):
        displacement = np.asarray(
            ocean.backward_displacement(velocity, substeps=substeps)
        )[0]
        errors.append(np.abs(displacement - expected)[near].max())
    # radius x h^2 / 6 = 0.04 cells, and a quarter of it.
    assert errors[0] < 0.05
    assert 3.5 < errors[0] / errors[1] < 4.5


def test_whole_cells_per_day_are_an_exact_shift():
    velocity = np.zeros((20, 9, 30, 2), np.float32)
    velocity[..., 1] = 2.0
    tracer = np.random.default_rng(0).random((1, 9, 30, 1), np.float32)
    shore = np.indices((9, 30))
    frames = ocean.carry(
        tracer, ocean.backward_displacement(velocity), np.array([3]), shore, days=6
    )
    for day in range(6):
        np.testing.assert_allclose(
            frames[0, day, :, 2 * day :],
            tracer[0, :, : 30 - 2 * day],
            atol=1e-5,  # positions in float32
        )


def test_a_day_is_one_pull_within_the_range_released():
    generator = np.random.default_rng(0)
    velocity = generator.normal(size=(8, 9, 11, 2)).astype(np.float32)
    tracers = generator.normal(size=(2, 9, 11, 1)).astype(np.float32)
    displacements = ocean.backward_displacement(velocity)
    shore = np.indices((9, 11))
    frames = ocean.carry(tracers, displacements, np.array([5, 1]), shore, days=3)
    np.testing.assert_array_equal(frames[:, 0], tracers)
    for tracer, first in ((0, 5), (1, 1)):
        for day in (0, 1):
            expected = pull(frames[tracer, day], displacements[first + day], order=3)
            expected = np.clip(expected, tracers[tracer].min(), tracers[tracer].max())
            np.testing.assert_allclose(frames[tracer, day + 1], expected, atol=1e-6)


def test_the_coast_lets_nothing_out():
    """Whatever stands on land, the sea never sees it, and land has no current."""
    velocity = np.random.default_rng(0).normal(size=(12, 10, 10, 2))
    land = np.zeros((10, 10), bool)
    land[3:6, 4:8] = True
    velocity[:, land] = np.nan
    displacements = np.asarray(ocean.backward_displacement(velocity.astype(np.float32)))
    assert np.isfinite(displacements).all()
    assert not displacements[:, 4, 5].any()  # with its neighbours inland
    tracers = np.zeros((1, 10, 10, 1), np.float32)
    tracers[:, land] = 1e6
    shore = ocean.nearest_sea(land)
    frames = ocean.carry(tracers, displacements, np.array([0]), shore, days=10)
    assert not np.asarray(frames[0, :, ~land]).any()


def test_the_nearest_sea_of_a_sea_cell_is_itself():
    land = np.zeros((5, 7), bool)
    land[:3, :4] = True
    row, column = ocean.nearest_sea(land)
    assert not land[row, column].any()
    np.testing.assert_array_equal(
        (row, column), np.where(~land, np.indices((5, 7)), (row, column))
    )
    assert (row[2, 0], column[2, 0]) == (3, 0)
    assert (row[0, 3], column[0, 3]) == (0, 4)


def test_seasons_are_apart(data):
    """Training sees the water move to the end; later splits see it at rest."""
    dataset = ocean.load(data)
    assert dataset.states == {"train": 9, "validation": 20, "test": 40}
    moved = {
        split: np.nanmax(
            np.abs(np.diff(frames_of(dataset, split), axis=1)), axis=(2, 3)
        )
        for split in dataset.splits
    }
    assert moved["train"].min() > 0
    assert moved["validation"].max() < 1e-5  # rounding of a cubic at zero
    assert moved["test"].max() < 1e-5
    seasons = ocean._seasons("year.h5", 365, data)
    (train, _), (validation, _), (test, _) = seasons.values()
    assert validation.start - train.stop == test.start - validation.stop == 10


def test_velocities_are_those_of_the_day(tmp_path, data):
    """A tracer's frame falls on the day of its release and as many days on."""
    u = np.arange(365, dtype=np.int16)[:, None, None] + np.zeros((1, ROWS, COLUMNS))
    write(tmp_path / "year.h5", u.astype(np.int16))  # mm/s, the number of the day
    released = ocean._released(data)[1]
    last = int(ocean.load(data).splits["test"][-1])
    velocities = ocean.velocities(data, [(0, 0), (last, 7)])
    assert velocities.shape == (2, ROWS, COLUMNS, 2)
    # A cell is a quarter of a degree of 111.195 km, at the equator in row 0.
    metres = 111_195 / 4
    np.testing.assert_allclose(
        velocities[:, 0, 0, 1],
        np.array([released[0], released[last] + 7]) * 1e-3 * 86_400 / metres,
        rtol=1e-5,  # float32
    )
    assert not velocities[..., 0].any()
    assert released[0] != released[last] + 7


def test_land_is_missing_and_nothing_else(data):
    dataset = ocean.load(data)
    land = np.zeros((ROWS, COLUMNS), bool)
    land[4:6, 7:10] = True
    missing = np.isnan(frames_of(dataset, "test"))
    np.testing.assert_array_equal(missing, np.broadcast_to(land, missing.shape))
    assert dataset.trajectories.read(0, 3, 7).dtype == np.float32


def test_releases_do_not_depend_on_how_many_there_are(data):
    many = ocean.load(data)
    data.trajectories = 2
    few = ocean.load(data)
    for split in ("validation", "test"):
        np.testing.assert_array_equal(frames_of(many, split), frames_of(few, split))
    np.testing.assert_array_equal(frames_of(many, "train")[:2], frames_of(few, "train"))
    starts = {
        frame.tobytes() for s in many.splits for frame in frames_of(many, s)[:, 0]
    }
    assert len(starts) == 69


def test_all_days_can_be_scored(data):
    data.split = "all"
    dataset = ocean.load(data)
    assert dataset.states == {"train": 0, "validation": 0, "test": 40}


def test_too_few_days_are_refused(data, tmp_path):
    write(tmp_path / "year.h5", np.zeros((150, ROWS, COLUMNS), np.int16))
    with pytest.raises(InputError, match="of its 150 days .* for validation"):
        ocean.load(data)


def test_the_fingerprint_follows_the_currents(data, tmp_path):
    before = ocean.load(data).fingerprint
    assert ocean.load(data).fingerprint == before
    with h5py.File(tmp_path / "year.h5", "a") as file:
        file["u"][200, 3, 3] = 7
    assert ocean.load(data).fingerprint != before


@pytest.mark.slow
def test_real_currents_stretch_tracers_and_keep_their_bounds(data, real_data):
    data.update(root=str(real_data), path="ocean/globcurrent_agulhas_2002_daily.h5")
    dataset = ocean.load(data)
    frames = frames_of(dataset, "test")
    assert frames.shape == (40, 20, 41, 81)
    spread = np.nanstd(frames, axis=(0, 2, 3))
    # Mixing makes a tracer's spread smaller.
    assert spread[0] == pytest.approx(1, abs=0.1)
    assert 0.5 < spread[-1] < spread[0]
    assert np.nanmax(frames) <= np.nanmax(frames[:, 0])
    assert np.nanmin(frames) >= np.nanmin(frames[:, 0])
    # One day apart they are alike, but far from the same.
    change = np.nanmean(np.square(np.diff(frames, axis=1)))
    assert 0.05 < change < 0.5
