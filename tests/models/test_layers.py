"""The convolution of the networks beside SciPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from adr_jax.models.layers import PADDING, Conv, pad_to_halve

# SciPy's names: its "reflect" repeats the edge cell, as half-sample symmetry does.
MODES = {
    "clamp": "nearest",
    "open": "nearest",
    "periodic": "wrap",
    "reflect": "reflect",
}


@pytest.mark.parametrize("boundary", MODES)
@pytest.mark.parametrize("space", [(9,), (6, 5), (4, 6, 5)])
def test_convolution_is_that_of_scipy(space, boundary):
    """Also in three dimensions, which are computed plane by plane on CPUs."""
    z = jax.random.normal(jax.random.key(0), (2, *space, 3))
    layer = Conv(features=4, boundary=boundary)
    params = layer.init(jax.random.key(1), z)
    kernel = params["params"]["Conv_0"]["kernel"]
    assert kernel.shape == (3,) * len(space) + (3, 4)
    z, kernel, made = np.float64(z), np.float64(kernel), layer.apply(params, z)
    expected = np.zeros((2, *space, 4))
    for sample in range(2):
        for feature in range(4):
            expected[sample, ..., feature] = sum(
                ndimage.correlate(
                    z[sample, ..., channel],
                    kernel[..., channel, feature],
                    mode=MODES[boundary],
                )
                for channel in range(3)
            )
    # Sums of 81 products of unit size at most, in float32.
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_convolution_in_three_dimensions_has_its_gradients(monkeypatch):
    """Those of the form for other devices, by input and kernel."""
    z = jax.random.normal(jax.random.key(0), (2, 4, 6, 5, 3))
    layer = Conv(features=4, boundary="reflect")
    params = layer.init(jax.random.key(1), z)

    def loss(params, z):
        return jnp.sum(jnp.sin(layer.apply(params, z)))

    in_planes = jax.grad(loss, (0, 1))(params, z)
    monkeypatch.setattr("adr_jax.models.layers.platform", lambda: "gpu")
    at_once = jax.grad(loss, (0, 1))(params, z)
    # Sums of some hundred products of unit size, in float32.
    for a, b in zip(*map(jax.tree.leaves, (in_planes, at_once)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


# Cells that follow 0, 1, 2, 3, 4 beyond the far edge.
BEYOND = {
    "clamp": [4, 4, 4],
    "open": [4, 4, 4],
    "periodic": [0, 1, 2],
    "reflect": [4, 3, 2],
}


@pytest.mark.parametrize("boundary", BEYOND)
def test_a_grid_is_padded_to_halve_by_the_boundary_rule(boundary):
    z = jnp.arange(5.0).reshape(1, 5, 1)
    padded = pad_to_halve(z, 3, PADDING[boundary])
    assert padded.ravel().tolist() == [0, 1, 2, 3, 4, *BEYOND[boundary]]
