"""Your own frames: a .npy, .npz, HDF5 or netCDF-4 file, a picture stack or a folder.

    python -m adr_jax data inspect FILE
    python train.py --config configs/own.py --config.data.path=FILE
        [--config.data.variable=NAME] [--config.data.axes=tyx]
        [--config.data.fill=-9999]

`inspect` says what is in the file and prints the second command for it. Missing values
are NaN, or what the file says of them; `data.fill` names their number where it does
not. Five minutes of training on two cores, whatever the grid; set train.minutes for
more.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.get_config()
    config.data.name = "arrays"
    # data.path is then relative to where you are.
    config.data.root = "."
    config.data.split = "auto"
    config.data.history = 4
    config.model.channels = 16
    config.model.num_blocks = 2
    # Amounts would pile up at an edge that they move over, values do not; for amounts
    # take push with model.boundary=open.
    config.model.transport = "pull"
    # What forecasts the validation split best with nothing learned: the last frame as
    # it lies, carried along its motion, or the line through two. The run says which.
    config.model.head = "auto"
    # The longest lead, where frames are carried.
    config.model.frames_out = 10
    config.train.minutes = 5.0
    config.train.noise = 0.1
    config.train.feedback = 1
    config.train.feedback_after = 0.8
    config.train.validate_every = 500
    config.train.validation_frames = 10
    config.eval.protocols = ("one_step",)
    return config
