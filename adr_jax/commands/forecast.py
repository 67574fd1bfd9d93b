"""Continue the sequences of a file with a trained model.

python -m adr_jax forecast --workdir W --input FILE --steps K --output FILE

The forecast starts after the last frames of each trajectory in the file. K new frames
are written in the units, layout and names of the input, as HDF5 or npz by suffix; npz
has the arrays only. For rain radar FILE may be a folder or pattern, and a netCDF file
of rain rates and probabilities is written.
"""

import argparse
import contextlib
import pathlib
from collections.abc import Iterator

import numpy as np
from etils import epath
from tqdm import tqdm

from adr_jax import data
from adr_jax.commands import flags, forecast_rain
from adr_jax.commands.new_file import check_new, drawn_by, written
from adr_jax.data.contract import clip_spans
from adr_jax.data.own import writer
from adr_jax.data.own.sequences import (
    PDEBenchSequences,
    Sequences,
    channel_names,
    open_sequences,
)
from adr_jax.errors import Diverged, InputError, counted
from adr_jax.evaluation import divergence
from adr_jax.evaluation.workdir import read_config
from adr_jax.options import Configuration
from adr_jax.training import configuration
from adr_jax.training.devices import host
from adr_jax.training.model import TrainedModel, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags: workdir, input, steps, output."""
    flags.add_workdir(parser)
    parser.add_argument(
        "--input",
        type=pathlib.Path,
        required=True,
        metavar="FILE",
        help="file with the sequences to continue",
    )
    parser.add_argument(
        "--steps", type=int, required=True, metavar="K", help="frames to forecast"
    )
    flags.add_new_file(parser)
    parser.add_argument(
        "--variable",
        default="",
        metavar="NAME",
        help="array to continue, or several with commas; default: that of training",
    )
    parser.add_argument(
        "--axes", default="", help="axes of the array, as tyx; default: as in training"
    )
    parser.add_argument(
        "--gif",
        type=pathlib.Path,
        metavar="FILE.gif",
        help="also animate the last frames of the first trajectory and its forecast",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the forecast, complete or not at all."""
    steps, output, gif = arguments.steps, arguments.output, arguments.gif
    if steps < 1:
        raise InputError(f"--steps is {steps}; expected 1 or more")
    config = configuration.from_json(read_config(epath.Path(arguments.workdir)))
    if data.source(config.data.name).is_rain:
        forecast_rain.run(arguments, config)
        return
    check_new(output, "--output", writer.SUFFIXES)
    if gif is not None:
        check_new(gif, "--gif", (".gif",))
        write_gif = drawn_by("animation", "write_gif")
    source = _open(arguments, config)
    batch_size = config.eval.batch_size
    host.prepare_host(batch_size)
    model = load(arguments.workdir)
    _check_fits(source, model, is_chosen=bool(arguments.variable))
    if gif is not None and len(source.frame_shape) != 3:
        raise InputError("--gif draws fields of rows and columns; leave it out")

    attributes = {
        "forecast": f"{steps} frames after {source.path.name}, by adr_jax with a model "
        f"of {config.data.name} at step {model.record['step']}"
    }
    shape = (steps, *source.frame_shape)
    drawn: list[np.ndarray] = []

    def forecasts() -> Iterator[tuple[int, np.ndarray]]:
        for index, history, frames in _forecasts(source, model, steps, batch_size):
            if gif is not None and not drawn:
                drawn.append(np.concatenate([history, frames]))
            yield index, frames

    with contextlib.ExitStack() as stack:
        partial = stack.enter_context(written(output, "--output"))
        drawing = gif and stack.enter_context(written(gif, "--gif"))
        suffix = output.suffix.lower()
        dtype = np.float64 if model.record.get("offset") else np.float32
        writer.write(partial, suffix, source, forecasts(), shape, attributes, dtype)
        if drawing:
            write_gif(drawing, drawn[0], history=model.config.data.history)
    print(f"{output}: {len(source.keys)} x {steps} frames")


def _open(arguments: argparse.Namespace, config: Configuration) -> Sequences:
    """Open the input, by default with the variable and axes of the training file."""
    is_own = data.source(config.data.name).is_own
    return open_sequences(
        arguments.input,
        arguments.variable or (config.data.variable if is_own else ""),
        arguments.axes or (config.data.axes if is_own else ""),
        config.data.fill if is_own else "",
    )


def _check_fits(source: Sequences, model: TrainedModel, *, is_chosen: bool) -> None:
    """Raise InputError if the frames are not like those of training."""
    got, expected = source.frame_shape, model.frame_shape
    if len(got) != len(expected) or got[-1] != expected[-1]:
        raise InputError(
            f"{source.path} has {_text(got)}, the model was trained on "
            f"{_text(expected)}: choose another --variable, or name the axes with "
            "--axes"
        )
    names, learned = channel_names(source), tuple(model.record["channels"])
    is_own = data.source(model.config.data.name).is_own
    if is_own and not is_chosen and names != learned:
        raise InputError(
            f"{source.path} has {', '.join(names)}, the model was trained on "
            f"{', '.join(learned)}: name the --variable if they are the same quantity"
        )
    if got != expected:
        print(
            f"note: the model was trained on {_text(expected)}, these are "
            f"{_text(got)}; its forecast is valid only for cells of the same size"
        )
    length = model.config.data.history
    if min(source.lengths) < length:
        raise InputError(
            f"{source.path} has {min(source.lengths)} frames; the model starts from "
            f"{length}"
        )
    ends = [clip_spans(source.spans, 0, frames)[-1] for frames in source.lengths]
    start, stop = min(ends, key=lambda span: span[1] - span[0])
    if stop - start < length:
        raise InputError(
            f"{source.path}: there is a gap in time {stop - start} frames before the "
            f"end; the model starts from {length} without one: fill the gap, or leave "
            "out what follows it"
        )


def _text(frame_shape: tuple[int, ...]) -> str:
    *space, channels = frame_shape
    return f"{' x '.join(map(str, space))} cells, {counted(channels, 'channel')}"


def _forecasts(
    source: Sequences, model: TrainedModel, steps: int, batch_size: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield the index, history and forecast of each trajectory, in equal channels."""
    with tqdm(total=len(source.keys), unit="trajectory", disable=None) as bar:
        for start in range(0, len(source.keys), batch_size):
            indices = range(start, min(start + batch_size, len(source.keys)))
            histories = np.stack([_history(source, n, model) for n in indices])
            frames = model.forecast(histories, steps)
            _check_stays(source, indices, histories, frames, model)
            # A cell that is never observed stays missing.
            unobserved = np.isnan(histories).all(axis=1, keepdims=True)
            frames = np.where(unobserved, frames.dtype.type(np.nan), frames)
            yield from zip(indices, histories, frames, strict=True)
            bar.update(len(indices))


def _check_stays(
    source: Sequences,
    indices: range,
    histories: np.ndarray,
    frames: np.ndarray,
    model: TrainedModel,
) -> None:
    """Raise Diverged where a forecast blows up: NaN in a file would mean missing."""
    found = divergence.find(histories, frames, np.asarray(model.statistics.std))
    if found:
        raise Diverged(
            f"{source.path}, trajectory {source.keys[indices[found.sample]]}: {found}. "
            "Nothing is written: forecast fewer --steps than that, or train longer, or "
            "with train.noise"
        )


def _history(source: Sequences, index: int, model: TrainedModel) -> np.ndarray:
    """Read the last frames of a trajectory; every channel must have a value."""
    stop = source.lengths[index]
    read = source.read
    if model.record.get("offset") and not isinstance(source, PDEBenchSequences):
        read = source.values  # float32 would round away what varies
    frames = read(index, stop - model.config.data.history, stop)
    if np.isnan(frames).all(axis=tuple(range(frames.ndim - 1))).any():
        raise InputError(
            f"{source.path}: all values of the last {len(frames)} frames of trajectory "
            f"{source.keys[index]} are missing (NaN): there is nothing to start from"
        )
    return frames
