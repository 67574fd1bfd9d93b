"""Synthetic flows: exact shifts, and tracers that obey their equation."""

import numpy as np
import pytest

from adr_jax.data.contract import SPLITS
from adr_jax.data.tracers import synthetic
from adr_jax.errors import InputError
from adr_jax.training import configuration
from configs import base
from configs import synthetic as experiment

PERIODIC = ("uniform", "shear", "vortex")


@pytest.fixture
def data():
    config = base.get_config().data
    config.update(name="synthetic", shape="uniform", cells=32, trajectories=12)
    return config


def fields(shape, cells, seed, times):
    return synthetic.tracer(shape, cells, seed, times)[..., 0].astype(np.float64)


def shifted_by(monkeypatch, velocity):
    """Make the uniform flow have a given velocity instead of a drawn one."""
    monkeypatch.setattr(
        synthetic,
        "_flow",
        lambda *_: synthetic.Straight(lambda points: np.full_like(points, velocity)),
    )


def test_a_whole_number_of_cells_per_frame_is_a_roll(monkeypatch):
    shifted_by(monkeypatch, 2 - 3j)
    frames = fields("uniform", 32, 5, range(5))
    for time, frame in enumerate(frames):
        rolled = np.roll(frames[0], (2 * time, -3 * time), axis=(0, 1))
        # float32 of values up to 5, once in each.
        np.testing.assert_allclose(frame, rolled, atol=1e-6)
    # Only a test if the field is no constant.
    assert np.abs(frames[1] - frames[0]).max() > 0.1


@pytest.mark.parametrize("shape", synthetic.SHAPES)
def test_a_tracer_obeys_its_equation(shape, monkeypatch):
    """q_t + v . grad q = 0, but for central differences' error of second order."""
    residuals = []
    for cells in (128, 256):
        # The same waves and flow, at twice the resolution: time runs twice as slowly.
        monkeypatch.setattr(synthetic, "SHORTEST", cells // 4)
        time = cells // 32
        before, now, after = fields(shape, cells, 7, range(time - 1, time + 2))
        change = (after - before) / 2
        v = synthetic.velocity(shape, cells, 7)
        gradient = [(np.roll(now, -1, k) - np.roll(now, 1, k)) / 2 for k in (0, 1)]
        carried = v[..., 0] * gradient[0] + v[..., 1] * gradient[1]
        residuals.append(np.sqrt(np.mean((change + carried) ** 2) / np.mean(change**2)))
    assert residuals[0] < 0.05
    # Fourfold, within what the next order and kinks at the rim of a vortex add.
    assert 3.5 < residuals[0] / residuals[1] < 4.5


@pytest.mark.parametrize("shape", synthetic.SHAPES)
def test_the_velocity_is_what_paths_do(shape):
    flow = synthetic._flow(shape, 64, np.random.default_rng(4))
    points = 64 * np.random.default_rng(0).random(500) * (1 + 0.3j) + 3
    h = 1e-4
    moved = (flow.origin(points, -h) - flow.origin(points, h)) / (2 * h)
    # Second order in h, and rounding of 64 over h.
    np.testing.assert_allclose(moved, flow.velocity(points), atol=1e-9)
    # Steady: two frames are one frame twice.
    np.testing.assert_allclose(
        flow.origin(flow.origin(points, 1.5), 0.5), flow.origin(points, 2), atol=1e-12
    )


@pytest.mark.parametrize("shape", synthetic.SHAPES)
def test_the_largest_speed_is_in_the_range_that_is_documented(shape):
    # The fastest point of a flow lies within a cell of one: it is seen to 3 %. Of 60
    # numbers the least and greatest are near the ends of their range.
    speeds = [
        np.linalg.norm(synthetic.velocity(shape, 64, seed), axis=-1).max()
        for seed in range(60)
    ]
    minimum, maximum = synthetic.SPEEDS[shape]
    if shape == "rotation":  # at the middle of a side; corners are farther out
        maximum, minimum = np.sqrt(2) * maximum, np.sqrt(2) * minimum
    assert 0.97 * minimum < min(speeds) < 1.15 * minimum
    assert 0.9 * maximum < max(speeds) <= maximum


@pytest.mark.parametrize("shape", PERIODIC)
def test_what_leaves_on_one_side_enters_on_the_other(shape):
    flow = synthetic._flow(shape, 48, np.random.default_rng(2))
    waves = synthetic.Waves.draw(48, np.random.default_rng(3))
    points = 48 * np.random.default_rng(0).random(200) * (1 + 0.7j)
    here = waves(flow.origin(points, 5.0))
    for period in (48, 48j):
        shifted = waves(flow.origin(points + period, 5.0))
        np.testing.assert_allclose(here, shifted, atol=1e-11)


def test_a_rotating_tracer_keeps_within_its_circle():
    frames = fields("rotation", 32, 1, range(20))
    assert not frames[:, [0, 0, -1, -1], [0, -1, 0, -1]].any()
    edges = np.stack([frames[:, 0], frames[:, -1], frames[:, :, 0], frames[:, :, -1]])
    # Half a cell from the circle the factor (1 - r^2)^2 is 0.004.
    assert np.abs(edges).max() < 0.004 * 5
    np.testing.assert_allclose(frames[0].std(), frames[-1].std(), rtol=0.02)


def test_vortices_turn_against_their_neighbours_with_still_water_between():
    v = synthetic.velocity("vortex", 64, 0)
    curl = (np.roll(v[..., 1], -1, 0) - np.roll(v[..., 1], 1, 0)) / 2
    curl -= (np.roll(v[..., 0], -1, 1) - np.roll(v[..., 0], 1, 1)) / 2
    np.testing.assert_allclose(curl, -np.roll(curl, 32, axis=0), atol=1e-12)
    np.testing.assert_allclose(curl, -np.roll(curl, 32, axis=1), atol=1e-12)
    still = np.mean(np.linalg.norm(v, axis=-1) == 0)
    # What four circles leave of a square, to the cells on their rims.
    assert still == pytest.approx(1 - np.pi / 4, abs=0.03)


def test_fields_have_mean_0_and_variance_1():
    first = np.stack([fields("uniform", 32, seed, range(1)) for seed in range(200)])
    assert abs(first.mean()) < 1e-6  # whole waves
    # 200 fields of 16 random waves, of which few are alike: 2 % is one sigma.
    assert first.var() == pytest.approx(1, abs=0.06)
    assert synthetic.tracer("uniform", 32, 0, range(3)).dtype == np.float32


def test_sequences_are_functions_of_their_number_and_in_one_split(data):
    dataset = synthetic.load(data)
    seeds = np.concatenate([dataset.splits[split] for split in SPLITS])
    assert len(set(seeds.tolist())) == len(seeds) == 12 + 20 + 40
    assert len(dataset.trajectories.lengths) == len(seeds)
    starts = {dataset.trajectories.read(int(n), 0, 1).tobytes() for n in seeds}
    assert len(starts) == len(seeds)
    part = dataset.trajectories.read(3, 5, 9)
    np.testing.assert_array_equal(part, dataset.trajectories.read(3, 0, 20)[5:9])
    np.testing.assert_array_equal(part, synthetic.tracer("uniform", 32, 3, range(5, 9)))
    assert part.shape == (4, *dataset.trajectories.frame_shape) == (4, 32, 32, 1)


def test_other_sequences_have_another_fingerprint(data):
    before = synthetic.load(data).fingerprint
    assert synthetic.load(data).fingerprint == before
    data.cells = 64
    assert synthetic.load(data).fingerprint != before


@pytest.mark.parametrize("shape", synthetic.SHAPES)
def test_each_shape_has_a_configuration(shape):
    configuration.read(experiment.get_config(shape))


def test_an_unknown_shape_is_refused():
    with pytest.raises(InputError, match="data.shape is 'spiral'.*uniform, shear"):
        configuration.read(experiment.get_config("spiral"))
