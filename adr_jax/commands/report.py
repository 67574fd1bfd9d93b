"""Write report.html again from the files of a run, or compare runs.

python -m adr_jax report --workdir W [--output FILE.html]
python -m adr_jax report --workdir W1 W2 [--output FILE.html]

Neither data nor checkpoints are read. Two or three workdirs give one page with the runs
side by side: comparison.html in the first workdir, or FILE.html.
"""

import argparse
import pathlib

from adr_jax.commands import flags
from adr_jax.evaluation.report import write_comparison, write_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags: workdirs, output."""
    flags.add_workdirs(parser)
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        metavar="FILE.html",
        help="write the page to this file instead of into the (first) workdir",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the page and print its path."""
    workdirs, output = arguments.workdir, arguments.output
    flags.check_folder(output)
    if len(workdirs) == 1:
        print(write_report(workdirs[0], output))
    else:
        print(write_comparison(workdirs, output))
