"""A first look, two minutes of training: tracers carried by vortices.

    python train.py --config configs/quickstart.py

No file is needed, and two cores are enough. The motion is measured in ten frames. The
report shows the forecast beside the truth, and the arrows of what moves it;
synthetic.py trains on.
"""

from ml_collections import ConfigDict

from configs import synthetic


def get_config() -> ConfigDict:
    config = synthetic.get_config("vortex")
    config.train.steps = 400
    config.train.validate_every = 100
    return config
