"""Score trained models on their test split, or on every trajectory of a file.

python -m adr_jax evaluate --workdir W [W2 ...] [--data FILE] [--protocols NAME ...]
    [--output FILE.json] [--robustness] [--time_step] [--resolution] [--growth]

Scores of the test split by the configuration's own protocols also go into each
workdir's model_card.md.
"""

import argparse
import pathlib
from collections.abc import Sequence

from etils import epath

from adr_jax import data
from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.evaluation.protocols import PROTOCOLS
from adr_jax.evaluation.report.model_card import write_model_card
from adr_jax.evaluation.workdir import read_config
from adr_jax.training import configuration, results
from adr_jax.training import model as trained
from adr_jax.training.devices import parallel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Workdirs, data, output, studies."""
    parser.add_argument(
        "--workdir", nargs="+", required=True, metavar="W", help="of a trained model"
    )
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        metavar="FILE",
        help="score all its trajectories instead of the test split",
    )
    parser.add_argument(
        "--protocols",
        nargs="+",
        choices=tuple(PROTOCOLS),
        metavar="NAME",
        help="instead of those of the configuration",
    )
    for study, (score, _) in results.STUDIES.items():
        task = str(score.__doc__).rstrip(".")
        parser.add_argument(
            f"--{study}", action="store_true", help=f"also {task[0].lower()}{task[1:]}"
        )
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        metavar="FILE.json",
        help="also write the results, in the form of results.json; for several "
        "workdirs, an object with one such entry each",
    )


def run(arguments: argparse.Namespace) -> None:
    """Prints the tables of each workdir's best model, then all models in one."""
    output = arguments.output
    if output is not None and not output.parent.is_dir():
        raise InputError(f"--output {output}: no folder {output.parent}; make it first")
    if arguments.resolution and arguments.data is not None:
        raise InputError("--resolution makes its own data: leave --data out")
    folders = [epath.Path(workdir) for workdir in arguments.workdir]
    trees = [read_config(folder) for folder in folders]
    for folder, tree in zip(folders, trees, strict=True):
        if not (arguments.protocols or configuration.from_json(tree).eval.protocols):
            raise InputError(
                f"{folder}: its eval.protocols names none; name some of "
                f"{', '.join(PROTOCOLS)} by --protocols"
            )
    parallel.prepare_host(configuration.from_json(trees[0]).eval.batch_size)
    datasets: dict[str, Dataset] = {}
    scores = []
    for workdir in arguments.workdir:
        run = trained.load(workdir)
        if arguments.data is not None:
            run.config.data.path = str(arguments.data.absolute())
            run.config.data.split = "all"
            run.config.data.exclude = []
        if arguments.protocols:
            run.config.eval.protocols = tuple(arguments.protocols)
        which = run.config.data.to_json()
        if which not in datasets:
            if arguments.data is None:
                data.prepare(run.config.data)
            datasets[which] = data.load(run.config.data)
        # Studies first: what a data set cannot be asked is told at once.
        studies = {
            study: of(run, datasets[which])
            for study, (of, _) in results.STUDIES.items()
            if getattr(arguments, study)
        }
        result = results.evaluate(run, datasets[which]) | studies
        scores.append((workdir, result))
    if arguments.data is None and not arguments.protocols:
        _write_cards(scores)
    print(results.summary(scores))
    if output is not None:
        results.write(scores[0][1] if len(scores) == 1 else dict(scores), output)


def _write_cards(scores: Sequence[tuple[str, dict]]) -> None:
    """Into each workdir that may be written to."""
    for workdir, result in scores:
        try:
            print(f"model card: {write_model_card(result, epath.Path(workdir))}")
        except OSError as error:
            print(f"no model card: {error}")
