"""Flags that several commands have."""

import argparse
import pathlib

from adr_jax import shipped
from adr_jax.errors import InputError


def add_workdir(parser: argparse.ArgumentParser) -> None:
    """Add --workdir, the folder of one trained model."""
    parser.add_argument(
        "--workdir",
        type=shipped.find_workdir,
        required=True,
        metavar="W",
        help="folder of a trained model, or the name of shipped weights",
    )


def add_workdirs(parser: argparse.ArgumentParser) -> None:
    """Add --workdir, the folders of one or more trained models."""
    parser.add_argument(
        "--workdir",
        type=shipped.find_workdir,
        nargs="+",
        required=True,
        metavar="W",
        help="folders of trained models",
    )


def add_new_file(parser: argparse.ArgumentParser, *, metavar: str = "FILE") -> None:
    """Add --output, a file or folder that the command makes."""
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        required=True,
        metavar=metavar,
        help=f"{metavar.lower()} to write; it must not exist",
    )


def check_folder(output: pathlib.Path | None) -> None:
    """Raise InputError if --output is in a folder that does not exist."""
    if output is not None and not output.parent.is_dir():
        raise InputError(f"--output {output}: no folder {output.parent}; make it first")
