"""KITTI, video from a driving car, in two forms.

    python train.py --config configs/kitti.py          # PredNet's: 128 x 160, 10 in
    python train.py --config configs/kitti.py:dmvfn    # DMVFN's: 256 x 832, 2 in

adr_jax/data/kitti/source.py says where the drives come from and what "t+k" means. For a
file of a few other drives add `--config.data.path=FILE.h5` and
`--config.data.split=in_time`. These are first looks of minutes: published rows trained
for 100 epochs and more on GPUs.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(benchmark: str = "prednet") -> ConfigDict:
    config = base.get_config()
    config.data.name = "kitti"
    config.data.split = benchmark
    config.data.augment = "none"
    config.model.channels = 16
    config.model.num_blocks = 2
    # What moves in a picture keeps its colour; all that moves is the frame.
    config.model.transport = "none"
    config.model.head = "advection"
    config.model.interpolation = "cubic"
    config.train.steps = 300
    config.train.validate_every = 100
    config.train.validation_frames = 5
    config.train.checkpoint_every = 100
    if benchmark == "dmvfn":
        config.data.history = 2
        config.model.frames_out = 5
        config.train.batch_size = 2
        config.train.steps = 60
        config.eval.batch_size = 2
        config.eval.protocols = ("one_step", "kitti_dmvfn")
    else:
        config.model.frames_in = 4
        config.eval.protocols = ("one_step", "kitti_caltech")
    return config
