"""Tracers in real surface currents off the Agulhas coast, land missing, a frame a day.

    python train.py --config configs/ocean.py

The currents are not shipped: data.path names a file of them under the data root, in
the layout that `adr_jax.data.tracers.currents` describes.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.get_config()
    config.data.name = "ocean"
    config.data.path = "ocean/globcurrent_agulhas_2002_daily.h5"
    config.data.split = "seasons"
    config.data.trajectories = 200
    config.model.channels = 16
    config.model.head = "advection"
    config.model.transport = "none"  # in the frame it is measured
    config.model.frames_in = 6
    config.model.frames_out = 10
    config.train.learning_rate = 1e-3
    config.train.steps = 2000
    config.train.validation_frames = 10
    return config
