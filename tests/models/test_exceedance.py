"""The probability of exceeding thresholds: untrained, its order, and its loss."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax import models
from adr_jax.models import measurement
from adr_jax.models.exceedance import DOUBT, LEAST, probabilities, surprise
from adr_jax.options import ModelOptions

OPTIONS = ModelOptions(
    head="advection", exceedance=True, channels=4, num_blocks=1, frames_out=3
)
THRESHOLDS = (-0.5, 0.2, 1.5)
# Rounding of float32 through a softmax and a sum of four.
FLOAT32 = 1e-6


def history(seed=0):
    noise = jax.random.normal(jax.random.key(seed), (2, 4, 16, 12, 1))
    return jnp.cumsum(noise, axis=1)


@pytest.fixture(scope="module")
def network():
    scales = {"change_scale": (1.0,), "output_scale": ((1.0,),) * 3}
    return models.build(OPTIONS, thresholds=THRESHOLDS, **scales)


@pytest.fixture(scope="module")
def params(network):
    return {"params": jax.jit(network.init)(jax.random.key(0), history())["params"]}


def test_untrained_it_is_what_the_carried_frame_says(network, params):
    ahead = network.apply(params, history())
    same, likely = measurement.with_exceedance(network, params, history(), 3)
    np.testing.assert_allclose(same, ahead, atol=FLOAT32)
    assert likely.shape == (*ahead.shape[:-1], len(THRESHOLDS))
    distance = (ahead - jnp.asarray(THRESHOLDS)) / DOUBT
    # Bins are LEAST at least, and their sum is then made 1 again.
    np.testing.assert_allclose(likely, jax.nn.sigmoid(distance), atol=4 * LEAST)
    assert (likely > 0.5).any()
    assert (likely < 0.5).any()


def test_a_higher_threshold_is_never_likelier():
    bins = jax.random.normal(jax.random.key(3), (50, 4)) * 5
    likely = probabilities(bins)
    assert (jnp.diff(likely, axis=-1) <= 0).all()
    assert ((likely >= 0) & (likely <= 1)).all()


def test_probabilities_are_sums_of_the_bins_above():
    shares = jnp.array([0.1, 0.2, 0.3, 0.4])
    likely = probabilities(jnp.log(shares))
    np.testing.assert_allclose(likely, [0.9, 0.7, 0.4], rtol=FLOAT32)


def test_surprise_is_of_the_bin_that_came_and_skips_what_is_missing():
    bins = jnp.log(jnp.array([0.1, 0.2, 0.3, 0.4]))
    # The lowest bin, two thresholds reached, one exactly reached, and a gap.
    target = jnp.array([-1.0, 1.0, -0.5, jnp.nan])
    found = surprise(jnp.tile(bins, (4, 1)), target, THRESHOLDS)
    assert found == pytest.approx(-np.log([0.1, 0.3, 0.2]).sum(), rel=FLOAT32)


def test_it_is_least_where_the_probabilities_are_those_of_the_data():
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    count = 1000
    values = jnp.asarray(np.repeat([-1.0, 0.0, 1.0, 2.0], (count * shares).astype(int)))

    def mean(bins):
        everywhere = jnp.tile(jax.nn.log_softmax(bins), (count, 1))
        return surprise(everywhere, values, THRESHOLDS) / count

    slope = jax.grad(mean)(jnp.log(jnp.asarray(shares)))
    np.testing.assert_allclose(slope, 0, atol=FLOAT32)
    assert np.abs(jax.grad(mean)(jnp.zeros(4))).max() > 0.1


def test_the_forecast_is_the_same_with_and_without(network, params):
    without = models.build(OPTIONS, change_scale=(1.0,), output_scale=((1.0,),) * 3)
    rest = {k: v for k, v in params["params"].items() if k != "exceedance"}
    ahead = without.apply({"params": rest}, history())
    np.testing.assert_array_equal(ahead, network.apply(params, history()))
