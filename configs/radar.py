"""Rain radar, four frames in, the next two hours out: fields that move far.

    python train.py --config configs/radar.py --config.data.path=FILES

FILES is a file, a folder, a pattern, or several with a comma between two, of what
adr_jax/data/weather/radar.py reads: composites as they arrive, one file a time step, or
one an event. It trains on the early days and keeps the late ones for validation and
test; of one day, on the early hours. Days of other weather help most.

The network starts from the last frame carried along its motion. It forecasts the field,
and how likely 0.1, 1, 5 and 10 mm/h are reached.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.get_config()
    config.data.name = "radar"
    # data.path is then relative to where you are.
    config.data.root = "."
    config.data.split = "in_time"
    config.data.history = 4
    # Squares of it bound a step's cost, and let events of other grids be one set.
    config.data.crop = 128
    config.model.channels = 16
    config.model.num_blocks = 2
    # All that moves is the frame: blocks that move their state too cost half as much
    # again a step, and forecast no better.
    config.model.transport = "none"
    config.model.head = "advection"
    config.model.frames_out = 24
    config.model.exceedance = True
    # Rain of the few days that it is trained on goes one way.
    config.data.augment = "rotations"
    # Ten minutes on two cores.
    config.train.steps = 1500
    config.train.learning_rate = 1e-3
    config.train.ema = 0.99
    config.train.validate_every = 100
    config.train.validation_frames = 6
    config.train.checkpoint_every = 100
    config.eval.protocols = ("one_step", "nowcast")
    return config
