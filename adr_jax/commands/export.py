"""Write one forecast step of a trained model as a file that needs only jax to run.

python -m adr_jax export --workdir W --output FILE

The file holds a function of a history, float32 (batch, history, *space, channels) in
the unit of the training data, oldest frame first, NaN where missing. It returns the
frames that follow, float32 (batch, frames_out, *space, channels), in the same unit.
Parameters and normalisation are included. It runs on CPUs, CUDA GPUs and TPUs, for
batches of any size, and for grids of any size if the network allows it: the command
prints the shapes. docs/export.md shows how to load it.
"""

import argparse

import jax
from jax import export as jax_export

from adr_jax.commands import flags
from adr_jax.commands.new_file import check_new, written
from adr_jax.errors import InputError
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.training.model import TrainedModel, load

PLATFORMS = ("cpu", "cuda", "tpu")
# The minimum number of cells along an axis.
MIN_CELLS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags: workdir, output."""
    flags.add_workdir(parser)
    flags.add_new_file(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the file and print the shapes of its input and output."""
    check_new(arguments.output, "--output")
    try:
        import flatbuffers  # noqa: F401  jax.export needs it
    except ImportError as error:
        raise InputError(
            "export needs flatbuffers: pip install 'adr_jax[export]'"
        ) from error
    exported = export_step(load(arguments.workdir))
    content = exported.serialize()
    with written(arguments.output, "--output") as partial:
        partial.write_bytes(content)
    (history,), (frames,) = exported.in_avals, exported.out_avals
    print(f"{arguments.output}: {_text(history.shape)} to {_text(frames.shape)}")


def export_step(model: TrainedModel) -> jax_export.Exported:
    """Export a forecast step of the model, for the most general shapes it allows."""
    config = model.config
    forecast = physical_rollout(model.network, model.statistics, config.data.history)

    @jax.jit
    def forecast_step(history):
        return forecast(model.params, history, config.model.frames_out)

    exporting = jax_export.export(forecast_step, platforms=PLATFORMS)
    general, fixed = _shapes(config.data.history, model.frame_shape)
    try:
        return exporting(jax.ShapeDtypeStruct(general, "float32"))
    except Exception:  # jax raises several types for a length it has to know
        return exporting(jax.ShapeDtypeStruct(fixed, "float32"))


def _shapes(history: int, frame_shape: tuple[int, ...]) -> tuple[tuple, tuple]:
    """Return shapes of histories: any grid, the training grid."""
    *space, channels = frame_shape
    names = ("z", "y", "x")[-len(space) :]
    batch, *sizes = jax_export.symbolic_shape(
        ", ".join(["batch", *names]),
        constraints=[f"{name} >= {MIN_CELLS}" for name in names],
    )
    general = (batch, history, *sizes, channels)
    (batch,) = jax_export.symbolic_shape("batch")
    return general, (batch, history, *space, channels)


def _text(shape: tuple) -> str:
    return f"({', '.join(map(str, shape))})"
