"""One training step, as a pure function of a state and a batch."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jax.typing import ArrayLike
from jaxtyping import Array, Float, PyTree
from ml_collections import ConfigDict

from adr_jax.data.missing import corrupt, fill_missing
from adr_jax.data.normalisation import Statistics
from adr_jax.data.windows import Batch
from adr_jax.evaluation.rollout import rollout
from adr_jax.training.devices import parallel
from adr_jax.training.losses import make_loss

SCHEDULES = ("cosine", "linear", "constant")


class TrainState(NamedTuple):
    """All that a step changes."""

    step: Array
    # Length of the schedule: an array, so that another length compiles nothing anew.
    total_steps: Array
    params: PyTree
    # Exponential moving average of the parameters, or the parameters themselves.
    average: PyTree
    optimizer: optax.OptState


def learning_rate(
    config: ConfigDict, step: Array, total_steps: Array
) -> Float[Array, ""]:
    """Linear to the peak over `warmup` steps, then as the schedule has it, to zero."""
    warm = jnp.minimum(1.0, (step + 1) / max(config.warmup, 1))
    length = jnp.maximum(total_steps - config.warmup, 1)
    done = jnp.clip((step - config.warmup) / length, 0.0, 1.0)
    left = {
        "cosine": 0.5 * (1.0 + jnp.cos(jnp.pi * done)),
        "linear": 1.0 - done,
        "constant": jnp.ones(()),
    }[config.schedule]
    return config.learning_rate * warm * left


def init_state(
    model: nn.Module,
    optimizer: optax.GradientTransformation,
    config: ConfigDict,
    frame_shape: tuple[int, ...],
) -> TrainState:
    """The state before the first step: a function of the seed."""
    history = jnp.zeros((1, config.data.history, *frame_shape))
    key = jax.random.key(config.seed)
    params = {"params": jax.jit(model.init)(key, history)["params"]}
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        total_steps=jnp.asarray(config.train.steps, jnp.int32),
        params=params,
        average=jax.tree.map(jnp.copy, params),
        optimizer=optimizer.init(params),
    )


def make_train_step(
    model: nn.Module,
    optimizer: optax.GradientTransformation,
    statistics: Statistics,
    config: ConfigDict,
    feedback: int,
) -> Callable[[TrainState, Batch], tuple[TrainState, dict[str, Array]]]:
    """A step whose loss goes through `feedback` forecasts fed back as input.

    Losses are described in losses.py. The gradient of `train.accumulate` micro-batches
    is that of their union, at the memory of one.
    """
    mean, std = jnp.asarray(statistics.mean), jnp.asarray(statistics.std)
    scale = jnp.broadcast_to(jnp.asarray(model.output_scale), mean.shape)
    history_length = config.data.history
    num_frames = max(config.data.horizon, (1 + feedback) * config.model.frames_out)
    lost = {
        kind: config.data[kind]
        for kind in ("noise", "dropped", "missing")
        if config.data[kind]
    }

    loss = make_loss(config.train.loss, statistics, model.output_scale)

    def loss_of(params: PyTree, history: Array, target: Array):
        """The loss's sum, and over how many numbers."""
        forecast = rollout(
            lambda past: model.apply(params, past),
            history,
            num_frames,
            gradient_calls=config.train.feedback_gradient,
            unroll=model.unroll,
        )
        return loss(forecast, target)

    gradient_of = jax.value_and_grad(loss_of, has_aux=True)

    def summed_gradient(params: PyTree, history: Array, target: Array):
        """Loss, count and gradient, summed over micro-batches one after the other."""
        parts = config.train.accumulate
        if parts == 1:
            return gradient_of(params, history, target)

        def add(sums, micro_batch):
            more = gradient_of(params, *micro_batch)
            return jax.tree.map(jnp.add, sums, more), None

        micro_batches = jax.tree.map(
            lambda a: a.reshape(parts, -1, *a.shape[1:]), (history, target)
        )
        zero = jnp.zeros(())
        nothing = (zero, zero), jax.tree.map(jnp.zeros_like, params)
        sums, _ = jax.lax.scan(add, nothing, micro_batches, unroll=model.unroll)
        return sums

    def observed(history: Array, step: Array, row: ArrayLike) -> Array:
        """Histories with the noise and gaps they are trained on, the gaps filled."""
        step_key = jax.random.fold_in(jax.random.key(config.seed), step)
        row_keys = jax.vmap(lambda r: jax.random.fold_in(step_key, r))(row)
        noise_keys, gap_keys = jnp.moveaxis(jax.vmap(jax.random.split)(row_keys), 1, 0)
        if lost:
            poor = functools.partial(corrupt, **lost)
            history = jax.vmap(poor)(gap_keys, history)
        history = fill_missing(history)
        if config.train.noise:
            noise = jax.vmap(lambda key, h: _noise(key, h.shape))(noise_keys, history)
            history = history + config.train.noise * scale * noise
        return history

    def train_step(state: TrainState, batch: Batch):
        frames = jnp.asarray(batch.frames - mean) / std
        history = observed(frames[:, :history_length], state.step, batch.row)
        target = frames[:, history_length : history_length + num_frames]
        target = target[..., : config.model.variables_out or None]
        (errors, count), gradients = parallel.total(
            summed_gradient(state.params, history, target)
        )
        gradients = jax.tree.map(lambda total: total / count, gradients)
        updates, rule = optimizer.update(gradients, state.optimizer, state.params)
        rate = learning_rate(config.train, state.step, state.total_steps)
        params = optax.apply_updates(
            state.params, jax.tree.map(lambda update: rate * update, updates)
        )
        # Shorter at first, or the average of a short run would be mostly its start.
        decay = jnp.minimum(config.train.ema, (1 + state.step) / (10 + state.step))
        average = optax.incremental_update(params, state.average, 1.0 - decay)
        metrics = {
            "loss": errors / count,
            "gradient_norm": optax.tree.norm(gradients),
            # Finite only if all parameters are: no other state is ever saved.
            "parameter_norm": optax.tree.norm(params),
            "learning_rate": rate,
        }
        return state._replace(
            step=state.step + 1, params=params, average=average, optimizer=rule
        ), metrics

    return train_step


def _noise(key: Array, shape: tuple[int, ...]) -> Array:
    """White noise of an amplitude between 0 and 1."""
    size_key, noise_key = jax.random.split(key)
    return jax.random.uniform(size_key) * jax.random.normal(noise_key, shape)
