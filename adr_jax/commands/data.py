"""Generate or download a data set, or inspect a file of your own.

python -m adr_jax data shallow_water --trajectories 100 --output FILE
python -m adr_jax data cloudcast_sample --output FOLDER
python -m adr_jax data download NAME [--root FOLDER]
python -m adr_jax data inspect FILE [--variable NAME] [--axes tyx]
"""

import argparse
import pathlib

from adr_jax.commands import flags
from adr_jax.data.cloudcast import generated
from adr_jax.data.contract import data_file
from adr_jax.data.files import download
from adr_jax.data.own import inspection
from adr_jax.data.shallow_water import dam_break, source
from adr_jax.data.weather import inspection as weather_inspection
from adr_jax.training.run import locks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands: generators of data sets, download, inspect."""
    sets = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    _add_shallow_water(sets)
    _add_cloudcast_sample(sets)
    _add_download(sets)
    _add_inspect(sets)


def run(arguments: argparse.Namespace) -> None:
    """Run the subcommand."""
    arguments.task(arguments)


def _add_shallow_water(sets) -> None:
    water = sets.add_parser(
        "shallow_water",
        help="generate dam breaks in PDEBench's layout; trajectory s has seed s",
    )
    public = dam_break.Dam()
    flags.add_new_file(water)
    water.add_argument("--trajectories", type=int, default=100)
    water.add_argument("--first_seed", type=int, default=0)
    water.add_argument(
        "--shape",
        choices=dam_break.SHAPES,
        default=public.shape,
        help="shape of the dam",
    )
    water.add_argument(
        "--height",
        type=float,
        default=public.height,
        help="height of the water inside the dam; it is 1 outside",
    )
    water.add_argument(
        "--cells", type=int, default=public.cells, help="cells along each axis"
    )
    water.add_argument(
        "--frames",
        type=int,
        default=public.frames,
        help="frames, spread over t in [0, 1]",
    )
    water.set_defaults(task=_generate_shallow_water)


def _generate_shallow_water(arguments: argparse.Namespace) -> None:
    dam = dam_break.Dam(
        cells=arguments.cells,
        height=arguments.height,
        shape=arguments.shape,
        frames=arguments.frames,
    )
    source.generate(arguments.output, dam, arguments.trajectories, arguments.first_seed)
    print(arguments.output)


def _add_cloudcast_sample(sets) -> None:
    clouds = sets.add_parser(
        "cloudcast_sample",
        help="generate clouds in the layout of CloudCast's small set",
    )
    flags.add_new_file(clouds, metavar="FOLDER")
    clouds.add_argument("--cells", type=int, default=64, help="cells along each axis")
    clouds.add_argument("--seed", type=int, default=0)
    clouds.set_defaults(task=_generate_cloudcast_sample)


def _generate_cloudcast_sample(arguments: argparse.Namespace) -> None:
    generated.generate(arguments.output, arguments.cells, arguments.seed)
    print(arguments.output)


def _add_download(sets) -> None:
    public = sets.add_parser(
        "download", help="download a public data set; the same command resumes"
    )
    public.add_argument("set", choices=tuple(download.FILES), metavar="NAME")
    public.add_argument(
        "--root",
        default="",
        metavar="FOLDER",
        help="the folder of data sets, as config.data.root",
    )
    public.set_defaults(task=_download)


def _download(arguments: argparse.Namespace) -> None:
    root = data_file(arguments.root, "")
    with locks.one_at_a_time("download"):
        for file in download.FILES[arguments.set]:
            print(f"{file.address}, {file.size}", flush=True)
            print(download.fetch(file, root))


def _add_inspect(sets) -> None:
    own = sets.add_parser(
        "inspect",
        help="show the content of a file, or of radar files, and how to train on it",
    )
    own.add_argument("file", type=pathlib.Path, metavar="FILE")
    own.add_argument(
        "--variable",
        default="",
        metavar="NAME",
        help="the array to read, or several with commas, which are then channels",
    )
    own.add_argument("--axes", default="", help="the axes of the array, as tyx")
    own.add_argument(
        "--fill",
        default="",
        metavar="NUMBER",
        help="what stands for a missing value, where the file does not say",
    )
    own.set_defaults(task=_inspect)


def _inspect(arguments: argparse.Namespace) -> None:
    file, variable, axes = arguments.file, arguments.variable, arguments.axes
    if not axes and weather_inspection.is_radar(str(file)):
        lines = weather_inspection.describe(str(file), variable)
    else:
        lines = inspection.describe(file, variable, axes, arguments.fill)
    for line in lines:
        print(line, flush=True)
