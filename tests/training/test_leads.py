"""The loss at a drawn lead: of its frame, and of the tracks of objects."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax import models
from adr_jax.options import ModelOptions
from adr_jax.training.leads import TRACKS, loss_at_lead
from adr_jax.training.losses import increment

OPTIONS = ModelOptions(
    head="advection", motions="objects", channels=4, num_blocks=1, frames_out=3
)
UNITS = ((0.5,), (1.0,), (2.0,))
USUAL = jnp.array([1.0])


def frames(turn=0):
    """Draw two patches of nine cells for eight frames; the first turns in the sixth."""
    patches = np.random.default_rng(5).uniform(0.5, 1, (2, 9, 9))
    film = np.zeros((1, 8, 40, 44, 1), np.float32)
    for time, frame in enumerate(film[0]):
        down = (2 * time if time < 5 else 8 + (2 + turn) * (time - 4), time)
        for patch, corner in zip(patches, (down, (28 - time, 20)), strict=True):
            row, column = corner
            frame[row : row + 9, column : column + 9, 0] += patch
    return jnp.asarray(film)


@pytest.fixture(scope="module")
def network():
    return models.build(OPTIONS, change_scale=(0.1,), output_scale=UNITS)


@pytest.fixture(scope="module")
def params(network):
    return jax.jit(network.init)(jax.random.key(0), frames()[:, :5])


def loss_of(network, params, film, lead):
    loss = loss_at_lead(network, increment, USUAL)
    errors, count = jax.jit(loss)(params, film[:, :5], film[:, 5:], jnp.array([lead]))
    return float(errors / count)


@pytest.mark.slow
def test_a_forecast_that_is_right_has_no_loss(network, params):
    # Straight tracks, whole cells: what is left is rounding.
    assert loss_of(network, params, frames(), 3) == pytest.approx(0, abs=1e-8)


@pytest.mark.slow
def test_the_loss_is_of_the_lead_and_of_all_tracks(network, params):
    film = frames(turn=-3)
    ahead = jax.jit(network.apply)(params, film[:, :5])
    # One object of two is 3, 6 and 9 cells off along one axis of two.
    tracks = TRACKS * (3 + 6 + 9) / (3 * 2 * 2)
    for lead in (1, 3):
        square = jnp.mean(jnp.square(ahead - film[:, 5:])[:, lead - 1])
        expected = float(square) / UNITS[lead - 1][0] + tracks
        found = loss_of(network, params, film, lead)
        assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_tracks_are_learned_from_where_objects_no_longer_overlap(network, params):
    film = frames(turn=-3)
    loss = loss_at_lead(network, increment, USUAL)

    def of(params):
        return loss(params, film[:, :5], film[:, 5:], jnp.array([1]))[0]

    gradient = jax.grad(of)(params)["params"]["tracks"]["Dense_2"]["bias"]
    # Farther back at each of the leads, also those that were not drawn.
    assert (np.asarray(gradient) > 0).all()


@pytest.mark.slow
def test_without_objects_the_target_is_one_frame(network):
    one = network.clone(options=dataclasses.replace(OPTIONS, motions="one"))
    film = frames()
    params = jax.jit(one.init)(jax.random.key(0), film[:, :5])
    loss = loss_at_lead(one, increment, USUAL)
    lead = jnp.array([2])
    errors, count = loss(params, film[:, :5], film[:, 6:7], lead)
    ahead = one.apply(params, film[:, :5], leads=lead[:, None])
    square = jnp.mean(jnp.square(ahead - film[:, 6:7]))
    assert float(errors / count) == pytest.approx(float(square) / UNITS[1][0], rel=1e-4)
