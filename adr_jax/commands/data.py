"""Make a data set.

python -m adr_jax data shallow_water --trajectories 100 --output FILE
"""

import argparse
import pathlib

from adr_jax.data import dam_break, shallow_water


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand for each data set that can be made."""
    sets = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    water = sets.add_parser(
        "shallow_water",
        help="dam breaks in PDEBench's layout; trajectory s is seed s",
    )
    public = dam_break.Dam()
    water.add_argument("--output", type=pathlib.Path, required=True, metavar="FILE")
    water.add_argument("--trajectories", type=int, default=100)
    water.add_argument("--first_seed", type=int, default=0)
    water.add_argument("--shape", choices=dam_break.SHAPES, default=public.shape)
    water.add_argument("--height", type=float, default=public.height)
    water.add_argument(
        "--cells", type=int, default=public.cells, help="along each axis"
    )
    water.add_argument(
        "--frames", type=int, default=public.frames, help="on t in [0, 1]"
    )


def run(arguments: argparse.Namespace) -> None:
    """Makes the file."""
    dam = dam_break.Dam(
        cells=arguments.cells,
        height=arguments.height,
        shape=arguments.shape,
        frames=arguments.frames,
    )
    shallow_water.generate(
        arguments.output, dam, arguments.trajectories, arguments.first_seed
    )
    print(arguments.output)
