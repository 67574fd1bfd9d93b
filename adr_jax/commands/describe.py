"""Show a configuration's model: its modules, parameters, work, memory and reach.

python -m adr_jax describe --config configs/NAME.py [--config.section.field=value ...]
    [--frame_shape ROWS COLUMNS CHANNELS]

Frames are as large as those of the data. Data are opened for that, but never made:
where they are not there yet, --frame_shape says it.
"""

import argparse
import dataclasses
from collections.abc import Mapping
from typing import cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from adr_jax import data, models
from adr_jax.errors import InputError
from adr_jax.evaluation.report.tables import grid
from adr_jax.models.adrnet import ADRNet
from adr_jax.options import DataOptions
from adr_jax.training import command_line, configuration

# Modules within modules that the table shows.
DEPTH = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A configuration and what to change in it."""
    parser.add_argument("--config", required=True, metavar="configs/NAME.py")
    parser.add_argument(
        "--frame_shape",
        type=int,
        nargs="+",
        metavar="N",
        help="space and channels of a frame, as 128 160 3; default: those of the data",
    )
    # The fields of a configuration are not known here: `run` reads them.
    parser.set_defaults(overrides=[])


def run(arguments: argparse.Namespace) -> None:
    """Prints the model."""
    file = command_line.read_config(arguments.config, arguments.overrides)
    config = configuration.read(file)
    shape = arguments.frame_shape or known_frame_shape(config.data)
    if not 2 <= len(shape) <= 4 or min(shape) < 1:
        raise InputError(
            f"--frame_shape {' '.join(map(str, shape))}: expected one to three numbers "
            "of cells and one of channels, each 1 or more"
        )
    # Work inside a loop would be counted once.
    options = dataclasses.replace(config.model, unroll="on")
    model = models.build(options, change_scale=(1.0,), output_scale=(1.0,))
    history = jax.ShapeDtypeStruct((1, config.data.history, *shape), jnp.float32)
    modules, params = traced(model, history)
    print(grid(modules))
    print(f"parameters: {_count(params):,}")

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


def known_frame_shape(config: DataOptions) -> tuple[int, ...]:
    """The shape of a frame of the data, where it is known before they are made.

    Raises:
      InputError: the data are not there, or cannot be read.
    """
    try:
        return data.frame_shape(config)
    except InputError as error:
        raise InputError(f"{error}; or say what a frame is by --frame_shape") from error


def traced(
    model: nn.Module, history: jax.ShapeDtypeStruct
) -> tuple[dict[str, dict[str, str]], Mapping]:
    """A row for each module, and the parameters, abstract; nothing is computed."""
    shapes = {}

    def note(call, arguments, keywords, context):
        path = context.module.path
        if context.method_name != "__call__" or len(path) > DEPTH or path in shapes:
            return call(*arguments, **keywords)
        shapes[path] = ()  # a module stands before those within it
        output = call(*arguments, **keywords)
        name = type(context.module).__name__
        shapes[path] = name, _shape(arguments[0]), _shape(output)
        return output

    with nn.intercept_methods(note):
        variables = jax.eval_shape(model.init, jax.random.key(0), history)
    params, rows = variables["params"], {}
    for path, (name, given, output) in shapes.items():
        inside = params
        for part in path:
            inside = inside.get(part, {})
        facts = {"module": name, "in": given, "out": output}
        facts["parameters"] = f"{_count(inside):,}"
        rows["/".join(path) or "all"] = facts
    return rows, params


def _shape(array) -> str:
    return " x ".join(map(str, array.shape))


def _count(params: Mapping) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(params))


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
    options = model.options
    block = 3 + (options.diffusion == "explicit") + 2 * (options.reaction == "conv")
    cells = options.num_blocks * block + options.conserve
    far = options.num_blocks * options.reach
    transport = {
        "none": "there is no transport",
        **dict.fromkeys(
            ("push", "pull"),
            f"transport {far:g} more" if far else "transport as far as it learns",
        ),
    }[options.transport]
    everywhere = (
        "; implicit and exact diffusion reach everywhere, fading"
        if options.diffusion in ("implicit", "exact")
        else ""
    )
    return f"convolutions {cells} cells, {transport}{everywhere}"
