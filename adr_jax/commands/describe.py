"""Show a configuration's model: its modules, parameters, work, memory and reach.

python -m adr_jax describe --config configs/NAME.py [--config.section.field=value ...]
"""

import argparse
import sys
from typing import cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from adr_jax import models
from adr_jax.models.adrnet import ADRNet
from adr_jax.training import command_line, configuration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A configuration and what to change in it."""
    parser.add_argument("--config", required=True, metavar="configs/NAME.py")
    # The fields of a configuration are not known here: `run` reads them.
    parser.set_defaults(overrides=[])


def run(arguments: argparse.Namespace) -> None:
    """Prints the model; nothing is read but the configuration."""
    config = command_line.read_config(arguments.config, arguments.overrides)
    configuration.check(config)
    config.model.unroll = "on"  # work inside a loop would be counted once
    model = models.build(config.model, change_scale=(1.0,), output_scale=(1.0,))
    cells, length = config.data.cells, config.data.history
    history = jnp.zeros((1, length, cells, cells, 1))
    console = {"force_terminal": sys.stdout.isatty(), "width": 140}
    table = model.tabulate(jax.random.key(0), history, depth=2, console_kwargs=console)
    print(table)
    params = jax.eval_shape(model.init, jax.random.key(0), history)["params"]
    print(f"parameters: {sum(leaf.size for leaf in jax.tree.leaves(params)):,}")

    def forecast(params, history) -> jax.Array:
        return cast(jax.Array, model.apply({"params": params}, history))

    def loss(params, history):
        return jnp.sum(jnp.square(forecast(params, history)))

    for name, function in (
        ("one forecast", forecast),
        ("and with gradients", jax.value_and_grad(loss)),
    ):
        compiled = jax.jit(function).lower(params, history).compile()
        print(f"{name}: {_work(compiled)}")
    print(f"reach: {reach(model)}")


def _work(compiled: jax.stages.Compiled) -> str:
    cost, memory = compiled.cost_analysis(), compiled.memory_analysis()
    flops = f"{cost['flops'] / 1e9:.3g} GFLOP" if cost and "flops" in cost else "?"
    peak = f"{memory.temp_size_in_bytes / 2**20:.3g} MiB" if memory else "?"
    return f"{flops} a sample, {peak} of activations at the peak"


def reach(model: nn.Module) -> str:
    """How far one cell of the output looks, in words and cells."""
    if not isinstance(model, ADRNet):
        return "the whole field"
    # A displacement is read off through three convolutions; then what was moved may
    # spread by one cell, and react with its neighbours through two more.
    block = 3 + (model.diffusion == "explicit") + 2 * (model.reaction == "conv")
    cells = model.num_blocks * block + model.conserve
    far = model.num_blocks * model.reach
    transport = {
        "none": "there is no transport",
        **dict.fromkeys(
            ("push", "pull"),
            f"transport {far:g} more" if far else "transport as far as it learns",
        ),
    }[model.transport]
    everywhere = (
        "; implicit and exact diffusion reach everywhere, fading"
        if model.diffusion in ("implicit", "exact")
        else ""
    )
    return f"convolutions {cells} cells, {transport}{everywhere}"
