"""Show the network of a configuration: modules, parameters, cost, memory and reach.

python -m adr_jax describe --config configs/NAME.py [--config.section.field=value ...]
    [--frame_shape ROWS COLUMNS CHANNELS] [--depth N] [--target v5e:4x4]
python -m adr_jax describe --workdir W

The size of the frames is read from the data set, or is that of training. Data sets are
never generated or downloaded: for a public one that is missing its usual size is taken,
and said; for a file of yours state the size with --frame_shape.

With --target the training step and a forecast are compiled for chips that need not be
there: memory, work and collectives a chip, and the largest batch. It takes minutes.
TPU slices take `pip install 'adr_jax[tpu]'`, GPUs 'adr_jax[cuda]'. The bytes moved and
the time at a TPU's peaks are the compiler's, which counts a loop's body once: no step
is faster than that. Products are counted in all turns of loops.
"""

import argparse
import dataclasses
import functools
import shutil
from collections.abc import Mapping
from typing import cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from adr_jax import data, models, shipped
from adr_jax.commands import describe_target
from adr_jax.errors import InputError
from adr_jax.models.adrnet import ADRNet
from adr_jax.options import DataOptions
from adr_jax.training import command_line, configuration
from adr_jax.training.devices import targets
from adr_jax.training.model import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags: a configuration with overrides, the frames, the table's depth."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--config", metavar="configs/NAME.py", help="the configuration to describe"
    )
    which.add_argument(
        "--workdir",
        type=shipped.find_workdir,
        metavar="W",
        help="a trained model to describe, or the name of shipped weights",
    )
    parser.add_argument(
        "--frame_shape",
        type=int,
        nargs="+",
        metavar="N",
        help="cells along each axis and channels of a frame, as 128 160 3; read from "
        "the data set by default",
    )
    parser.add_argument(
        "--depth", type=int, default=2, metavar="N", help="levels of modules in modules"
    )
    parser.add_argument(
        "--target",
        metavar="NAME",
        help="chips to compile for: v5e:4x4, v5p:2x2x1, v6e:16x16, a100, h100:8, h200",
    )
    # `run` reads the overrides, whose names depend on the configuration.
    parser.set_defaults(overrides=[])


def run(arguments: argparse.Namespace) -> None:
    """Print the description."""
    target = targets.find(arguments.target) if arguments.target else None
    if arguments.workdir:
        if arguments.overrides:
            raise InputError("--workdir has a configuration of its own: set no field")
        trained = load(arguments.workdir)
        config, known = trained.config, lambda: trained.frame_shape
    else:
        file = command_line.read_config(arguments.config, arguments.overrides)
        config = configuration.read(file)
        known = functools.partial(known_frame_shape, config.data)
    shape = arguments.frame_shape or known()
    if not 2 <= len(shape) <= 4 or min(shape) < 1:
        raise InputError(
            f"--frame_shape {' '.join(map(str, shape))}: expected one to three numbers "
            "of cells, then the number of channels, each 1 or more"
        )
    # XLA counts the cost of a loop's body once.
    options = dataclasses.replace(config.model, unroll="on")
    if options.head == "auto":  # a run looks at its data; this is the largest
        options = dataclasses.replace(options, head="advection")
    model = models.build(options, change_scale=(1.0,), output_scale=(1.0,))
    history = jax.ShapeDtypeStruct((1, config.data.history, *shape), jnp.float32)
    params = parameters(model, history)
    print(_table(model, history, arguments.depth))
    parts = ", ".join(f"{name} {_count(part):,}" for name, part in params.items())
    print(f"parameters: {_count(params):,} ({parts})")
    if target:
        describe_target.show(config, tuple(shape), target)
    else:
        _show_costs(model, params, history)
    print(f"reach: {reach(model)}")


def _show_costs(model: nn.Module, params: Mapping, history: jax.ShapeDtypeStruct):
    """Print what a forecast and its gradients cost here."""

    def forecast(params, history) -> jax.Array:
        return cast(jax.Array, model.apply({"params": params}, history))

    def loss(params, history):
        return jnp.sum(jnp.square(forecast(params, history)))

    for name, function in (
        ("one forecast", forecast),
        ("forecast and gradients", jax.value_and_grad(loss)),
    ):
        compiled = jax.jit(function).lower(params, history).compile()
        print(f"{name}: {_cost(compiled)}")


def known_frame_shape(config: DataOptions) -> tuple[int, ...]:
    """Return the shape of a frame of the data set, without generating the data.

    Where a public set is missing, or no file is named, it is a usual one, with a line
    that says so.

    Raises:
      InputError: the user's own data are missing or cannot be read.
    """
    try:
        return data.frame_shape(config)
    except InputError as error:
        source = data.source(config.name)
        if source.usual_frame and not (config.path and source.is_own):
            shape = " ".join(map(str, source.usual_frame))
            print(f"note: no data here, frames are taken to be --frame_shape {shape}")
            return source.usual_frame
        raise InputError(f"{error}; or say what a frame is by --frame_shape") from error


def parameters(model: nn.Module, history: jax.ShapeDtypeStruct) -> Mapping:
    """Return the shapes of the network's parameters; nothing is computed."""
    return jax.eval_shape(model.init, jax.random.key(0), history)["params"]


def _table(model: nn.Module, history: jax.ShapeDtypeStruct, depth: int) -> str:
    """Return a table of modules; a terminal's width is used, 120 columns elsewhere."""
    table = model.tabulate(
        jax.random.key(0),
        jnp.zeros(history.shape, history.dtype),
        depth=depth,
        column_kwargs={"overflow": "fold"},
        console_kwargs={
            "force_terminal": False,
            "width": shutil.get_terminal_size((120, 24)).columns,
        },
    )
    return table.strip("\n")


def _count(params: Mapping) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def _cost(compiled: jax.stages.Compiled) -> str:
    cost, memory = compiled.cost_analysis(), compiled.memory_analysis()
    flops = f"{cost['flops'] / 1e9:.3g} GFLOP" if cost and "flops" in cost else "?"
    peak = f"{memory.temp_size_in_bytes / 2**20:.3g} MiB" if memory else "?"
    return f"{flops} a sample, {peak} of activations at peak"


def reach(model: nn.Module) -> str:
    """Say how far from a cell the input can change the output there, in cells."""
    if not isinstance(model, ADRNet):
        return "the whole field"
    # Each block has three convolutions for the displacement, a step of diffusion to
    # neighbouring cells, and two convolutions in its reaction.
    options = model.options
    block = 3 + (options.diffusion == "explicit") + 2 * (options.reaction == "conv")
    cells = options.num_blocks * block + options.conserve
    distance = options.num_blocks * options.reach
    transport = {
        "none": "there is no transport",
        **dict.fromkeys(
            ("push", "pull"),
            f"transport {distance:g} more"
            if distance
            else "transport as far as it learns",
        ),
    }[options.transport]
    everywhere = (
        "; implicit and exact diffusion reach all cells, with decay"
        if options.diffusion in ("implicit", "exact")
        else ""
    )
    return f"convolutions {cells} cells, {transport}{everywhere}"
