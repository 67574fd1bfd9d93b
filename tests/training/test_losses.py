"""Losses against the same in NumPy, and where cells are missing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax import data
from adr_jax.errors import InputError
from adr_jax.training.losses import LOSSES, check

SCALE = (0.1, 0.2)


@pytest.fixture
def sequences(generator):
    """Return forecast and target, (rows, frames, cells, channels)."""
    return generator.normal(size=(2, 3, 4, 5, 2)).astype(np.float32)


@pytest.fixture
def shares(generator):
    """Return probabilities of two classes, and the class observed."""
    first = generator.uniform(0.1, 0.9, size=(3, 4, 5))
    forecast = np.stack([first, 1 - first], axis=-1)
    target = np.eye(2)[generator.integers(2, size=first.shape)]
    return forecast.astype(np.float32), target.astype(np.float32)


@pytest.fixture
def pair(request, name):
    """Return the arrays that a loss is made for."""
    kind = "shares" if name == "cross_entropy" else "sequences"
    return request.getfixturevalue(kind)


def mean(name, forecast, target):
    total, count = LOSSES[name](forecast, target, SCALE)
    return float(total / count)


def test_an_increment_is_in_units_of_the_output(sequences):
    forecast, target = sequences
    expected = np.square((forecast - target) / SCALE).mean()
    assert mean("increment", forecast, target) == pytest.approx(expected, rel=1e-5)


def test_a_root_is_taken_frame_by_frame(sequences):
    forecast, target = sequences
    squares = np.square((forecast - target) / SCALE).mean(axis=(2, 3))
    expected = np.sqrt(squares).mean()
    assert mean("root", forecast, target) == pytest.approx(expected, rel=1e-5)


def test_a_frame_pulls_by_its_root_however_wrong_it_is(sequences):
    _, target = sequences
    wrong = sequences[0] - target

    def pull(name, factor):
        loss = LOSSES[name]
        gradient = jax.grad(lambda forecast: loss(forecast, target, SCALE)[0])
        return np.linalg.norm(gradient(target + factor * wrong))

    # Rounding of the sum of target and error.
    assert pull("root", 100) == pytest.approx(pull("root", 1), rel=1e-4)
    assert pull("increment", 100) == pytest.approx(100 * pull("increment", 1), rel=1e-4)


def test_the_slope_of_a_root_is_finite_where_a_forecast_is_right(sequences):
    _, target = sequences
    gradient = jax.grad(lambda forecast: LOSSES["root"](forecast, target, SCALE)[0])
    assert not np.any(gradient(target))


@pytest.mark.parametrize("name", LOSSES)
def test_missing_cells_do_not_count(pair, name):
    forecast, target = pair
    target[:, :, 2] = np.nan
    kept = np.s_[:, :, [0, 1, 3, 4]]
    assert mean(name, forecast, target) == pytest.approx(
        mean(name, forecast[kept], target[kept]), rel=1e-5
    )
    loss = LOSSES[name]
    gradient = jax.grad(lambda forecast: loss(forecast, target, SCALE)[0])(forecast)
    assert np.isfinite(gradient).all()
    assert not gradient[:, :, 2].any()


@pytest.mark.parametrize("name", LOSSES)
def test_a_sample_of_which_nothing_is_known_does_not_count(pair, name):
    forecast, target = pair
    target[0] = np.nan
    assert mean(name, forecast, target) == pytest.approx(
        mean(name, forecast[1:], target[1:]), rel=1e-5
    )


def test_cross_entropy_is_the_surprise_at_what_came(shares):
    forecast, target = shares
    nats = -np.log(forecast[target == 1])
    # Probabilities are 0.1 or more, and 1e-6 is added to them.
    assert mean("cross_entropy", forecast, target) == pytest.approx(
        nats.mean(), rel=1e-4
    )


@pytest.mark.slow
def test_the_surprise_at_what_was_ruled_out_is_bounded():
    loss = LOSSES["cross_entropy"]
    target = jnp.asarray([[0.0, 1.0]])

    def nats(logits):
        return loss(jax.nn.softmax(logits), target, SCALE)[0]

    assert nats(jnp.asarray([[200.0, -200.0]])) < 20
    towards = -jax.grad(nats)(jnp.asarray([[5.0, -5.0]]))
    assert np.isfinite(towards).all()
    assert towards[0, 1] > 0


def test_a_loss_of_classes_is_refused_where_there_are_none(config):
    with pytest.raises(InputError, match="'cross_entropy', .*shallow_water has h:"):
        check("cross_entropy", data.load(config.data))
