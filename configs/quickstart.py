"""A first look: tracers in vortices, carried along the motion seen in ten frames.

    python train.py --config configs/quickstart.py

Two minutes of training on two cores, no file needed. The report shows the forecast
beside the truth, and the arrows of what moves it; synthetic.py trains on.
"""

from ml_collections import ConfigDict

from configs import synthetic


def get_config() -> ConfigDict:
    config = synthetic.get_config("vortex")
    config.train.steps = 400
    config.train.validate_every = 100
    return config
