"""Rain radar, four frames in, the next two hours out: fields that move far.

    python train.py --config configs/radar.py --config.data.path=FILE.h5

adr_jax/data/weather/radar.py says what the file holds. In the one this was tried on,
eight hours of showers over the Netherlands (KNMI, 26 August 2010, 128 x 128 cells of 2
km), rain moves nearly 4 cells a frame. The first third trains, the last third tests.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.get_config()
    config.data.name = "radar"
    config.data.split = "in_time"
    config.data.history = 4
    config.model.channels = 16
    config.model.num_blocks = 2
    # All that moves is the frame: blocks that move their state too cost half as much
    # again a step, and forecast no better.
    config.model.transport = "none"
    config.model.head = "advection"
    config.model.frames_out = 24
    # Rain of the one day that it is trained on goes one way.
    config.data.augment = "rotations"
    config.train.steps = 500
    config.train.validate_every = 100
    config.train.validation_frames = 6
    config.train.checkpoint_every = 100
    config.eval.protocols = ("one_step", "nowcast")
    return config
