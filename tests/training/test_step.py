"""One training step: the same on any number of devices, compiled once."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax import data
from adr_jax.data.batches import read_batch
from adr_jax.data.normalisation import Statistics
from adr_jax.data.windows import Windows
from adr_jax.training import configuration
from adr_jax.training.devices import mapping
from adr_jax.training.network import build_network
from adr_jax.training.optimizer import make_optimizer
from adr_jax.training.step import (
    init_state,
    learning_rate,
    make_train_step,
)

pytestmark = pytest.mark.slow


def build(config, feedback=0):
    """Build a step not yet mapped, its first state, and a batch."""
    config = configuration.read(config)
    dataset = data.load(config.data)
    statistics = Statistics.of(dataset)
    model = build_network(config, statistics)
    optimizer = make_optimizer(config.train)
    state = init_state(model, optimizer, config, dataset.trajectories.frame_shape)
    windows = Windows(dataset, "train", configuration.window_length(config))
    batch = read_batch(windows, config.seed, 0, batch_size=config.train.batch_size)
    step = make_train_step(model, optimizer, statistics, config, feedback)
    return step, state, batch


def on_one_device(step):
    mapped = jax.pmap(
        step,
        mapping.AXIS,
        in_axes=(None, 0),
        out_axes=(None, None),
        devices=jax.devices()[:1],
    )
    return lambda state, batch: mapped(state, jax.tree.map(lambda a: a[None], batch))


@pytest.mark.parametrize("noise", [0.0, 0.5], ids=["clean", "noisy"])
def test_one_device_equals_two(config, noise):
    assert jax.local_device_count() == 2
    config.train.noise = noise
    step, state, batch = build(config)
    one, two = on_one_device(step), mapping.map_step(step)
    state_one, state_two = state, mapping.replicate(state)
    for _ in range(3):
        state_one, metrics_one = one(state_one, batch)
        state_two, metrics_two = two(state_two, batch)
    # Means over 4 rows as one mean or as the mean of two: rounding of float32,
    # which Adam's division by the gradient's size lets grow a little in 3 steps.
    chex.assert_trees_all_close(metrics_one, metrics_two, rtol=1e-4)
    chex.assert_trees_all_close(
        jax.device_get(state_one.params), jax.device_get(state_two.params), atol=1e-5
    )


def test_a_wish_to_stop_is_counted_over_all_rows(config):
    step, state, batch = build(config)
    asking = batch._replace(stop=np.array([False, True, False, True]))
    mapped = mapping.map_step(step)
    for rows, votes in ((batch, 0), (asking, 2), (batch.asking_to_stop(True), 4)):
        fresh = mapping.replicate(jax.tree.map(jnp.copy, state))  # steps consume it
        _, metrics = mapped(fresh, rows)
        assert int(metrics["stop"]) == votes


def test_every_device_holds_the_same_parameters(config):
    step, state, batch = build(config)
    state, _ = mapping.map_step(step)(mapping.replicate(state), batch)
    for leaf in jax.tree.leaves(state.params):
        first, second = (np.asarray(shard.data) for shard in leaf.addressable_shards)
        np.testing.assert_array_equal(first, second)


def test_noise_belongs_to_the_row_and_not_to_the_device(config):
    config.train.noise = 1.0
    step, state, batch = build(config)
    swapped = batch._replace(frames=batch.frames[::-1], row=batch.row[::-1])
    losses = [float(on_one_device(step)(state, b)[1]["loss"]) for b in (batch, swapped)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)  # the order of a mean
    renamed = batch._replace(row=batch.row + 1)
    other = float(on_one_device(step)(state, renamed)[1]["loss"])
    assert abs(other - losses[0]) > 1e-3 * losses[0]


def test_compiled_once_for_any_length_of_the_run(config):
    step, state, batch = build(config)
    traces = chex.assert_max_traces(step, n=1)
    mapped = mapping.map_step(traces)
    state = mapping.replicate(state)
    for total in (6, 6, 600):
        state = state._replace(total_steps=mapping.replicate(jnp.int32(total)))
        state, _ = mapped(state, batch)
    assert int(state.step) == 3


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("head", ["extrapolation", "advection"])
def test_a_step_keeps_all_types_where_numbers_are_double(config, head, optimizer):
    config.model.head = head
    config.data.update(noise=0.1, missing=0.1)
    config.train.update(optimizer=optimizer, noise=0.1, accumulate=2)
    with jax.enable_x64(True):
        step, state, batch = build(config)
        axis = dict.fromkeys([mapping.AXIS], 1)
        traced = jax.make_jaxpr(step, axis_env=list(axis.items()), return_shape=True)
        _, (after, _) = traced(state, batch)
    # Another type would compile the step anew, or undo the float32 of what is stored.
    before, after = (jax.tree.map(lambda a: a.dtype, tree) for tree in (state, after))
    assert before == after


def test_an_untrained_network_has_a_loss_near_one(config):
    # Its output starts small and its base misses by one unit of the head's scale.
    step, state, batch = build(config)
    _, metrics = on_one_device(step)(state, batch)
    assert 0.1 < float(metrics["loss"]) < 10


def test_the_loss_falls(config):
    config.train.steps = 60
    config.train.warmup = 1
    config.train.learning_rate = 1e-2
    step, state, batch = build(config)
    mapped = on_one_device(step)
    losses = []
    for _ in range(60):
        state, metrics = mapped(state, batch)
        losses.append(float(metrics["loss"]))
    assert losses[-1] < 0.5 * losses[0]


def test_feedback_adds_the_error_of_fed_back_frames(config):
    config.train.feedback = 2
    config.model.head = "persistence"
    one_step, state, batch = build(config, feedback=0)
    fed_back, _, _ = build(config, feedback=2)
    losses = [on_one_device(s)(state, batch)[1]["loss"] for s in (one_step, fed_back)]
    # Persistence, nearly, misses three frames by about 1, 2 and 3 units: squares
    # whose mean is (1 + 4 + 9) / 3 of the first, less where a wave has passed.
    assert 2 < losses[1] / losses[0] < 14 / 3 + 0.5


@pytest.mark.parametrize(
    "ema, done, decay",
    [
        (0.75, 100, 0.75),
        # Until the average has seen enough: (1 + steps) / (10 + steps).
        (0.99, 0, 0.1),
        (0.99, 11, 12 / 21),
        (0.0, 100, 0.0),
    ],
    ids=["late", "first step", "early", "none"],
)
def test_ema_averages_the_parameters(config, ema, done, decay):
    config.train.ema = ema
    step, state, batch = build(config)
    start = jax.tree.map(lambda p: p + 0.1, state.average)
    state = state._replace(step=jnp.asarray(done, jnp.int32), average=start)
    after, _ = on_one_device(step)(state, batch)
    expected = jax.tree.map(
        lambda old, new: decay * old + (1 - decay) * new, start, after.params
    )
    chex.assert_trees_all_close(after.average, expected, rtol=1e-5, atol=1e-6)


def test_the_schedule_warms_up_and_ends_at_zero(config):
    train = config.train
    train.warmup, train.learning_rate = 10, 0.5
    rates = [float(learning_rate(train, step, 110)) for step in (0, 9, 10, 60, 110)]
    # A tenth, the peak, half way down the cosine, the end; float32.
    np.testing.assert_allclose(rates, [0.05, 0.5, 0.5, 0.25, 0.0], atol=1e-6)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_schedules_differ_after_the_warmup_only(config, schedule):
    train = config.train
    train.warmup, train.learning_rate, train.schedule = 10, 0.5, schedule
    rates = [float(learning_rate(train, step, 110)) for step in (0, 9, 35, 110)]
    quarter = {"cosine": (2 + 2**0.5) / 4, "constant": 1.0}[schedule]
    end = 0.5 if schedule == "constant" else 0.0
    np.testing.assert_allclose(rates, [0.05, 0.5, 0.5 * quarter, end], atol=1e-6)


def test_micro_batches_are_their_union(config):
    """Also where cells are missing, so that parts count different numbers of them."""
    config.train.feedback = 1
    config.data.noise = 0.1
    _, state, batch = build(config)
    batch.frames[1, -2:, :8] = np.nan
    after = {}
    for parts in (1, 2, 4):
        config.train.accumulate = parts
        step, _, _ = build(config, feedback=1)
        after[parts] = on_one_device(step)(state, batch)
    for parts in (2, 4):
        # Sums in another order: rounding of float32.
        chex.assert_trees_all_close(after[parts][1], after[1][1], rtol=1e-5)
        chex.assert_trees_all_close(after[parts][0], after[1][0], rtol=1e-4, atol=1e-6)
