"""python -m adr_jax COMMAND: train, and what there is to do besides."""

import argparse
import importlib
import importlib.metadata
import sys
from collections.abc import Sequence
from typing import NoReturn

from adr_jax import commands
from adr_jax.errors import INTERRUPTED, Diverged, InputError
from adr_jax.operators import cuda


class _Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; bad input ends in one line on standard error."""
    cuda.set_flag()
    parser = _Parser(prog="python -m adr_jax", description=__doc__)
    version = f"adr_jax {importlib.metadata.version('adr_jax')}"
    parser.add_argument("--version", action="version", version=version)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in commands.NAMES:
        command = importlib.import_module(f"adr_jax.commands.{name}")
        summary = (command.__doc__ or name).splitlines()[0]
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    arguments, overrides = parser.parse_known_args(argv)
    if overrides and "overrides" not in arguments:
        parser.error(f"unrecognized arguments: {' '.join(overrides)}")
    arguments.overrides = overrides
    try:
        arguments.run(arguments)
    except Diverged as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except InputError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
