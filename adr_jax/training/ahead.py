"""Compile a run's step and forecast for chips that are elsewhere, without its data."""

import dataclasses
from typing import Any

import jax
import numpy as np

from adr_jax.data.batches import Batch
from adr_jax.data.normalisation import Statistics
from adr_jax.data.weather.radar import RATES
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.models.frames import FrameNetwork
from adr_jax.options import Configuration
from adr_jax.training import configuration
from adr_jax.training.devices import mapping
from adr_jax.training.devices.targets import Target
from adr_jax.training.network import build_network
from adr_jax.training.optimizer import make_optimizer
from adr_jax.training.programs import Program, TooLarge, compile_program
from adr_jax.training.step import init_state, make_train_step

# A batch so many times as large shows how a step's memory grows: that of the next row
# alone would say too much, for padding. So much of a chip is meant to be filled.
GROWTH, FILLED = 4, 0.97


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """A run on chips that are described, of frames of a shape (*space, channels)."""

    config: Configuration
    frame_shape: tuple[int, ...]
    target: Target

    @property
    def rows(self) -> int:
        """Rows of the batch on a chip."""
        return self.config.train.batch_size // len(self.target.devices)

    def but(self, rows: int = 0, **sections: dict) -> "Rehearsal":
        """Return the same run with another batch or other options."""
        config = self.config.override(**sections)
        if rows:
            size = rows * len(self.target.devices)
            config = config.override(train={"batch_size": size})
        return dataclasses.replace(self, config=config)

    def step(self) -> mapping.Ahead:
        """Return the training step, with the forecasts fed back that it ends with."""
        config, frame_shape = self.config, self.frame_shape
        network, optimizer = self._network(), make_optimizer(config.train)
        state = jax.eval_shape(
            lambda: init_state(network, optimizer, config, frame_shape)
        )
        feedback = config.train.feedback
        step = make_train_step(network, optimizer, self._unit, config, feedback)
        size = config.train.batch_size
        frames = (size, configuration.window_length(config), *frame_shape)
        shapes = frames, (size,), (size,), (size,)
        dtypes = np.float32, np.int32, np.int32, np.bool_
        arrays: Any = map(jax.ShapeDtypeStruct, shapes, dtypes)
        return mapping.step_ahead(step, state, Batch(*arrays), self.target.devices)

    def forecast(self) -> mapping.Ahead:
        """Return a forecast as validation makes them, of a history on each chip."""
        config, network = self.config, self._network()
        forecast = physical_rollout(network, self._unit, config.data.history)
        shape = (len(self.target.devices), config.data.history, *self.frame_shape)
        history = jax.ShapeDtypeStruct(shape, np.float32)
        params = jax.eval_shape(network.init, jax.random.key(0), history)
        return mapping.forecast_ahead(
            lambda params, history: forecast(
                params, history, config.train.validation_frames
            ),
            {"params": params["params"]},
            history,
            self.target.devices,
        )

    def compile_step(self) -> Program:
        """Compile the step; raises TooLarge where it does not fit."""
        return compile_program(self.step().lower(), self.target.memory)

    def memory(self) -> float:
        """Return the bytes that the step takes of a chip, also where it has fewer."""
        try:
            return self.compile_step().memory
        except TooLarge as error:
            return error.memory

    @property
    def _unit(self) -> Statistics:
        one = (1.0,) * self.frame_shape[-1]
        return Statistics((0.0,) * len(one), one, one, one)

    def _network(self) -> FrameNetwork:
        thresholds = RATES if self.config.model.exceedance else ()
        with jax.default_device(self.target.devices[0]):
            return build_network(self.config, self._unit, thresholds=thresholds)


def rehearse(
    config: Configuration, frame_shape: tuple[int, ...], target: Target
) -> Rehearsal:
    """Return the run on these chips.

    A batch that they cannot share becomes the next larger one that they can. A head
    that a run would choose by its data is "advection", the one that costs most.
    """
    if config.model.head == "auto":
        config = config.override(model={"head": "advection"}, train={"feedback": 0})
    parts = len(target.devices) * config.train.accumulate
    size = -(-config.train.batch_size // parts) * parts
    config = config.override(train={"batch_size": size})
    return Rehearsal(config, frame_shape, target)


def largest_batch(rehearsal: Rehearsal, memory: float) -> tuple[int, float] | None:
    """Return the rows a chip, and the bytes, of the largest batch tried that fits.

    `memory` is that of the step. With that of GROWTH times as many rows it says how
    memory grows; the batch that follows is compiled, and says it better. None: a step
    of one row a part does not fit.
    """
    parts, available = rehearsal.config.train.accumulate, rehearsal.target.memory
    rows = rehearsal.rows
    while memory > available:
        if rows == parts:
            return None
        rows = max(parts, rows // 2 // parts * parts)
        memory = rehearsal.but(rows).memory()
    tried = {rows: memory, GROWTH * rows: rehearsal.but(GROWTH * rows).memory()}
    for _ in range(2):
        (fewer, less), (more, most) = list(tried.items())[-2:]
        step = (FILLED * available - most) * (more - fewer) / (most - less)
        rows = max(parts, int(more + step) // parts * parts)
        if rows in tried:
            break
        tried[rows] = rehearsal.but(rows).memory()
    return max(item for item in tried.items() if item[1] <= available)
