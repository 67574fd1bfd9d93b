"""The parts of the network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from adr_jax.models.blocks import ADRBlock, Velocity
from adr_jax.models.layers import PADDING, Conv, Norm
from adr_jax.options import BlockOptions

TRANSPORTS = ("push", "pull", "none")


def state(shape=(2, 12, 10, 4), seed=0):
    """Make an asymmetric state of non-zero sum, another scale in each sample."""
    z = jax.random.normal(jax.random.key(seed), shape) + 0.5
    return z * jnp.array([1.0, 30.0]).reshape(2, 1, 1, 1)


def init(module, z, seed=1):
    return {"params": jax.jit(module.init)(jax.random.key(seed), z)["params"]}


def adr_block(time_step, *, boundary="clamp", dtype=None, **options):
    """Make a block, its options by name."""
    return ADRBlock(BlockOptions(**options), time_step, boundary, dtype)


def displacement(block, params, z):
    """Return how far the block moves content, in cells."""
    _, captured = block.apply(
        params,
        z,
        capture_intermediates=lambda _, method: method == "displacement",
        mutable=["intermediates"],
    )
    (u,) = captured["intermediates"]["displacement"]
    return u


def moving(params, scale=100.0):
    """Return the parameters with velocities of the order of a cell."""

    def grow(path, leaf):
        in_last_layer = "velocity" in str(path) and "Conv_2" in str(path)
        return scale * leaf if in_last_layer else leaf

    return jax.tree_util.tree_map_with_path(grow, params)


def test_norm_is_over_space_and_channels_of_each_sample():
    z = state()
    normed, _ = Norm().init_with_output(jax.random.key(0), z)
    size = jnp.sqrt(jnp.mean(jnp.square(normed), axis=(1, 2, 3)))
    # float32 means of 480 numbers, and the 1e-6 that keeps zero from being divided by.
    np.testing.assert_allclose(size, 1.0, rtol=1e-5)
    # One factor a sample: where a field is flat, nothing is amplified.
    factor = normed / z
    spread = jnp.std(factor, axis=(1, 2, 3)) / jnp.mean(factor, axis=(1, 2, 3))
    assert jnp.max(spread) < 1e-5


def test_norm_of_zero_is_zero():
    normed, _ = Norm().init_with_output(jax.random.key(0), jnp.zeros((1, 4, 4, 2)))
    assert not jnp.any(normed)


@pytest.mark.parametrize("boundary", PADDING)
def test_convolution_pads_by_the_boundary_rule(boundary):
    z = state()
    conv = Conv(3, boundary)
    params = init(conv, z)
    # Padding by hand, with an extra cell, then cutting it off again.
    wide = jnp.pad(z, [(0, 0), (2, 2), (2, 2), (0, 0)], mode=PADDING[boundary])
    by_hand = jax.jit(conv.apply)(params, wide)[:, 2:-2, 2:-2]
    np.testing.assert_array_equal(jax.jit(conv.apply)(params, z), by_hand)


def test_velocity_starts_near_zero():
    z = state()
    u = Velocity(fields=4, boundary="clamp").init_with_output(jax.random.key(0), z)[0]
    assert u.shape == (2, 12, 10, 4, 2)
    # Initial weights of the last layer are scaled by 1e-2 for inputs of order one.
    assert 0 < jnp.max(jnp.abs(u)) < 0.1


@pytest.mark.parametrize("fields", [1, 2, 4])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_block_has_as_many_displacements_as_its_options_say(fields, transport):
    z = state()
    block = adr_block(0.5, displacement_fields=fields, transport=transport)
    assert displacement(block, init(block, z), z).shape == (2, 12, 10, fields, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"diffusion": "implicit"},
        {"diffusion": "exact", "boundary": "clamp"},
        {"boundary": "periodic"},
        {"boundary": "reflect", "reaction": "conv"},
    ],
    ids=str,
)
def test_a_block_without_reaction_keeps_the_sum(options):
    z = state()
    block = adr_block(1.0, displacement_fields=2, **options)
    params = moving(init(block, z))
    still = jax.tree_util.tree_map_with_path(
        lambda path, leaf: 0 * leaf if "reaction" in str(path) else leaf, params
    )
    out = jax.jit(block.apply)(still, z)
    # The case moves something.
    assert jnp.max(jnp.abs(displacement(block, still, z))) > 1
    assert jnp.max(jnp.abs(out - z)) > 0.1
    # Sums of 120 float32 numbers of order 30.
    np.testing.assert_allclose(out.sum((1, 2)), z.sum((1, 2)), rtol=1e-4, atol=1e-3)


@pytest.mark.slow
def test_push_and_pull_move_the_same_way():
    z = jnp.zeros((1, 16, 16, 2)).at[:, 8, 8].set(1.0)
    outputs = {}
    for transport in ("push", "pull"):
        options = {"transport": transport, "diffusion": "none"}
        block = adr_block(1.0, displacement_fields=1, **options)
        params = init(block, z)
        # A velocity of (2, -3) everywhere, and no reaction.
        params = jax.tree.map(jnp.zeros_like, params)
        params["params"]["velocity"]["Conv_2"]["Conv_0"]["bias"] = jnp.array(
            [2.0, -3.0]
        )
        outputs[transport] = jax.jit(block.apply)(params, z)
        assert outputs[transport][0, 10, 5, 0] == 1.0
    np.testing.assert_array_equal(outputs["push"], outputs["pull"])


def test_the_time_step_scales_the_displacement():
    z = state()
    half, whole = (
        displacement(block, init(block, z), z)
        for block in (adr_block(0.5), adr_block(1.0))
    )
    np.testing.assert_allclose(2 * half, whole, rtol=1e-6)  # one rounding


OPTIONS = [
    {"diffusion": "implicit"},
    {"diffusion": "exact"},
    {"reaction": "conv"},
    {"reach": 0.5},
    {"context": 2},
    {"dtype": jnp.bfloat16},
]


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option_matters_and_trains(options):
    z = state()
    plain, block = (
        adr_block(1.0, displacement_fields=2, **chosen) for chosen in ({}, options)
    )
    params = moving(init(block, z))
    out = jax.jit(block.apply)(params, z)
    if not options.keys() & {"reaction", "context"}:  # they have other parameters
        assert jnp.max(jnp.abs(out - jax.jit(plain.apply)(params, z))) > 1e-3
    gradient = jax.jit(jax.grad(lambda p: jnp.sum(block.apply(p, z) ** 2)))(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert jnp.any(leaf), jax.tree_util.keystr(path)


def test_the_terms_follow_each_other_in_the_order_stated():
    """Advection first, of the first state's velocity; then diffusion, then reaction."""
    z = state()
    block = adr_block(1.0, displacement_fields=2)
    params = moving(init(block, z))

    def only(term, z):
        """One term of the block, the others switched off in the parameters."""
        names = {"a": "velocity", "d": "diffusion", "r": "reaction"}

        def switch(path, leaf):
            others = (name for key, name in names.items() if key != term)
            if not any(name in str(path) for name in others):
                return leaf
            rate = "diffusion" in str(path)
            return jnp.full_like(leaf, -jnp.inf) if rate else jnp.zeros_like(leaf)

        return block.apply(jax.tree_util.tree_map_with_path(switch, params), z)

    expected = only("r", only("d", only("a", z)))
    out = jax.jit(block.apply)(params, z)
    # float32 of order 30
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)
    assert jnp.max(jnp.abs(out - only("d", only("r", only("a", z))))) > 1e-3


def test_no_displacement_is_longer_than_the_reach():
    z = state()
    free, bound = (
        displacement(block, moving(init(block, z)), z)
        for block in (adr_block(1.0), adr_block(1.0, reach=1.5))
    )
    assert jnp.max(jnp.abs(free)) > 1.5
    assert jnp.max(jnp.abs(bound)) <= 1.5
    # A small displacement is hardly changed: tanh t = t - t^3 / 3.
    small = jnp.abs(free) < 0.05
    np.testing.assert_allclose(bound[small], free[small], rtol=1e-3)


@pytest.mark.slow
def test_context_looks_further():
    def reach_of(context):
        net = Velocity(fields=1, boundary="clamp", context=context)
        z = jax.random.normal(jax.random.key(0), (1, 64, 4))
        params = init(net, z)

        def hold_norm(call, arguments, options, context):
            """Every cell has a part in the norm, which is not what is meant here."""
            if not isinstance(context.module, Norm):
                return call(*arguments, **options)
            (z,) = arguments
            return z * jax.lax.stop_gradient(call(z) / z)

        def middle(z):
            with nn.intercept_methods(hold_norm):
                return net.apply(params, z)[0, 32].sum()

        far = jnp.flatnonzero(jnp.abs(jax.grad(middle)(z)[0]).sum(-1))
        return int(jnp.max(jnp.abs(far - 32)))

    assert reach_of(0) == 3  # three convolutions
    assert reach_of(3) > 3 * 2**3  # two convolutions of cells eight times as long


@pytest.mark.slow
def test_one_and_three_dimensions():
    for space in ((16,), (6, 5, 4)):
        z = jax.random.normal(jax.random.key(0), (2, *space, 4))
        for diffusion in ("explicit", "exact"):
            block = adr_block(1.0, diffusion=diffusion)
            assert block.apply(moving(init(block, z)), z).shape == z.shape
