"""PDEBench's radial dam break at 128 x 128, 10 frames in, one out.

    python train.py --config configs/shallow_water.py
    python train.py --config configs/shallow_water.py:mixed

`:mixed` trains on centred, off-centre, elliptical and double dams in equal parts
instead of centred ones alone. The last quarter of the steps goes through two
forecasts fed back, which is what keeps a rollout of 91 steps together.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(shape: str = "circle") -> ConfigDict:
    config = base.get_config()
    config.data.shape = shape
    config.model.frames_in = 2
    config.model.conserve = True
    config.train.steps = 800
    config.train.feedback = 2
    config.train.feedback_after = 0.75
    config.train.validate_every = 200
    return config
