"""placeholder"""

from configs import base


def get_config():
    config = base.get_config()
    config.data.cells = 64
    config.data.trajectories = 40
    config.model.channels = 16
    config.model.num_blocks = 2
    config.train.steps = 60
    config.train.validate_every = 30
    config.train.checkpoint_every = 30
    return config
