"""The motion of rain and of an ocean, by what it forecasts and by the truth."""

import h5py
import numpy as np
import pytest
from motion_scores import angle_and_length

import adr_jax
from adr_jax import data
from adr_jax.data.tracers import ocean
from adr_jax.data.weather.radar import reflectivity
from adr_jax.data.windows import Windows
from adr_jax.evaluation.metrics import events
from configs import ocean as ocean_config

pytestmark = pytest.mark.slow

RAIN = float(reflectivity(np.array([1.0]))[0])


# File, and the CSI of 1 mm/h that Lucas-Kanade and extrapolation of pysteps 1.21.5 have
# from the same starts, at +30 and +60 minutes.
@pytest.mark.parametrize(
    ("name", "pysteps"),
    [
        ("knmi_20100826_128", (0.483, 0.317)),
        ("fmi_20160928_256", (0.495, 0.365)),
        ("events/mch_20150515_192", (0.495, 0.346)),
    ],
)
def test_rain_is_carried_as_well_as_by_pysteps(name, pysteps, real_data):
    with h5py.File(real_data / "radar" / f"{name}.h5") as file:
        stored = file["dbz8"][...][..., None]
    frames = np.where(stored == 255, np.nan, stored / np.float32(4))
    starts = np.linspace(4, len(frames) - 12, 3).astype(int)
    past = np.stack([frames[start - 4 : start] for start in starts])
    target = np.stack([frames[start : start + 12] for start in starts])
    u = adr_jax.estimate_motion(past)
    ahead = adr_jax.extrapolate(past[:, -1], u, 12, fill=0.0)
    csi = events.csi(np.asarray(ahead), target, RAIN).by_step()
    assert csi[5] > pysteps[0] and csi[11] > pysteps[1]


def test_currents_of_the_ocean(real_data):
    """A smooth tracer off the Agulhas coast shows the currents that carry it."""
    config = ocean_config.get_config().data
    config.root = str(real_data)
    windows = Windows(data.load(config), "test", 10)
    numbers = np.linspace(0, len(windows) - 1, 5).astype(int)
    places = [windows.starts[number] for number in numbers]
    truth = np.asarray(
        ocean.velocities(config, [(n, first + 9) for n, first in places])
    )
    u = np.asarray(adr_jax.estimate_motion(windows.read(numbers)))
    angle, _, cosine = angle_and_length(u, truth)  # land is NaN, and not compared
    assert angle <= 25
    assert cosine >= 0.8
