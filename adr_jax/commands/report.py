"""Write report.html anew from what a run left in its workdir, or compare two runs.

python -m adr_jax report --workdir W [--output FILE.html]
python -m adr_jax report --workdir W1 W2 [--output FILE.html]

Neither data nor checkpoints are read. Two or three workdirs give one page with all of
them side by side: comparison.html in the first, or FILE.html.
"""

import argparse
import pathlib

from adr_jax.errors import InputError
from adr_jax.evaluation.report import write_comparison, write_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Workdirs, where to write."""
    parser.add_argument(
        "--workdir", nargs="+", required=True, metavar="W", help="of a trained model"
    )
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        metavar="FILE.html",
        help="write the page there instead of into the (first) workdir",
    )


def run(arguments: argparse.Namespace) -> None:
    """Writes the page, and prints where it is."""
    workdirs, output = arguments.workdir, arguments.output
    if output is not None and not output.parent.is_dir():
        raise InputError(f"--output {output}: no folder {output.parent}; make it first")
    if len(workdirs) == 1:
        print(write_report(workdirs[0], output))
    else:
        print(write_comparison(workdirs, output))
