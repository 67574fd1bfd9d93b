"""UNet as a baseline: shapes on any grid, levels, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax.models.layers import double, halve
from adr_jax.models.unet import UNet
from adr_jax.options import ModelOptions


@pytest.mark.slow
@pytest.mark.parametrize("space", [(16, 16), (10, 13), (20,), (5, 6, 7)], ids=str)
def test_any_grid_goes_in_and_comes_out(space):
    history = jax.random.normal(jax.random.key(0), (2, 3, *space, 1))
    model = UNet(ModelOptions(channels=2, frames_out=2), levels=2)
    out, _ = jax.jit(model.init_with_output)(jax.random.key(1), history)
    assert out.shape == (2, 2, *space, 1)


def test_halving_keeps_the_mean_and_undoes_doubling(generator):
    z = jnp.asarray(generator.normal(size=(2, 4, 6, 3)), jnp.float32)
    assert halve(z).shape == (2, 2, 3, 3)
    expected = z[:, :2, :2].mean((1, 2))
    np.testing.assert_allclose(halve(z)[:, 0, 0], expected, atol=1e-6)  # float32
    np.testing.assert_array_equal(halve(double(z)), z)


@pytest.mark.slow
def test_a_gradient_reaches_every_level():
    history = jax.random.normal(jax.random.key(0), (1, 3, 16, 16, 1))
    model = UNet(ModelOptions(channels=2), levels=3)
    params = jax.jit(model.init)(jax.random.key(1), history)
    gradient = jax.jit(jax.grad(lambda p: jnp.sum(model.apply(p, history) ** 2)))(
        params
    )
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert jnp.any(leaf), jax.tree_util.keystr(path)
