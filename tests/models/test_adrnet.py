"""The network whole."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax import models
from adr_jax.models.adrnet import ADRNet
from adr_jax.models.baselines import BASELINES
from adr_jax.models.blocks import ADRBlock
from adr_jax.models.frames import MINIMUM_PROBABILITY
from adr_jax.models.layers import PointwiseMLP
from adr_jax.options import ModelOptions

HEADS = ("frames", *BASELINES)
TRANSPORTS = ("push", "pull", "none")
SMALL = {"channels": 4, "num_blocks": 3}
OPTIONS = {field.name for field in dataclasses.fields(ModelOptions)} - {"unroll"}


def adrnet(**fields):
    """Make a small network, its options and other fields by name."""
    options = {name: fields.pop(name) for name in OPTIONS & fields.keys()}
    return ADRNet(ModelOptions(**SMALL | options), **fields)


@pytest.fixture
def history():
    return jax.random.normal(jax.random.key(0), (2, 5, 12, 10, 2)) + 0.3


def init(model, history):
    return {"params": jax.jit(model.init)(jax.random.key(1), history)["params"]}


@pytest.mark.slow
@pytest.mark.parametrize("frames_out", [1, 3])
@pytest.mark.parametrize("head", HEADS)
def test_output_is_base_plus_scaled_network(history, head, frames_out):
    model = adrnet(head=head, frames_out=frames_out, output_scale=(0.5, 2.0))
    params = init(model, history)
    out = jax.jit(model.apply)(params, history)
    chex.assert_shape(out, (2, frames_out, 12, 10, 2))
    bare = jax.jit(adrnet(head="frames", frames_out=frames_out).apply)(params, history)
    base = 0 if head == "frames" else BASELINES[head](history, frames_out)
    expected = base + jnp.array([0.5, 2.0]) * bare
    np.testing.assert_allclose(out, expected, atol=1e-6)  # float32 of order one


@pytest.mark.parametrize("head", HEADS)
def test_forecasts_of_classes_are_probabilities(head):
    shares = jax.random.uniform(jax.random.key(0), (2, 5, 12, 10, 1))
    history = jnp.concatenate([shares, 1 - shares], axis=-1)
    model = adrnet(head=head, output_scale=9.0, probabilities=True)
    params = init(model, history)
    out = jax.jit(model.apply)(params, history)
    assert (out >= 0).all()
    np.testing.assert_allclose(out.sum(axis=-1), 1.0, atol=1e-6)  # float32
    bare = jax.jit(adrnet(head="frames").apply)(params, history)
    base = 1.0 if head == "frames" else BASELINES[head](history, 1)
    expected = jnp.clip(base, MINIMUM_PROBABILITY, 1.0) * jnp.exp(bare)
    expected /= expected.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(out, expected, atol=1e-6)


@pytest.mark.slow
def test_scan_equals_a_python_loop(history):
    model = adrnet(head="frames", change_scale=0.5)
    params = init(model, history)
    tree = params["params"]
    changes = [(history[:, t + 1] - history[:, t]) / 0.5 for t in range(4)]
    seen = jnp.concatenate([history[:, -1], *changes], axis=-1)
    z = jax.jit(PointwiseMLP(4, 4).apply)({"params": tree["embed"]}, seen)
    block = ADRBlock(time_step=1 / 3)
    for number in range(3):
        layer = jax.tree.map(lambda leaf, n=number: leaf[n], tree["blocks"])
        z = jax.jit(block.apply)({"params": layer}, z)
    expected = jax.jit(PointwiseMLP(4, 2).apply)({"params": tree["project"]}, z)
    # The same operations, fused otherwise: float32 of order one.
    np.testing.assert_allclose(
        jax.jit(model.apply)(params, history)[:, 0], expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("option", [{"unroll": True}, {"remat": True}], ids=str)
def test_unroll_and_remat_change_neither_loss_nor_gradient(history, option):
    plain = adrnet()
    params = init(plain, history)

    def loss(model):
        return lambda p: jnp.mean(jnp.square(jax.jit(model.apply)(p, history)))

    expected = jax.value_and_grad(loss(plain))(params)
    got = jax.value_and_grad(loss(adrnet(**option)))(params)
    # Sums in another order: float32.
    chex.assert_trees_all_close(got, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_gradient_reaches_every_parameter(history, transport):
    model = adrnet(transport=transport)
    params = init(model, history)
    gradient = jax.grad(
        lambda p: jnp.mean(jnp.square(jax.jit(model.apply)(p, history)))
    )(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert jnp.any(leaf != 0), jax.tree_util.keystr(path)


def test_the_ablation_has_the_same_parameters(history):
    shapes = [
        jax.tree.map(jnp.shape, init(adrnet(transport=transport), history))
        for transport in TRANSPORTS
    ]
    assert shapes[0] == shapes[1] == shapes[2]


@pytest.mark.slow
def test_equivariant_to_shifts_under_periodic_boundaries(history):
    model = adrnet(boundary="periodic")
    params = init(model, history)
    shift = {"shift": (3, -4), "axis": (2, 3)}
    moved = jax.jit(model.apply)(params, jnp.roll(history, **shift))
    # Sums of the norm run in another order: float32.
    np.testing.assert_allclose(
        moved, jnp.roll(jax.jit(model.apply)(params, history), **shift), atol=1e-5
    )


@pytest.mark.parametrize("frames_out", [1, 3])
@pytest.mark.parametrize("head", ["persistence", "extrapolation"])
def test_in_flux_form_the_sum_of_the_base_is_kept(history, head, frames_out):
    model = adrnet(head=head, frames_out=frames_out, conserve=True)
    forecast = jax.jit(model.apply)(init(model, history), history)
    base = BASELINES[head](history, frames_out)
    assert jnp.max(jnp.abs(forecast - base)) > 0.1
    # Sums of 120 float32 numbers of order one.
    np.testing.assert_allclose(forecast.sum((2, 3)), base.sum((2, 3)), atol=1e-3)


@pytest.mark.slow
def test_in_flux_form_still_water_stays_still_at_any_level():
    model = adrnet(conserve=True)
    still = jnp.ones((1, 5, 48, 48, 1))
    params = init(model, still)
    for level in (0.3, -2.0):
        # Beyond the reach of what transport does at the edges: 3 blocks of 3
        # convolutions, a diffusion step and less than 2 cells of displacement.
        inner = jax.jit(model.apply)(params, level * still)[:, :, 20:-20, 20:-20]
        # Rounding alone: the flux is the same on both faces of a cell.
        np.testing.assert_allclose(inner, level, atol=1e-6)


def test_frames_in_hides_the_older_frames(history):
    model = adrnet(frames_in=2)
    params = init(model, history)
    forecast = jax.jit(model.apply)(params, history)
    np.testing.assert_array_equal(
        forecast, jax.jit(model.apply)(params, history[:, 3:])
    )
    older = history.at[:, 2].add(1.0)
    np.testing.assert_array_equal(forecast, jax.jit(model.apply)(params, older))


@pytest.mark.slow
def test_the_same_parameters_serve_any_resolution(history):
    model = adrnet()
    params = init(model, history)
    wide = jax.jit(model.apply)(params, jnp.tile(history, (1, 1, 2, 3, 1)))
    assert wide.shape == (2, 1, 24, 30, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"displacement_fields": 2},
        {"transport": "pull"},
        {"transport": "none"},
        {"diffusion": "none"},
        {"diffusion": "exact"},
        {"reaction": "conv"},
        {"reach": 1e-3},
        {"coordinates": True},
        {"conserve": True},
        {"denoiser": True},
        {"context": 1},
        {"boundary": "periodic"},
        {"head": "persistence"},
    ],
    ids=str,
)
def test_each_option_changes_the_output(history, options):
    plain, other = adrnet(), adrnet(**options)
    outputs = [jax.jit(m.apply)(init(m, history), history) for m in (plain, other)]
    assert jnp.max(jnp.abs(outputs[0] - outputs[1])) > 1e-4


@pytest.mark.slow
def test_in_bfloat16_the_output_is_near_and_parameters_are_float32(history):
    plain, half = adrnet(), adrnet(dtype="bfloat16")
    params = init(half, history)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype("float32")}
    out = jax.jit(half.apply)(params, history)
    assert out.dtype == jnp.float32
    difference = out - jax.jit(plain.apply)(params, history)
    # bfloat16 has 8 bits: errors of 0.4 % a layer, of outputs of order one.
    assert 0 < jnp.sqrt(jnp.mean(jnp.square(difference))) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adrnet", "unet", "fno"])
def test_scalars_work_in_every_network(history, name):
    options = ModelOptions(name=name, channels=4, num_blocks=2)
    model = models.build(options, change_scale=(1.0, 1.0), output_scale=(1.0, 2.0))
    some, others = jnp.ones((2, 3)), jnp.array([[1.0, 1.0, 1.0], [1.0, 1.0, 2.0]])
    params = model.init(jax.random.key(1), history, scalars=some)
    apply = jax.jit(model.apply)
    first, second = (apply(params, history, scalars=s) for s in (some, others))
    assert first.shape == (2, 1, 12, 10, 2)
    np.testing.assert_array_equal(first[0], second[0])
    assert jnp.max(jnp.abs(first[1] - second[1])) > 1e-4
    coarse = apply(params, history[:, :, :8, :8], scalars=some)
    assert coarse.shape == (2, 1, 8, 8, 2)


@pytest.mark.slow
def test_the_default_network_has_as_many_parameters_as_ever():
    model = models.build(ModelOptions(), change_scale=(1.0,), output_scale=(1.0,))
    history = jnp.zeros((1, 10, 16, 16, 1))
    shapes = jax.eval_shape(model.init, jax.random.key(0), history)
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 73_321
