"""The weights that come with the project do what docs/results says of them."""

import pathlib

import numpy as np
import pytest

import adr_jax
from adr_jax.data.shallow_water import dam_break
from adr_jax.evaluation.metrics.fields import nrmse

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("optimised")]

WORKDIR = pathlib.Path(__file__).parents[2] / "pretrained" / "shallow_water"
# The means of docs/results/shallow_water.md are 5.4e-5 and 1.0e-3; a dam may be worse.
ONE_STEP, ROLLOUT = 1.0e-4, 2.0e-3
SHAPES = ("off_centre", "ellipse", "double")


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


# Their means are 1.1e-3, 1.7e-3 and 5.2e-3 at height 2, and at 2.5 these dams have
# 2.5e-3, 4.4e-3 and 0.016. Weights that blow up are off by ten times as much.
@pytest.mark.parametrize(
    ("height", "worst"), [(2.0, (3e-3, 4e-3, 8e-3)), (2.5, (5e-3, 9e-3, 0.025))]
)
def test_a_rollout_of_dams_of_every_shape(model, height, worst):
    dams = [dam_break.Dam(shape=shape, height=height) for shape in SHAPES]
    heights = np.stack([dam_break.initial_height(dam, 1000) for dam in dams])
    films = dam_break.simulate(dams[0], heights)
    ahead = model.forecast(films[:, :10], steps=91)
    errors = nrmse(ahead, films[:, 10:]).mean((1, 2))
    assert (errors < worst).all(), errors


def test_it_is_small():
    size = sum(f.stat().st_size for f in WORKDIR.rglob("*") if f.is_file())
    assert size < 1e6
