"""Rain radar, four frames in, one out: fields that move far.

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
    # Reflectivity is carried, not shared out as mass is; with push, nowcasts of two
    # hours blew up.
    config.model.transport = "pull"
    config.model.head = "frames"
    config.train.steps = 300
    config.train.noise = 0.3
    config.train.feedback = 3
    config.train.feedback_after = 0.8
    config.train.validate_every = 100
    config.train.validation_frames = 6
    config.train.checkpoint_every = 100
    config.eval.protocols = ("one_step", "nowcast")
    return config
