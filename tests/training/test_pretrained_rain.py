"""The weights for rain do what docs/results/nowcast.md says, on a day never seen."""

import pathlib

import numpy as np
import pytest

import adr_jax
from adr_jax.data.weather import rain
from adr_jax.data.weather.events import open_events
from adr_jax.evaluation.amounts import reached
from adr_jax.evaluation.baselines import advected
from adr_jax.evaluation.metrics import events

pytestmark = pytest.mark.slow

WORKDIR = pathlib.Path(__file__).parents[2] / "pretrained" / "rain"
# Half an hour ahead, in frames; and 0.1 mm/h in dBZ.
LEAD, WET = 6, float(rain.reflectivity(np.array(0.1)))


@pytest.fixture(scope="module")
def model():
    return adr_jax.load(WORKDIR)


def test_any_grid_is_forecast_with_probabilities(model, generator):
    past = generator.uniform(0, 40, (4, 40, 56, 1)).astype(np.float32)
    past[:, :5] = np.nan
    ahead, likely = model.nowcast(past, 3)
    # Compiled with the probabilities or without them: rounding in dBZ.
    np.testing.assert_allclose(ahead, model.forecast(past, 3), atol=1e-3)
    np.testing.assert_array_equal(likely, model.exceedance(past, 3))
    assert ahead.shape == (3, 40, 56, 1)
    assert np.isfinite(ahead).all()
    assert likely.shape == (3, 40, 56, len(model.thresholds))
    assert (np.diff(likely, axis=-1) <= 0).all()
    assert ((likely >= 0) & (likely <= 1)).all()
    rates = rain.rain_rate(np.array(model.thresholds))
    np.testing.assert_allclose(rates, (0.1, 1, 5, 10), rtol=0.01)  # as it is rounded
    with pytest.raises(ValueError, match="expected 1 to model.frames_out, 24"):
        model.exceedance(past, 25)


def test_no_rain_stays_away(model):
    dry = np.zeros((4, 48, 48, 1), np.float32)
    likely = model.exceedance(dry, 24)
    # The edges apart, where rain may enter.
    inside = likely[:, 16:-16, 16:-16]
    assert inside.max(axis=(0, 1, 2))[1] < 0.1
    assert (reached(inside, model.thresholds) == 0).all()


def test_it_is_small():
    size = sum(f.stat().st_size for f in WORKDIR.rglob("*") if f.is_file())
    assert size < 5e6


def test_on_a_day_it_never_saw_it_is_ahead_of_the_measured_motion(real_data, model):
    (event,) = open_events([real_data / "radar" / "events" / "rmi_20210704_192.h5"])
    starts = range(0, 30, 6)
    past = np.stack([event.read(n, n + 4) for n in starts])[..., None]
    target = np.stack([event.read(n + 4, n + 4 + LEAD) for n in starts])[..., None]
    carried = np.asarray(advected(np.nan_to_num(past), LEAD))
    ahead, likely = model.forecast(past, LEAD), model.exceedance(past, LEAD)
    said = reached(likely, model.thresholds)[..., None]

    def csi(forecast):
        return float(events.csi(forecast, target, WET).by_step()[-1].squeeze())

    assert csi(said) > csi(carried)
    # Less than three quarters of it, in the mean of other countries (docs/results).
    came = target[:, -1, ..., 0] >= WET
    known = np.isfinite(target[:, -1, ..., 0])
    brier = np.mean(np.square(likely[:, -1, ..., 0] - came)[known])
    certain = np.mean(np.square((carried[:, -1, ..., 0] >= WET) - 1.0 * came)[known])
    assert brier < 0.8 * certain
    error, of_motion = (
        np.nanmean(np.square(f[:, -1] - target[:, -1])) for f in (ahead, carried)
    )
    assert error < 0.8 * of_motion
