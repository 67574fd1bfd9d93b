"""Trains and evaluates what a configuration describes.

    python train.py --config configs/shallow_water.py [--workdir W]
        [--config.section.field=value ...]

The same command again goes on where the run stopped.
"""

import pathlib
import sys
from collections.abc import Sequence

from absl import app, flags, logging
from ml_collections import config_flags

from adr_jax.errors import InputError

CONFIG = config_flags.DEFINE_config_file("config", None, "A file of configs/.")
WORKDIR = flags.DEFINE_string("workdir", None, "Where to write; default runs/NAME.")
flags.mark_flag_as_required("config")


def main(argv: Sequence[str]) -> None:
    """Hands the flags over; what a CPU needs is set before JAX starts."""
    if len(argv) > 1:
        raise InputError(f"unexpected argument {argv[1]!r}; flags start with --")
    # orbax tells every step of every save at level INFO.
    logging.set_verbosity(logging.WARNING)
    from adr_jax.training import loop, parallel

    config = CONFIG.value
    parallel.prepare_host(config.train.batch_size)
    loop.train_and_evaluate(config, WORKDIR.value or config.workdir or _default())


def _config_file() -> tuple[pathlib.Path, str]:
    """The file named by --config, and the argument after its colon."""
    filename = config_flags.get_config_filename(flags.FLAGS["config"])
    path, _, argument = filename.partition(":")
    return pathlib.Path(path), argument


def _default() -> str:
    """runs/NAME for configs/NAME.py, runs/NAME_ARGUMENT with an argument."""
    path, argument = _config_file()
    return f"runs/{path.stem}_{argument}" if argument else f"runs/{path.stem}"


def _parse(argv: Sequence[str]) -> list[str]:
    """absl's parser, with one line where the configuration's errors give tracebacks."""
    try:
        rest = flags.FLAGS(argv)
    except (flags.Error, AttributeError, KeyError, OSError, ValueError) as error:
        # A KeyError prints its message in quotes.
        message = error.args[0] if isinstance(error, KeyError) else error
        sys.exit(f"error: {' '.join(str(message).split())}")
    if not _config_file()[0].is_file():
        sys.exit(f"error: --config {_config_file()[0]}: no such file; see configs/")
    return rest


if __name__ == "__main__":
    try:
        app.run(main, flags_parser=_parse)
    except InputError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted: the same command resumes from the last checkpoint")
