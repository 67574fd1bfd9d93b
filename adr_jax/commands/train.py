"""Train and evaluate what a configuration describes; train.py is the same.

python -m adr_jax train --config NAME [--workdir W]
    [--config.section.field=value ...]
    [--distributed=auto|on|off
     --coordinator=HOST:PORT --num_processes=N --process_id=I]

NAME is a file, or the name of a configuration that comes with the project, some with an
argument: synthetic:vortex. The same command again resumes a run that stopped.
"""

import argparse
import ast
import sys
from collections.abc import Sequence

from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from adr_jax import shipped
from adr_jax.errors import INTERRUPTED, InputError
from adr_jax.operators import cuda
from adr_jax.training import command_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """List the configurations; absl parses the flags, which depend on them."""
    parser.epilog = f"configurations: {', '.join(shipped.config_names())}"
    parser.set_defaults(overrides=[])


def run(arguments: argparse.Namespace) -> None:
    """Train."""
    main(["adr_jax train", *arguments.overrides])


def main(argv: Sequence[str]) -> None:
    """Train by the flags of `argv`, whose first is the program's name, and exit."""
    cuda.set_flag()
    define_flags(argv)
    try:
        app.run(_train, argv=list(argv), flags_parser=command_line.parse)
    except InputError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        again = "the same command resumes from the last checkpoint"
        print(f"interrupted: {again}", file=sys.stderr)
        sys.exit(INTERRUPTED)


def define_flags(argv: Sequence[str]) -> None:
    """Define the flags of a training."""
    config_flags.DEFINE_config_file(
        "config", None, "A file of configs/, or its name.", sys_argv=list(argv)
    )
    flags.DEFINE_string("workdir", None, "Where to write; default runs/NAME.")
    flags.DEFINE_enum(
        "distributed",
        "auto",
        ["auto", "on", "off"],
        "Whether this is one process of several; auto: where a TPU pod, SLURM, Open "
        "MPI or Kubernetes says so, or a coordinator is given.",
    )
    flags.DEFINE_string("coordinator", None, "HOST:PORT that process 0 listens at.")
    flags.DEFINE_integer(
        "num_processes", None, "How many processes the run has.", lower_bound=1
    )
    flags.DEFINE_integer(
        "process_id", None, "Which of them this is, from 0.", lower_bound=0
    )
    flags.mark_flag_as_required("config")


def _train(argv: Sequence[str]) -> None:
    """Hand the flags over; what a process needs is set before JAX starts."""
    if len(argv) > 1:
        raise InputError(f"unexpected argument {argv[1]!r}; flags start with --")
    # orbax tells every step of every save at level INFO.
    logging.set_verbosity(logging.WARNING)
    from adr_jax.training import loop
    from adr_jax.training.devices import host, processes
    from adr_jax.training.run import stopping

    values = flags.FLAGS
    config = values.config
    processes.start_processes(
        *(values.distributed, values.coordinator),
        *(values.num_processes, values.process_id),
    )
    host.prepare_host(config.train.batch_size)
    workdir = values.workdir or _default()
    processes.say(_announcement(config))
    try:
        loop.train_and_evaluate(config, workdir)
    except stopping.Stopped as stop:
        print(stop, file=sys.stderr)
        sys.exit(stop.exit_code)


def _announcement(config: ConfigDict) -> str:
    """Return the first words of a run: what is trained, and for how long."""
    path, _ = command_line.config_file()
    about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    subject = about.splitlines()[0] if about else path.stem
    train = config.train
    long = f"{train.minutes:g} minutes" if train.minutes else f"{train.steps:,} steps"
    after = "; then come scores and a report" if config.eval.protocols else ""
    return f"{subject}\n{long} of training{after}"


def _default() -> str:
    """Return runs/NAME for configs/NAME.py, runs/NAME_ARGUMENT with an argument."""
    path, argument = command_line.config_file()
    return f"runs/{path.stem}_{argument}" if argument else f"runs/{path.stem}"
