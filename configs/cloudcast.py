"""CloudCast: four hours of cloud types over Europe in, the next four out.

    python train.py --config configs/cloudcast.py:sample
    python train.py --config configs/cloudcast.py

`:sample` needs no data: it makes a small sky in CloudCast's layout, clouds in three
layers that their winds carry (adr_jax/data/cloudcast/generated.py), trains on it for
about four minutes on two CPU cores, scores and reports.

The other is for the real data and an accelerator. Put CloudCast's small set (128 x 128
cells, 249 MB) into data/cloudcast: TrainCloud.nc and TestCloud.nc from
vision.eng.au.dk/cloudcast-dataset, or Kaggle's folders TrainCloud and TestCloud. The
full set (768 x 768 cells, 8.5 GB) is read from there too, with
`--config.data.cells=768`.

Both see and forecast a channel for each of the four classes; the highest is the label
that SSIM, PSNR, accuracy and IoU are of. `--config.data.variable=label` has one channel
with the number of the class instead; between clear, 0, and high clouds, 3, it then
hedges with classes that are neither. `--config.train.loss=cross_entropy` forecasts the
classes' probabilities. On the sample that is behind squares, which are therefore the
default: SSIM 0.237 against 0.265 and accuracy 0.661 against 0.672 on the validation
split, of a UNet after two minutes on one core, seed 0.

Each class has a motion of its own (`model.motions`): clouds of different heights drift
with different winds.

Scores are those of the protocol `cloudcast`: 16 frames in, 16 out, a start every 16.
ADRNet's paper prints SSIM 0.83 and PSNR 38.17 without a definition; compare the latter
with `psnr_wrapped`, an arithmetic slip that gives persistence as much, not with `psnr`.
"""

from ml_collections import ConfigDict

from adr_jax.errors import InputError
from configs import base


def get_config(data: str = "public") -> ConfigDict:
    if data not in ("public", "sample"):
        raise InputError(f"configs/cloudcast.py:{data} is not there; try :sample")
    config = base.get_config()
    config.data.split = "mid_2018"
    config.data.variable = "classes"
    config.data.history = 16
    config.model.head = "advection"
    config.model.motions = "channels"
    # All that moves is the frame.
    config.model.transport = "none"
    config.model.frames_in = 8
    config.model.frames_out = 16
    config.train.validation_frames = 16
    config.eval.protocols = ("cloudcast",)
    return _sample(config) if data == "sample" else _public(config)


def _public(config: ConfigDict) -> ConfigDict:
    config.data.name = "cloudcast"
    config.model.channels = 64
    config.model.num_blocks = 6
    config.model.remat = True
    config.train.steps = 20000
    config.train.batch_size = 16
    config.train.learning_rate = 1e-3
    config.train.ema = 0.999
    config.train.checkpoint_every = 500
    config.train.validate_every = 1000
    config.train.validation_windows = 64
    return config


def _sample(config: ConfigDict) -> ConfigDict:
    config.data.name = "cloud_sample"
    config.data.cells = 64
    # Its winds blow anywhere; those over Europe do not.
    config.data.augment = "rotations"
    config.train.steps = 600
    config.train.validate_every = 150
    config.train.checkpoint_every = 150
    return config
