"""Optimisers: scaled from outside, clipped, and muon with its matrices."""

import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from adr_jax.training.optimizer import MUON_RMS, OPTIMIZERS, make_optimizer


@pytest.mark.parametrize("name", sorted({*OPTIMIZERS} - {"muon"}))
def test_an_optimisers_step_is_proportional_to_its_rate(config, name, generator):
    """As train_step supposes, which scales it."""
    config.train.optimizer, config.train.clip = name, 0.0
    ours = make_optimizer(config.train)
    factory = getattr(optax, name)
    decay = {"weight_decay": config.train.weight_decay}
    decays = "weight_decay" in inspect.signature(factory).parameters
    theirs = factory(learning_rate=0.25, **(decay if decays else {}))
    params = {"w": jnp.asarray(generator.normal(size=(3, 4)), jnp.float32)}
    states = ours.init(params), theirs.init(params)
    for _ in range(3):
        gradient = {"w": jnp.asarray(generator.normal(size=(3, 4)), jnp.float32)}
        step, state = ours.update(gradient, states[0], params)
        expected, their_state = theirs.update(gradient, states[1], params)
        states = state, their_state
        chex.assert_trees_all_close(0.25 * step["w"], expected["w"], rtol=1e-5)


def test_clipping_bounds_what_reaches_the_optimiser(config):
    config.train.clip = 0.5
    optimizer = make_optimizer(config.train)
    reference = optax.adamw(1.0, weight_decay=config.train.weight_decay)
    params, gradient = {"w": jnp.ones(4)}, {"w": jnp.arange(4.0)}
    size = jnp.linalg.norm(gradient["w"])
    clipped = {"w": gradient["w"] * 0.5 / size}
    got, state = optimizer.update(gradient, optimizer.init(params), params)
    expected, _ = reference.update(clipped, reference.init(params), params)
    chex.assert_trees_all_close(got, expected, rtol=1e-5)
    moments = jax.tree.leaves(optax.tree.get(state, "mu"))[0]
    assert jnp.linalg.norm(moments) == pytest.approx(0.05, rel=1e-5)  # 0.1 of 0.5


def test_muon_makes_the_step_of_each_kernel_orthogonal(config, generator):
    """Each of a stack on its own; what is no matrix takes nadamw's step."""
    config.train.optimizer, config.train.clip = "muon", 0.0
    config.train.weight_decay = 0.0
    optimizer = make_optimizer(config.train)
    shapes = {"blocks": {"kernel": (3, 3, 3, 4, 6), "gain": (3, 4)}, "kernel": (4, 6)}
    params, gradient = (
        jax.tree.map(
            lambda shape: jnp.asarray(generator.normal(size=shape), jnp.float32),
            shapes,
            is_leaf=lambda leaf: isinstance(leaf, tuple),
        )
        for _ in range(2)
    )
    step, _ = optimizer.update(gradient, optimizer.init(params), params)
    matrices = [*step["blocks"]["kernel"].reshape(3, 36, 6), step["kernel"]]
    for matrix in matrices:
        stretch = np.linalg.svd(matrix, compute_uv=False)
        size = MUON_RMS * max(matrix.shape) ** 0.5
        # Five Newton-Schulz steps leave singular values between 0.68 and 1.14.
        assert 0.65 * size < stretch.min() and stretch.max() < 1.16 * size
    nadamw = optax.nadamw(1.0, weight_decay=0.0)
    gain = gradient["blocks"]["gain"]
    expected, _ = nadamw.update(gain, nadamw.init(gain), params["blocks"]["gain"])
    chex.assert_trees_all_close(step["blocks"]["gain"], expected, rtol=1e-5)
