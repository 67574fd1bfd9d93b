"""Rain radar, 20 minutes of frames in, one out: fields that move far.

    python train.py --config configs/radar.py --config.data.path=FILE.h5

adr_jax/data/radar.py says what the file holds. In the one this was tried on, eight
hours of showers over the Netherlands (KNMI, 26 August 2010, 128 x 128 cells of 2 km),
rain moves nearly 4 cells a frame. The first third trains, the last third tests.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.get_config()
    config.data.name = "radar"
    config.data.split = "in_time"
    config.data.history = 4
    config.model.size = "tiny"
    # Rain changes too little by a straight line in time for "extrapolation".
    config.model.head = "persistence"
    config.train.steps = 300
    config.train.validate_every = 100
    config.train.validation_frames = 4
    config.train.checkpoint_every = 100
    config.eval.protocols = ("one_step", "nowcast")
    return config
