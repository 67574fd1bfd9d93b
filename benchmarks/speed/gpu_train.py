"""A training step of ADRNet beside the same one in PyTorch, and its forecasts.

Shallow water's network as in benchmarks/speed/torch_step.py. Both take the same
parameters, and what they are given lies on the device. In bfloat16 the products are,
by PyTorch's autocast there; transport and state stay float32. PyTorch's compiled
form is `torch.compile` of the forecast.
"""

import functools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
from gpu_timing import Form, Row, row, timed, torch_wait, within
from noise_step import UNIT, noise_step

from adr_jax.evaluation.rollout import rollout
from adr_jax.options import Configuration
from adr_jax.training.devices import mapping
from adr_jax.training.network import build_network
from configs import shallow_water

# Channels, blocks.
NETWORKS = {"tiny": (4, 1), "small": (16, 2), "base": (64, 6)}
HALF, FULL = "bfloat16", "float32"
CASES = (("small", FULL), ("base", FULL), ("base", HALF), ("small", HALF))
SMALL = (("tiny", FULL), ("tiny", HALF))
OURS = "adr_jax"
BATCH, CELLS, FRAMES = (16, 2), (128, 16), (20, 2)  # on a GPU, and with --small


def train(small: bool, seconds: float) -> Iterator[Row]:
    """Time steps and forecasts of both networks in both types."""
    frames = FRAMES[small]
    for network, dtype in within(seconds, SMALL if small else CASES):
        config, setting = _config(network, dtype, small), f"{network}, {dtype}"
        yield from _steps(config, setting)
        found = timed({OURS: _forecast(config, frames)})[OURS]
        facts = {"ms a frame": 1e3 * found.seconds / frames}
        yield row(f"forecast of {frames} frames, {setting}", found, **facts)


def _config(network: str, dtype: str, small: bool) -> Configuration:
    channels, blocks = NETWORKS[network]
    size = {"channels": channels, "num_blocks": blocks, "dtype": dtype}
    return Configuration.of(shallow_water.get_config().to_dict()).override(
        data={"cells": CELLS[small]},
        model=size | {"reaction": "pointwise", "frames_out": 1},
        train={"optimizer": "adamw", "noise": 0.0, "batch_size": BATCH[small]},
    )


def _steps(config: Configuration, setting: str) -> Iterator[Row]:
    """Yield a row for our step, and for PyTorch's where it is installed."""
    forms, wait = {OURS: Form(_Step(config))}, torch_wait()
    if wait is not None:
        for name, compiled in {"eager": False, "compiled": True}.items():
            forms[f"PyTorch, {name}"] = Form(_peer(config, compiled), wait)
    size = config.train.batch_size
    for name, found in timed(forms).items():
        facts = {"samples/s": size / found.seconds}
        if not found.error:
            facts |= _peak(forms[name].call)
        yield row(f"step of {size}, {name}, {setting}", found, **facts)


class _Step:
    """Our step, which goes on from its last state; the first call compiles it."""

    def __init__(self, config: Configuration):
        step, self._state, batch = noise_step(config)
        self._batch = jax.tree.map(lambda array: jnp.asarray(array)[None], batch)
        mapped = jax.vmap(step, (None, 0), (None, None), axis_name=mapping.AXIS)
        self._jitted = jax.jit(mapped, donate_argnums=0)

    @functools.cached_property
    def program(self) -> jax.stages.Compiled:
        """The compiled step."""
        return self._jitted.lower(self._state, self._batch).compile()

    def __call__(self) -> object:
        self._state, metrics = self.program(self._state, self._batch)
        return metrics


def _peer(config: Configuration, compiled: bool) -> Callable:
    """Return PyTorch's step, from the same parameters on the same frames.

    The first call makes and checks it, so that ours is timed where that fails.
    """

    @functools.cache
    def made() -> Callable:
        from torch_step import peers

        return peers(config, noise_step(config).batch.frames, compiled=compiled)

    return lambda: made()()


def _peak(step: Callable) -> dict[str, float]:
    """Return the peak memory of a step: our compiler's plan, PyTorch's counter."""
    if isinstance(step, _Step):
        plan = step.program.memory_analysis()
        assert plan is not None
        results = plan.output_size_in_bytes - plan.alias_size_in_bytes
        size = plan.argument_size_in_bytes + plan.temp_size_in_bytes + results
    elif jax.default_backend() == "gpu":
        import torch

        torch.cuda.reset_peak_memory_stats()
        step()
        size = torch.cuda.max_memory_allocated()
    else:
        return {}
    return {"peak MiB": size / 2**20}


def _forecast(config: Configuration, frames: int) -> Form:
    """Return a forecast of so many frames after one history."""
    network = build_network(config, UNIT)
    _, state, batch = noise_step(config)
    history = jnp.asarray(batch.frames[:1, : config.data.history])

    @jax.jit
    def forecast(params, history):
        return rollout(lambda past: network.apply(params, past), history, frames)

    return Form(functools.partial(forecast, state.params, history))
