"""Smooth tracers in a known flow, 64 x 64, no file needed.

    python train.py --config configs/synthetic.py                # uniform
    python train.py --config configs/synthetic.py:vortex         # shear, rotation

The flow is steady within a sequence and another in each, so it has to be seen in the
frames: `adr_jax.data.tracers.synthetic.velocity` gives the truth to compare with.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(shape: str = "uniform") -> ConfigDict:
    config = base.get_config()
    config.data.name = "synthetic"
    config.data.shape = shape
    config.data.cells = 64
    config.data.trajectories = 200
    config.model.channels = 16
    config.model.boundary = "clamp" if shape == "rotation" else "periodic"
    # Motion measured in ten frames is twice as true as in four.
    config.data.history = 10
    config.model.head = "advection"
    config.model.transport = "none"  # in the frame it is measured
    config.model.frames_out = 10
    # The tracers are smooth.
    config.model.interpolation = "cubic"
    config.train.learning_rate = 1e-3
    config.train.steps = 1000
    config.train.validation_frames = 10
    return config
