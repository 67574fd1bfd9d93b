"""PDEBench's radial dam break at 128 x 128, 10 frames in, one out.

    python train.py --config configs/shallow_water.py
    python train.py --config configs/shallow_water.py:mixed

`:mixed` trains on centred, off-centre, elliptical and double dams in equal parts
instead of centred ones alone. Noise on the input and two forecasts fed back, over the
last steps, keep a rollout of 91 steps together.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(shape: str = "circle") -> ConfigDict:
    config = base.get_config()
    config.data.shape = shape
    config.model.frames_in = 4
    config.model.conserve = True
    config.train.steps = 2200
    config.train.noise = 0.3
    config.train.feedback = 2
    config.train.feedback_after = 0.92
    config.train.validate_every = 550
    return config
