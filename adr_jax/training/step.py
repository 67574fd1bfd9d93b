"""One training step, as a pure function of a state and a batch."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PyTree

from adr_jax.data.batches import Batch, observe
from adr_jax.data.normalisation import Statistics
from adr_jax.evaluation.rollout import rollout
from adr_jax.models.frames import FrameNetwork
from adr_jax.options import Configuration, TrainOptions
from adr_jax.training.devices.mapping import total
from adr_jax.training.leads import loss_at_lead
from adr_jax.training.losses import LOSSES
from adr_jax.training.optimizer import at_rate


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
    options: TrainOptions, step: Array, total_steps: Array
) -> Float[Array, ""]:
    """Return the rate: linear to its peak over `warmup` steps, then as scheduled."""
    warm = jnp.minimum(1.0, (step + 1) / max(options.warmup, 1))
    length = jnp.maximum(total_steps - options.warmup, 1)
    done = jnp.clip((step - options.warmup) / length, 0.0, 1.0)
    left = {
        "cosine": 0.5 * (1.0 + jnp.cos(jnp.pi * done)),
        "constant": jnp.ones(()),
    }[options.schedule]
    rate = options.learning_rate * warm * left
    return rate.astype(jnp.float32)  # also where JAX computes in double precision


def init_state(
    network: FrameNetwork,
    optimizer: optax.GradientTransformation,
    config: Configuration,
    frame_shape: tuple[int, ...],
) -> TrainState:
    """Return the state before the first step: a function of the seed."""
    history = jnp.zeros((1, config.data.history, *frame_shape), jnp.float32)
    key = jax.random.key(config.seed)
    params = {"params": jax.jit(network.init)(key, history)["params"]}
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        total_steps=jnp.asarray(config.train.steps, jnp.int32),
        params=params,
        average=jax.tree.map(jnp.copy, params),
        optimizer=optimizer.init(params),
    )


def make_train_step(
    network: FrameNetwork,
    optimizer: optax.GradientTransformation,
    statistics: Statistics,
    config: Configuration,
    feedback: int,
) -> Callable[[TrainState, Batch], tuple[TrainState, dict[str, Array]]]:
    """Return a step whose loss goes through `feedback` forecasts fed back as input.

    The gradient of `train.accumulate` micro-batches is that of their union, at the
    memory of one. Among the metrics, "stop" is how many rows of the global batch ask to
    stop.
    """
    options = config.train
    draws_leads = config.model.head == "advection"
    num_frames = (1 + feedback) * config.model.frames_out
    # At each lead, or at all of them.
    scale = np.atleast_2d(np.asarray(network.output_scale, np.float32))
    usual = jnp.asarray(scale.mean(axis=0))
    noise = options.noise * np.broadcast_to(scale[0], len(statistics.mean))
    loss = LOSSES[options.loss]

    def of_rollout(params: PyTree, history: Array, target: Array, lead: Array):
        def forecast(past):
            return network.apply(params, past)

        del lead
        ahead = rollout(forecast, history, num_frames, unroll=network.unroll)
        return loss(ahead, target[:, :num_frames], usual)

    loss_of = loss_at_lead(network, loss, usual) if draws_leads else of_rollout
    summed_gradient = _summed_over_parts(
        jax.value_and_grad(loss_of, has_aux=True), options.accumulate, network.unroll
    )

    def train_step(state: TrainState, batch: Batch):
        history, ahead = observe(
            batch,
            statistics,
            config.data,
            seed=config.seed,
            step=state.step,
            noise=noise,
        )
        (errors, count), gradients = total(
            summed_gradient(state.params, history, ahead, batch.lead)
        )
        gradients = jax.tree.map(lambda gradient: gradient / count, gradients)
        rate = learning_rate(options, state.step, state.total_steps)
        updates, rule = optimizer.update(
            gradients, at_rate(state.optimizer, rate), state.params
        )
        params = optax.apply_updates(state.params, updates)
        # Shorter at first, or the average of a short run would be mostly its start.
        decay = jnp.minimum(options.ema, (1 + state.step) / (10 + state.step))
        average = optax.incremental_update(params, state.average, 1.0 - decay)
        metrics = {
            "loss": errors / count,
            "gradient_norm": optax.tree.norm(gradients),
            # Finite only if all parameters are: no other state is ever saved.
            "parameter_norm": optax.tree.norm(params),
            "learning_rate": rate,
            "stop": total(jnp.sum(batch.stop, dtype=jnp.int32)),
        }
        return state._replace(
            step=state.step + 1, params=params, average=average, optimizer=rule
        ), metrics

    return train_step


def _summed_over_parts(gradient_of: Callable, parts: int, unroll: bool) -> Callable:
    """Return the function that sums loss, count and gradient over micro-batches."""
    if parts == 1:
        return gradient_of

    def summed_gradient(params: PyTree, *rows: Array):
        def add(sums, micro_batch):
            more = gradient_of(params, *micro_batch)
            return jax.tree.map(jnp.add, sums, more), None

        micro_batches = jax.tree.map(lambda a: a.reshape(parts, -1, *a.shape[1:]), rows)
        zero = jnp.zeros((), jnp.float32)
        nothing = (zero, zero), jax.tree.map(jnp.zeros_like, params)
        sums, _ = jax.lax.scan(add, nothing, micro_batches, unroll=unroll)
        return sums

    return summed_gradient
