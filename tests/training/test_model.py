"""A trained model in Python: forecasts and displacements of arrays."""

import dataclasses
import pickle

import jax.numpy as jnp
import numpy as np
import pytest

import adr_jax
from adr_jax.data.files.pdebench import PDEBenchFile
from adr_jax.errors import InputError
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.models import measurement
from adr_jax.training.network import build_network


@pytest.fixture(scope="module")
def model(untrained):
    return adr_jax.load(untrained)


@pytest.fixture(scope="module")
def frames(water_file):
    """Two trajectories of six frames, (2, 6, 16, 16, 1)."""
    file = PDEBenchFile(water_file)
    return np.stack([file.read(number, 0, 6) for number in (0, 1)])


def with_options(model, **options):
    config = model.config.override(model=options)
    network = build_network(config, model.statistics)
    return dataclasses.replace(model, config=config, network=network)


@pytest.mark.slow
def test_forecast_is_the_networks_rollout(model, frames):
    ahead = model.forecast(frames, steps=3)
    assert isinstance(ahead, np.ndarray) and ahead.dtype == np.float32
    rollout = physical_rollout(model.network, model.statistics, 4)
    expected = rollout(model.params, jnp.asarray(frames), 3)
    # Water about 1 deep; the same sums in another order, over three steps.
    np.testing.assert_allclose(ahead, expected, rtol=0, atol=2e-6)


@pytest.mark.slow
def test_a_batch_is_its_members(model, frames):
    both = model.forecast(frames, steps=2)
    for number in (0, 1):
        alone = model.forecast(frames[number], steps=2)
        assert alone.shape == (2, 16, 16, 1)
        np.testing.assert_allclose(alone, both[number], rtol=0, atol=1e-6)
    by_block = model.block_displacements(frames)
    assert by_block.shape == (2, 1, 16, 16, 4, 2)
    np.testing.assert_allclose(
        model.block_displacements(frames[1]), by_block[1], rtol=0, atol=1e-6
    )
    moved = model.displacement(frames)
    np.testing.assert_allclose(moved, by_block.mean(axis=-2)[:, 0], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(model.displacement(frames[1]).shape, (16, 16, 2))


def test_only_the_last_frames_count_and_any_kind_of_array_will_do(model, frames):
    expected = model.forecast(frames[0, -4:], steps=1)
    for same in (frames[0], jnp.asarray(frames[0]), frames[0].astype(np.float64)):
        np.testing.assert_array_equal(model.forecast(same, steps=1), expected)
    half = model.forecast(jnp.asarray(frames[0], jnp.bfloat16), steps=1)
    # bfloat16 keeps 8 bits of water 1 deep, and lines through two frames double that.
    np.testing.assert_allclose(half, expected, rtol=0, atol=0.05)


def test_each_shape_is_compiled_once(model, frames, monkeypatch):
    model.forecast(frames, steps=2)
    model.displacement(frames)
    traced = []
    apply = type(model.network).apply

    def counted(*args, **kwargs):
        traced.append(1)
        return apply(*args, **kwargs)

    monkeypatch.setattr(type(model.network), "apply", counted)
    for longer in (frames, frames[:, 1:]):
        model.forecast(longer, steps=2)
        model.displacement(longer)
    assert not traced


def test_the_time_step_can_be_scaled(model, frames):
    """Of one block, whose displacement is in proportion to it."""
    expected = 2 * model.displacement(frames)
    np.testing.assert_allclose(
        model.at_interval(2).displacement(frames), expected, rtol=1e-6
    )
    same = model.at_interval(1).forecast(frames, steps=2)
    np.testing.assert_array_equal(same, model.forecast(frames, steps=2))
    other = with_options(model, name="unet")
    with pytest.raises(InputError, match="a unet has no time step"):
        other.at_interval(2)


def test_missing_cells_are_filled_in(model, frames):
    gaps = frames.copy()
    gaps[0, -1, 3:5, 6] = np.nan
    filled = frames.copy()
    filled[0, -1, 3:5, 6] = frames[0, -2, 3:5, 6]
    np.testing.assert_array_equal(model.forecast(gaps, 2), model.forecast(filled, 2))
    unknown = np.full_like(frames, np.nan)
    assert np.isfinite(model.forecast(unknown, 1)).all()


BAD = {
    "two channels": (lambda f: np.repeat(f, 2, -1), "shape .*, 16, 2.; expected"),
    "too few frames": (lambda f: f[:, :3], "4 frames or more of 1 channel"),
    "no channel axis": (lambda f: f[..., 0], r"need the axis of channels"),
    "no time axis": (lambda f: f[0, 0, ..., 0], r"shape \(16, 16\); expected"),
    "too many axes": (lambda f: f[None], r"expected \(time, rows, columns, channels\)"),
    "empty": (lambda f: f[:0], "expected"),
    "infinite": (lambda f: f + np.inf, "infinite"),
    "complex": (lambda f: f * 1j, "real numbers"),
    "text": (lambda f: f.astype(str), "real numbers"),
    "objects": (lambda f: f.astype(object), "real numbers"),
}


@pytest.mark.parametrize("name", BAD)
def test_frames_that_do_not_fit_are_told(model, frames, name):
    spoil, message = BAD[name]
    forecast = lambda f: model.forecast(f, steps=1)  # noqa: E731
    measures = model.displacement, model.block_displacements, model.shares
    for method in (forecast, *measures):
        with pytest.raises(InputError, match=message):
            method(spoil(frames))


def test_what_a_mask_hides_is_missing(model, frames):
    hidden = np.zeros(frames.shape, bool)
    hidden[:, -1, 3:5, 6] = True
    masked = np.ma.MaskedArray(np.where(hidden, np.float32(1e20), frames), hidden)
    gaps = np.where(hidden, np.nan, frames)
    np.testing.assert_array_equal(model.forecast(masked, 2), model.forecast(gaps, 2))
    moved = model.displacement(masked)
    np.testing.assert_array_equal(moved, model.displacement(gaps))


def test_it_prints_in_one_line_and_pickles(model, frames):
    assert repr(model).startswith(
        "<TrainedModel adrnet of shallow_water, 16 x 16 cells, 1 channel, from "
    )
    assert "\n" not in repr(model)
    expected = model.forecast(frames, 1)
    again = pickle.loads(pickle.dumps(model))  # after something was compiled
    np.testing.assert_array_equal(again.forecast(frames, 1), expected)


@pytest.mark.parametrize("steps", [2.5, "3", None])
def test_steps_are_whole(model, frames, steps):
    with pytest.raises(InputError, match="expected a whole number of frames"):
        model.forecast(frames, steps=steps)


@pytest.mark.parametrize("steps", [0, -1])
def test_steps_that_are_none(model, frames, steps):
    with pytest.raises(InputError, match=f"steps={steps}; expected 1 or more"):
        model.forecast(frames, steps=steps)


def test_a_network_without_transport_has_no_displacement(model, frames):
    still = with_options(model, transport="none")  # with the very same parameters
    assert still.displacement(frames) is None
    assert still.block_displacements(frames) is None
    assert still.shares(frames) is None


@pytest.mark.slow
def test_shares_of_the_terms(model, frames):
    shares = model.shares(frames)
    assert shares.shape == (2, 1, 3)
    np.testing.assert_allclose(shares.sum(axis=-1), 1.0, rtol=1e-6)  # float32
    assert (shares > 0).all()
    np.testing.assert_allclose(model.shares(frames[1]), shares[1], rtol=0, atol=1e-6)
    sizes = model._measure(measurement.changes, frames[:, -4:])[:, 0]
    np.testing.assert_allclose(shares[:, 0] * sizes.sum(1)[:, None], sizes, rtol=1e-6)
