"""FNO as a baseline: its size, its modes, other resolutions, other dimensions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax.models.fno import FNO, SpectralConv
from adr_jax.options import ModelOptions


def test_it_has_the_size_of_pdebench():
    history = jnp.zeros((1, 10, 32, 32, 1))
    params = jax.eval_shape(FNO().init, jax.random.key(0), history)
    spectral = params["params"]["SpectralConv_0"]["weights"]
    # Two corners of 12 x 12 modes, 20 by 20 channels, real and imaginary.
    assert spectral.size == 2 * 2 * 12 * 12 * 20 * 20
    assert params["params"].keys() >= {f"SpectralConv_{k}" for k in range(4)}


@pytest.mark.slow
def test_only_the_lowest_modes_pass():
    n, modes = 32, 4
    place = np.arange(n) / n
    conv = SpectralConv(features=2, modes=modes)
    params = conv.init(jax.random.key(0), jnp.zeros((1, n, n, 1)))
    for waves, passes in (((3, 2), True), ((-3, 2), True), ((5, 2), False)):
        phase = waves[0] * place[:, None] + waves[1] * place[None, :]
        field = jnp.asarray(np.cos(2 * np.pi * phase))[None, ..., None]
        size = jnp.max(jnp.abs(jax.jit(conv.apply)(params, field)))
        # Weights are of order 1/2; what does not pass is float32 rounding.
        assert (size > 1e-3) == passes


def test_the_same_map_at_another_resolution():
    def field(n):
        place = np.arange(n) / n
        wave = np.cos(2 * np.pi * (2 * place[:, None] + place[None, :]) + 0.4)
        return jnp.asarray(wave)[None, ..., None]

    conv = SpectralConv(features=2, modes=4)
    params = conv.init(jax.random.key(0), field(16))
    coarse, fine = (
        jax.jit(conv.apply)(params, field(16)),
        jax.jit(conv.apply)(params, field(32)),
    )
    np.testing.assert_allclose(fine[:, ::2, ::2], coarse, atol=1e-6)  # float32


@pytest.mark.slow
@pytest.mark.parametrize("space", [(20,), (9, 12), (5, 6, 7)], ids=str)
def test_any_grid_goes_in_and_comes_out_and_trains(space):
    history = jax.random.normal(jax.random.key(0), (2, 3, *space, 1))
    model = FNO(ModelOptions(frames_out=2), width=4, modes=3, layers=2)
    params = jax.jit(model.init)(jax.random.key(1), history)
    assert model.apply(params, history).shape == (2, 2, *space, 1)
    gradient = jax.jit(jax.grad(lambda p: jnp.sum(model.apply(p, history) ** 2)))(
        params
    )
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert jnp.any(leaf), jax.tree_util.keystr(path)
