"""The weights that come with the project do what RESULTS.md says of them."""

import pathlib

import numpy as np
import pytest

import adr_jax
from adr_jax.data.shallow_water import dam_break
from adr_jax.evaluation.metrics.fields import nrmse

pytestmark = pytest.mark.slow

WORKDIR = pathlib.Path(__file__).parents[2] / "pretrained" / "shallow_water"
# What they were trained for, on the mean of the test split; a dam alone may be worse.
ONE_STEP, ROLLOUT = 1.0e-4, 2.0e-3


@pytest.fixture(scope="module")
def films():
    """Two dams of the test split."""
    dam = dam_break.Dam()
    heights = [dam_break.initial_height(dam, seed) for seed in (0, 1)]
    return dam_break.simulate(dam, np.stack(heights))


@pytest.fixture(scope="module")
def model():
    return adr_jax.load(WORKDIR)


def test_the_next_frame(model, films):
    past = np.stack([films[:, start : start + 10] for start in range(0, 90, 6)], 1)
    following = films[:, 10:100:6]
    ahead = model.forecast(past.reshape(-1, *past.shape[2:]), steps=1)
    assert nrmse(ahead.reshape(following.shape), following).mean() < ONE_STEP


def test_a_rollout_to_the_end(model, films):
    ahead = model.forecast(films[:, :10], steps=91)
    assert nrmse(ahead, films[:, 10:]).mean() < ROLLOUT
    # Fluxes between cells keep the total, but for rounding in float32.
    total, kept = films[:, 9].sum((1, 2, 3)), ahead[:, -1].sum((1, 2, 3))
    np.testing.assert_allclose(kept, total, rtol=1e-6)


def test_it_is_small():
    size = sum(f.stat().st_size for f in WORKDIR.rglob("*") if f.is_file())
    assert size < 1e6
