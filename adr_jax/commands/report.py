"""Write report.html anew from what a run left in its workdir.

python -m adr_jax report --workdir W [W2 ...]
"""

import argparse

from etils import epath

from adr_jax.evaluation.report import write_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Workdirs."""
    parser.add_argument(
        "--workdir", nargs="+", required=True, metavar="W", help="of a trained model"
    )


def run(arguments: argparse.Namespace) -> None:
    """Writes a report into each workdir."""
    for workdir in arguments.workdir:
        print(write_report(epath.Path(workdir)))
