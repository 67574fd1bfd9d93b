"""The training step of a configuration on noise, which costs what data cost."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from adr_jax.data.batches import Batch
from adr_jax.data.normalisation import Statistics
from adr_jax.options import Configuration
from adr_jax.training import configuration
from adr_jax.training.network import build_network
from adr_jax.training.optimizer import make_optimizer
from adr_jax.training.step import (
    TrainState,
    init_state,
    make_train_step,
)

UNIT = Statistics((0.0,), (1.0,), (1.0,), (1.0,))


class NoiseStep(NamedTuple):
    """What to give to `mapping.map_step`, and what to give to its result."""

    step: Callable
    state: TrainState
    batch: Batch


def noise_step(config: Configuration) -> NoiseStep:
    """Return a step without feedback, one variable on square frames of `data.cells`."""
    network, optimizer = build_network(config, UNIT), make_optimizer(config.train)
    size, cells = config.train.batch_size, config.data.cells
    shape = (size, configuration.window_length(config), cells, cells, 1)
    frames = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    lead = np.ones(size, np.int32)
    row = np.arange(size, dtype=np.int32)
    return NoiseStep(
        make_train_step(network, optimizer, UNIT, config, 0),
        init_state(network, optimizer, config, shape[2:]),
        Batch(frames, row, lead, np.zeros(size, bool)),
    )
