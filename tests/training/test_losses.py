"""Losses against the same in NumPy, and where cells are missing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax import data
from adr_jax.data.normalisation import Statistics
from adr_jax.errors import InputError
from adr_jax.training.losses import LEAST_POWER, LOSSES, check, make_loss

STATISTICS = Statistics(
    mean=(1.0, -2.0),
    std=(0.5, 3.0),
    first_difference=(0.1, 0.2),
    second_difference=(0.01, 0.02),
)
SCALE = (0.1, 0.2)


@pytest.fixture
def sequences(generator):
    """Forecast and target, (rows, frames, cells, channels)."""
    return generator.normal(size=(2, 3, 4, 5, 2)).astype(np.float32)


@pytest.fixture
def shares(generator):
    """The same of probabilities of two classes, and of the one that came."""
    first = generator.uniform(0.1, 0.9, size=(3, 4, 5))
    forecast = np.stack([first, 1 - first], axis=-1)
    target = np.eye(2)[generator.integers(2, size=first.shape)]
    return forecast.astype(np.float32), target.astype(np.float32)


@pytest.fixture
def pair(request, name):
    """What a loss is made for."""
    kind = "shares" if name == "cross_entropy" else "sequences"
    return request.getfixturevalue(kind)


def mean(name, forecast, target):
    total, count = make_loss(name, STATISTICS, SCALE)(forecast, target)
    return float(total / count)


def test_units(sequences):
    forecast, target = sequences
    error = forecast - target
    std, middle = np.array(STATISTICS.std), np.array(STATISTICS.mean)
    physical = target * std + middle
    relative = np.square(error * std).sum((1, 2)) / np.square(physical).sum((1, 2))
    expected = {
        "increment": np.square(error / SCALE).mean(),
        "mse": np.square(error).mean(),
        "relative": relative.mean(),
    }
    assert expected.keys() == {*LOSSES} - {"cross_entropy"}
    for name, value in expected.items():
        assert mean(name, forecast, target) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_missing_cells_do_not_count(pair, name):
    forecast, target = pair
    target[:, :, 2] = np.nan
    kept = np.s_[:, :, [0, 1, 3, 4]]
    assert mean(name, forecast, target) == pytest.approx(
        mean(name, forecast[kept], target[kept]), rel=1e-5
    )
    loss = make_loss(name, STATISTICS, SCALE)
    gradient = jax.grad(lambda forecast: loss(forecast, target)[0])(forecast)
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


def test_the_surprise_at_what_was_ruled_out_is_bounded():
    loss = make_loss("cross_entropy", STATISTICS, SCALE)
    target = jnp.asarray([[0.0, 1.0]])

    def nats(logits):
        return loss(jax.nn.softmax(logits), target)[0]

    assert nats(jnp.asarray([[200.0, -200.0]])) < 20
    towards = -jax.grad(nats)(jnp.asarray([[5.0, -5.0]]))
    assert np.isfinite(towards).all()
    assert towards[0, 1] > 0


def test_a_loss_of_classes_is_refused_where_there_are_none(config):
    with pytest.raises(InputError, match="'cross_entropy', .*shallow_water has h:"):
        check("cross_entropy", data.load(config.data))


def test_a_relative_error_of_nothing_is_bounded():
    """A dry sample is weighed as if it had a little of the data's variance."""
    dry = jnp.asarray(-np.array(STATISTICS.mean) / STATISTICS.std)  # physical zero
    target = jnp.broadcast_to(dry, (1, 3, 5, 2)).astype(jnp.float32)
    # Off by the data's standard deviation.
    assert mean("relative", target + 1, target) == pytest.approx(1 / LEAST_POWER)
