"""Train and evaluate what a configuration describes.

    python train.py --config configs/shallow_water.py [--workdir W]
        [--config.section.field=value ...]
        [--distributed=auto|on|off
         --coordinator=HOST:PORT --num_processes=N --process_id=I]

The same command again resumes a run that stopped.
"""

import sys
from collections.abc import Sequence

from absl import app, flags, logging
from ml_collections import config_flags

from adr_jax.errors import InputError
from adr_jax.training import command_line

CONFIG = config_flags.DEFINE_config_file("config", None, "A file of configs/.")
WORKDIR = flags.DEFINE_string("workdir", None, "Where to write; default runs/NAME.")
DISTRIBUTED = flags.DEFINE_enum(
    "distributed",
    "auto",
    ["auto", "on", "off"],
    "Whether this is one process of several; auto: where a TPU pod, SLURM, Open MPI "
    "or Kubernetes says so, or a coordinator is given.",
)
COORDINATOR = flags.DEFINE_string(
    "coordinator", None, "HOST:PORT that process 0 listens at."
)
NUM_PROCESSES = flags.DEFINE_integer(
    "num_processes", None, "How many processes the run has.", lower_bound=1
)
PROCESS_ID = flags.DEFINE_integer(
    "process_id", None, "Which of them this is, from 0.", lower_bound=0
)
flags.mark_flag_as_required("config")


def main(argv: Sequence[str]) -> None:
    """Hand the flags over; what a process needs is set before JAX starts."""
    if len(argv) > 1:
        raise InputError(f"unexpected argument {argv[1]!r}; flags start with --")
    # orbax tells every step of every save at level INFO.
    logging.set_verbosity(logging.WARNING)
    from adr_jax.training import loop
    from adr_jax.training.devices import host, processes
    from adr_jax.training.run import stopping

    config = CONFIG.value
    processes.start_processes(
        DISTRIBUTED.value, COORDINATOR.value, NUM_PROCESSES.value, PROCESS_ID.value
    )
    host.prepare_host(config.train.batch_size)
    workdir = WORKDIR.value or _default()
    try:
        loop.train_and_evaluate(config, workdir)
    except stopping.Stopped as stop:
        print(stop, file=sys.stderr)
        sys.exit(stop.exit_code)


def _default() -> str:
    """Return runs/NAME for configs/NAME.py, runs/NAME_ARGUMENT with an argument."""
    path, argument = command_line.config_file()
    return f"runs/{path.stem}_{argument}" if argument else f"runs/{path.stem}"


if __name__ == "__main__":
    try:
        app.run(main, flags_parser=command_line.parse)
    except InputError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted: the same command resumes from the last checkpoint")
