"""Clouds seen by Meteosat, four frames in, one out.

    python train.py --config configs/satellite.py --config.data.path=FILE.h5

adr_jax/data/weather/satellite.py says what the file holds;
`--config.data.variable=hrv_2x2` takes the finer images of the public sample. Land
shines through and stays where it is, clouds move in shear: one shift of the image
explains nothing here.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.get_config()
    config.data.name = "satellite"
    config.data.split = "bands"
    config.data.history = 4
    # North and south of a low, clouds move in opposite directions.
    config.data.augment = "flips"
    config.model.channels = 16
    config.model.num_blocks = 2
    # Brightness is carried, not shared out as mass is.
    config.model.transport = "pull"
    # Carried along its motion (head=advection), an hour ahead has a third less RMSE,
    # but textures are interpolated: by SSIM, which chooses the model, that is behind.
    config.model.head = "persistence"
    config.train.steps = 300
    config.train.validate_every = 100
    config.train.validation_frames = 4
    config.train.checkpoint_every = 100
    config.eval.protocols = ("one_step", "hour")
    return config
