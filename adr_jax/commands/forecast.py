"""Continue the sequences of a file with a trained model.

python -m adr_jax forecast --workdir W --input FILE --steps K --output FILE

Starts after the last frames of each trajectory in the file and writes K new ones, in
the input's units and layout, under its names: HDF5, or npz (arrays alone) by suffix.
"""

import argparse
import contextlib
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
from etils import epath
from ml_collections import ConfigDict
from tqdm import tqdm

from adr_jax.commands.new_file import check_new, written
from adr_jax.data.own import writer as array_writer
from adr_jax.data.own.sequences import Sequences, channel_names, open_sequences
from adr_jax.errors import InputError
from adr_jax.evaluation.workdir import read_config
from adr_jax.training import configuration
from adr_jax.training import model as trained
from adr_jax.training.devices import parallel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Workdir, what to continue, how far, where to."""
    parser.add_argument("--workdir", required=True, metavar="W", help="a trained model")
    parser.add_argument("--input", type=pathlib.Path, required=True, metavar="FILE")
    parser.add_argument("--steps", type=int, required=True, metavar="K")
    parser.add_argument("--output", type=pathlib.Path, required=True, metavar="FILE")
    parser.add_argument(
        "--variable",
        default="",
        metavar="NAME",
        help="to continue; default as trained",
    )
    parser.add_argument(
        "--axes", default="", help="of the input, as tyx; default as trained"
    )
    parser.add_argument(
        "--gif",
        type=pathlib.Path,
        metavar="FILE.gif",
        help="also animate the first trajectory, its last frames and the forecast",
    )


def run(arguments: argparse.Namespace) -> None:
    """Writes the forecast, whole or not at all."""
    steps, output, gif = arguments.steps, arguments.output, arguments.gif
    if steps < 1:
        raise InputError(f"--steps is {steps}; expected 1 or more")
    check_new(output, "--output", array_writer.SUFFIXES)
    if gif is not None:
        check_new(gif, "--gif", (".gif",))
        write_gif = _gif_writer()
    tree = read_config(epath.Path(arguments.workdir))
    config = configuration.from_json(tree)
    source = _open(arguments, config)
    batch_size = config.eval.batch_size
    parallel.prepare_host(batch_size)
    model = trained.load(arguments.workdir)
    _check_fits(source, model, is_chosen=bool(arguments.variable))
    if gif is not None and len(source.frame_shape) != 3:
        raise InputError("--gif draws fields of rows and columns; leave it out")

    attributes = {
        "forecast": f"{steps} frames after {source.path.name}, by adr_jax, a model of "
        f"{config.data.name} at step {model.record['step']}"
    }
    shape = (steps, *source.frame_shape[:-1], model.channels_out)
    drawn: list[np.ndarray] = []

    def forecasts() -> Iterator[tuple[int, np.ndarray]]:
        for number, history, frames in _forecasts(source, model, steps, batch_size):
            if gif is not None and not drawn:
                drawn.append(np.concatenate([history, frames]))
            yield number, frames

    with contextlib.ExitStack() as stack:
        partial = stack.enter_context(written(output, "--output"))
        drawing = gif and stack.enter_context(written(gif, "--gif"))
        suffix = output.suffix.lower()
        array_writer.write(partial, suffix, source, forecasts(), shape, attributes)
        if drawing:
            write_gif(drawing, drawn[0], history=model.config.data.history)
    print(f"{output}: {len(source.keys)} x {steps} frames")


def _open(arguments: argparse.Namespace, config: ConfigDict) -> Sequences:
    """The input, read as the model's own file was where that was one of arrays."""
    is_own = config.data.name == "arrays"
    return open_sequences(
        arguments.input,
        arguments.variable or (config.data.variable if is_own else ""),
        arguments.axes or (config.data.axes if is_own else ""),
    )


def _check_fits(source: Sequences, model: trained.Run, *, is_chosen: bool) -> None:
    """Refuses frames that are not what the model knows."""
    got, known = source.frame_shape, model.frame_shape
    if len(got) != len(known) or got[-1] != known[-1]:
        raise InputError(
            f"{source.path} has {_words(got)}, the model was trained on "
            f"{_words(known)}: choose another --variable, or say what is what with "
            "--axes"
        )
    names, learned = channel_names(source), tuple(model.record["channels"])
    if model.config.data.name == "arrays" and not is_chosen and names != learned:
        raise InputError(
            f"{source.path} has {', '.join(names)}, the model was trained on "
            f"{', '.join(learned)}: name the --variable if they are the same thing"
        )
    if got != known:
        print(
            f"note: the model was trained on {_words(known)}, these are {_words(got)}; "
            "it forecasts rightly where cells are as large"
        )
    length = model.config.data.history
    if min(source.lengths) < length:
        raise InputError(
            f"{source.path} has {min(source.lengths)} frames; the model starts from "
            f"{length}"
        )


def _words(frame_shape: tuple[int, ...]) -> str:
    *space, channels = frame_shape
    return f"{' x '.join(map(str, space))} cells, {channels} channels"


def _forecasts(
    source: Sequences, model: trained.Run, steps: int, batch_size: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Number, history and forecast of every trajectory, of the channels forecast."""
    with tqdm(total=len(source.keys), unit="trajectory", disable=None) as bar:
        for start in range(0, len(source.keys), batch_size):
            numbers = range(start, min(start + batch_size, len(source.keys)))
            histories = np.stack([_history(source, n, model) for n in numbers])
            frames = model.forecast(histories, steps)
            histories = histories[..., : frames.shape[-1]]
            # A cell of which nothing was seen stays unknown.
            unseen = np.isnan(histories).all(axis=1, keepdims=True)
            frames = np.where(unseen, np.float32(np.nan), frames)
            yield from zip(numbers, histories, frames, strict=True)
            bar.update(len(numbers))


def _history(source: Sequences, number: int, model: trained.Run) -> np.ndarray:
    """The last frames of a trajectory, if anything is known of every channel."""
    stop = source.lengths[number]
    frames = source.read(number, stop - model.config.data.history, stop)
    if np.isnan(frames).all(axis=tuple(range(frames.ndim - 1))).any():
        raise InputError(
            f"{source.path}: all values of the last {len(frames)} frames of trajectory "
            f"{source.keys[number]} are missing (NaN): there is nothing to start from"
        )
    return frames


def _gif_writer() -> Callable:
    """`write_gif`, of the extra that draws."""
    try:
        from adr_jax.evaluation.report.animation import write_gif
    except ImportError as error:
        raise InputError(
            f"--gif needs {error.name}: pip install 'adr_jax[report]'"
        ) from error
    return write_gif
