"""A first look: shallow water on a coarse grid, a small network, minutes in all.

    python train.py --config configs/quickstart.py

Right enough to beat the baselines, too short to be the last word: see shallow_water.py.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.get_config()
    config.data.cells = 64
    config.data.trajectories = 40
    config.model.channels = 16
    config.model.num_blocks = 2
    config.model.frames_in = 4
    config.model.conserve = True
    config.train.steps = 400
    config.train.noise = 0.3
    config.train.feedback = 2
    config.train.feedback_after = 0.9
    config.train.validate_every = 100
    config.train.checkpoint_every = 100
    return config
