"""PDEBench's radial dam break at 128 x 128, 10 frames in: 30 minutes on two cores.

    python train.py --config configs/shallow_water.py:coarse
    python train.py --config configs/shallow_water.py
    python train.py --config configs/shallow_water.py:mixed

`:coarse` comes first: the same waves on half as many cells and frames, where a step
costs an eighth. They move as many cells a frame there, so that what a network learns of
them holds on the fine grid, where the second run starts from it. Forecasts fed back, in
its second half, keep a rollout of 91 steps together. `:mixed` is a run of its own, on
centred, off-centre, elliptical and double dams in equal parts.
"""

from ml_collections import ConfigDict

from configs import base

COARSE = "runs/shallow_water_coarse"


def get_config(argument: str = "fine") -> ConfigDict:
    config = base.get_config()
    config.model.reaction = "conv"
    config.model.frames_in = 4
    config.model.frames_out = 2
    config.model.conserve = True
    config.train.optimizer = "muon"
    config.train.learning_rate = 1e-2
    config.train.ema = 0.99
    config.train.noise = 0.1
    if argument == "coarse":
        config.workdir = COARSE
        config.data.cells = 64
        config.data.frames = 51
        config.train.minutes = 7.0
        return config
    config.train.minutes = 22.0
    config.train.validate_every = 150
    config.train.feedback = 3
    config.train.feedback_after = 0.5
    if argument == "mixed":
        config.data.shape = argument
    else:
        config.train.start_from = COARSE
        config.train.learning_rate = 5e-3
    return config
