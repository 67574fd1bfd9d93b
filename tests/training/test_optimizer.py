"""Optimisers: scaled from outside, clipped, and muon with its matrices."""

import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from adr_jax.errors import InputError
from adr_jax.options import TrainOptions
from adr_jax.training.optimizer import MUON_RMS, at_rate, make_optimizer

NAMES = (
    *("adabelief", "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamaxw"),
    *("adamw", "adan", "amsgrad", "lamb", "lars", "lion", "nadam", "nadamw"),
    *("novograd", "optimistic_gradient_descent", "radam", "rmsprop", "rprop", "sgd"),
    *("sign_sgd", "signum", "sm3", "yogi"),
)


@pytest.mark.parametrize("name", NAMES)
def test_an_optimiser_takes_the_step_that_optax_takes(name, generator):
    """Also where the rate changes from step to step."""
    options = TrainOptions(optimizer=name, clip=0.0, learning_rate=0.25)
    ours, factory = make_optimizer(options), getattr(optax, name)
    decay = {"weight_decay": options.weight_decay}
    decays = "weight_decay" in inspect.signature(factory).parameters
    params = {"w": jnp.asarray(generator.normal(size=(3, 4)), jnp.float32)}
    state, their_state = ours.init(params), None
    for rate in (0.25, 0.5, 0.125):
        theirs = factory(learning_rate=rate, **(decay if decays else {}))
        their_state = their_state or theirs.init(params)
        gradient = {"w": jnp.asarray(generator.normal(size=(3, 4)), jnp.float32)}
        step, state = ours.update(gradient, at_rate(state, jnp.float32(rate)), params)
        expected, their_state = theirs.update(gradient, their_state, params)
        chex.assert_trees_all_close(step["w"], expected["w"], rtol=1e-5)


@pytest.mark.parametrize("name", ["adm", "lbfgs", "chain", "clip", "polyak_sgd", ""])
def test_what_is_no_optimiser_of_a_gradient_and_a_rate_is_refused(name):
    with pytest.raises(InputError, match="config.train.optimizer is .*such as adamw"):
        make_optimizer(TrainOptions(optimizer=name))


def test_clipping_bounds_what_reaches_the_optimiser():
    options = TrainOptions(clip=0.5)
    optimizer = make_optimizer(options)
    reference = optax.adamw(1.0, weight_decay=options.weight_decay)
    params, gradient = {"w": jnp.ones(4)}, {"w": jnp.arange(4.0)}
    size = jnp.linalg.norm(gradient["w"])
    clipped = {"w": gradient["w"] * 0.5 / size}
    start = at_rate(optimizer.init(params), jnp.float32(1.0))
    got, state = optimizer.update(gradient, start, params)
    expected, _ = reference.update(clipped, reference.init(params), params)
    chex.assert_trees_all_close(got, expected, rtol=1e-5)
    moments = jax.tree.leaves(optax.tree.get(state, "mu"))[0]
    assert jnp.linalg.norm(moments) == pytest.approx(0.05, rel=1e-5)  # 0.1 of 0.5


@pytest.mark.slow
def test_muon_makes_the_step_of_each_kernel_orthogonal(generator):
    """Each of a stack on its own; what is no matrix takes nadamw's step."""
    options = TrainOptions(optimizer="muon", clip=0.0, weight_decay=0.0)
    optimizer = make_optimizer(options)
    shapes = {"blocks": {"kernel": (3, 3, 3, 4, 6), "gain": (3, 4)}, "kernel": (4, 6)}
    params, gradient = (
        jax.tree.map(
            lambda shape: jnp.asarray(generator.normal(size=shape), jnp.float32),
            shapes,
            is_leaf=lambda leaf: isinstance(leaf, tuple),
        )
        for _ in range(2)
    )
    start = at_rate(optimizer.init(params), jnp.float32(1.0))
    step, _ = optimizer.update(gradient, start, params)
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
