"""Displacements and sizes of terms, beside the blocks applied one after the other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax.models.adrnet import ADRNet
from adr_jax.models.blocks import ADRBlock
from adr_jax.models.measurement import block_displacements, changes, displacement
from adr_jax.operators.advection import pull, push
from adr_jax.operators.motion import estimate_motion
from adr_jax.operators.trajectory import trajectory
from adr_jax.options import ModelOptions

OPTIONS = {"channels": 4, "num_blocks": 2, "boundary": "periodic", "diffusion": "none"}


@pytest.fixture
def history():
    return jax.random.normal(jax.random.key(0), (2, 3, 12, 10, 1)) + 0.3


def trained(network, history):
    """Make parameters with velocities of the order of a cell."""
    params = {"params": network.init(jax.random.key(1), history)["params"]}

    def grow(path, leaf):
        in_last_layer = "velocity" in str(path) and "Conv_2" in str(path)
        return 100.0 * leaf if in_last_layer else leaf

    return jax.tree_util.tree_map_with_path(grow, params)


def size(change):
    return np.sqrt(np.mean(np.square(change), axis=(1, 2, 3)))


@pytest.mark.slow
@pytest.mark.parametrize("remat", [False, True], ids=["kept", "remat"])
def test_what_is_measured_is_what_the_blocks_do(history, remat):
    network = ADRNet(ModelOptions(**OPTIONS, remat=remat))
    params = trained(network, history)
    u, sizes = (
        measure(network, params, history) for measure in (block_displacements, changes)
    )
    assert u.shape == (2, 2, 12, 10, 4, 2)
    z = embedded(network, params, history)
    for index in range(2):
        block = ADRBlock(network.options, time_step=0.5, boundary="periodic")
        layer = jax.tree.map(lambda leaf, k=index: leaf[k], params["params"]["blocks"])
        after = block.apply({"params": layer}, z)
        moved = push(z, u[index], boundary="periodic", grouped=True)
        expected = [size(moved - z), np.zeros(2), size(after - moved)]
        assert min(expected[0].min(), expected[2].min()) > 0.01
        # Differences of float32 states of order one.
        np.testing.assert_allclose(
            sizes[index], np.stack(expected, axis=1), rtol=1e-3, atol=1e-6
        )
        z = after


@pytest.mark.slow
def test_in_the_moving_frame_it_is_the_motion_and_what_is_learned(history):
    options = ModelOptions(**OPTIONS, head="advection", frames_out=2)
    network = ADRNet(options)
    params = {"params": network.init(jax.random.key(1), history)["params"]}
    u = estimate_motion(history, boundary="periodic")
    ahead = -trajectory(-u, 1, boundary="periodic")[:, 0]
    # The same operations, compiled together or apart: float32, cells of order one.
    found = displacement(network, params, history)
    np.testing.assert_allclose(found, ahead, rtol=0, atol=1e-4)
    params["params"]["carry"]["motion"]["Dense_0"]["bias"] = jnp.array([0.5, -2.0])
    found = displacement(network, params, history)
    np.testing.assert_allclose(found, ahead + jnp.array([0.5, -2.0]), rtol=0, atol=1e-4)
    carried = pull(history[:, -1], -found, boundary="periodic")
    forecast = network.apply(params, history, 1)[:, 0]
    np.testing.assert_allclose(forecast, carried, rtol=0, atol=1e-4)


def embedded(network, params, history):
    _, captured = network.apply(
        params,
        history,
        capture_intermediates=lambda module, _: module.name == "embed",
        mutable=["intermediates"],
    )
    return jnp.asarray(captured["intermediates"]["embed"]["__call__"][0])


def test_measuring_changes_no_forecast(history):
    network = ADRNet(ModelOptions(**OPTIONS))
    params = trained(network, history)
    before = network.apply(params, history)
    changes(network, params, history)
    np.testing.assert_array_equal(network.apply(params, history), before)
