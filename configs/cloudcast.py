"""CloudCast

python train.py --config configs/cloudcast.py
python train.py --config configs/cloudcast.py:sample
"""

from ml_collections import ConfigDict

from configs import base


def get_config(data: str = "public") -> ConfigDict:
    config = base.get_config()
    config.data.name = "cloudcast"
    config.data.split = "mid_2018"
    config.data.history = 16
    config.data.horizon = 16
    config.data.augment = "flips"
    config.model.head = "persistence"
    config.model.frames_in = 4
    config.eval.protocols = ("one_step",)
    config.train.validation_frames = 16
    if data == "sample":
        config.data.name = "cloud_sample"
        config.data.cells = 64
    return config
