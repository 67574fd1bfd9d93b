"""PDEBench's radial dam break at 128 x 128, 10 frames in: 30 minutes on two cores.

    python train.py --config configs/shallow_water.py:coarse
    python train.py --config configs/shallow_water.py:fine

The same waves on half as many cells and frames first, where a step costs a quarter.
They move as many cells a frame there, so that what a network learns of them holds on
the fine grid, where the second run starts from it. Forecasts fed back, in its second
half, keep a rollout of 91 steps together.

Without an argument, one run on the fine grid alone; with `:mixed`, the same on centred,
off-centre, elliptical and double dams in equal parts, and with `:varied` of other
heights too. The weights that come with adr_jax went on from the fine run on those:
docs/results/shallow_water.md says how. With `:small`, minutes in all on a coarse grid:
right enough to beat the baselines, too short to be the last word.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(argument: str = "circle") -> ConfigDict:
    if argument == "small":
        return _small()
    config = base.get_config()
    config.model.reaction = "conv"
    config.model.frames_in = 4
    config.model.frames_out = 2
    config.model.conserve = True
    config.train.optimizer = "muon"
    config.train.learning_rate = 1e-2
    config.train.ema = 0.99
    config.train.noise = 0.3
    config.train.minutes = 30.0
    config.train.validate_every = 150
    if argument == "coarse":
        config.data.cells = 64
        config.data.frames = 51
        config.train.minutes = 7.0
        config.train.validate_every = 500
        return config
    config.train.feedback = 3
    config.train.feedback_after = 0.5
    if argument == "fine":
        config.train.start_from = "runs/shallow_water_coarse"
        config.train.learning_rate = 5e-3
        config.train.minutes = 22.0
    else:
        config.data.shape = argument
    return config


def _small() -> ConfigDict:
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
