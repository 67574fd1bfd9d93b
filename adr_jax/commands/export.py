"""Write one forecast step of a trained model as a file that needs only jax to run.

python -m adr_jax export --workdir W --output FILE

The file holds a function of a history, float32 (batch, history, *space, channels) in
the unit the model was trained in, oldest frame first, NaN where missing. It returns the
frames that follow, float32 (batch, frames_out, *space, channels) in the same unit.
Parameters and normalisation are in it. It runs on CPUs, CUDA GPUs and TPUs, for a batch
of any size. Space is of any size too where the network allows it: the command prints
what it is. docs/export.md shows how to load it.
"""

import argparse
import pathlib
from collections.abc import Iterator

import jax
from jax import export as jax_export

from adr_jax.commands.new_file import check_new, written
from adr_jax.errors import InputError
from adr_jax.evaluation.forecaster import physical_rollout
from adr_jax.training import model as trained

PLATFORMS = ("cpu", "cuda", "tpu")
# The least number of cells that a field may have along an axis.
CELLS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Workdir, output."""
    parser.add_argument("--workdir", required=True, metavar="W", help="a trained model")
    parser.add_argument("--output", type=pathlib.Path, required=True, metavar="FILE")


def run(arguments: argparse.Namespace) -> None:
    """Writes the file and prints what shapes it takes."""
    check_new(arguments.output, "--output")
    try:
        import flatbuffers  # noqa: F401  what jax.export writes with
    except ImportError as error:
        raise InputError(
            "export needs flatbuffers: pip install 'adr_jax[export]'"
        ) from error
    exported = export_step(trained.load(arguments.workdir))
    content = exported.serialize()
    with written(arguments.output, "--output") as partial:
        partial.write_bytes(content)
    (history,), (frames,) = exported.in_avals, exported.out_avals
    print(f"{arguments.output}: {_words(history.shape)} to {_words(frames.shape)}")


def export_step(model: trained.TrainedModel) -> jax_export.Exported:
    """A forecast step of the best model, with the most general shape that it allows."""
    config = model.config
    forecast = physical_rollout(
        model.network.apply, model.statistics, config.data.history
    )

    @jax.jit
    def forecast_step(history):
        return forecast(model.params, history, config.model.frames_out)

    exporting = jax_export.export(forecast_step, platforms=PLATFORMS)
    *generals, fixed = _shapes(config.data.history, model.frame_shape)
    for general in generals:
        try:
            return exporting(jax.ShapeDtypeStruct(general, "float32"))
        except Exception:  # jax has many for a length that it would have to know
            continue
    return exporting(jax.ShapeDtypeStruct(fixed, "float32"))


def _shapes(history: int, frame_shape: tuple[int, ...]) -> Iterator[tuple]:
    """Histories of any size; of multiples of 8 cells, which UNet halves; of one."""
    *space, channels = frame_shape
    names = ("z", "y", "x")[-len(space) :]
    for factor in (1, 8):
        least = CELLS // factor
        batch, *sizes = jax_export.symbolic_shape(
            ", ".join(["batch", *(f"{factor}*{name}" for name in names)]),
            constraints=[f"{name} >= {least}" for name in names],
        )
        yield (batch, history, *sizes, channels)
    (batch,) = jax_export.symbolic_shape("batch")
    yield (batch, history, *space, channels)


def _words(shape: tuple) -> str:
    return f"({', '.join(map(str, shape))})"
