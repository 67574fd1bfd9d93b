"""Score trained models on their test split, or on every trajectory of a file.

python -m adr_jax evaluate --workdir W [W2 ...] [--data FILE] [--protocols NAME ...]
    [--output FILE.json] [--robustness] [--time_step] [--resolution] [--growth]

Scores of the test split by the configuration's own protocols are also written to
model_card.md of each workdir, but not of the weights that come with adr_jax.
"""

import argparse
import dataclasses
import pathlib
from collections.abc import Sequence

from etils import epath

from adr_jax import data, shipped
from adr_jax.commands import flags, seen_in_training
from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.evaluation import protocols
from adr_jax.evaluation.protocols import PROTOCOLS
from adr_jax.evaluation.report.model_card import write_model_card
from adr_jax.evaluation.workdir import read_config, write_json
from adr_jax.options import DataOptions
from adr_jax.training import configuration, results
from adr_jax.training.devices import host
from adr_jax.training.model import TrainedModel, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags: workdirs, data, protocols, studies, output."""
    flags.add_workdirs(parser)
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        metavar="FILE",
        help="score all trajectories of this file instead of the test split",
    )
    parser.add_argument(
        "--protocols",
        nargs="+",
        choices=tuple(PROTOCOLS),
        metavar="NAME",
        help="score by these instead of the configuration's eval.protocols",
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
        help="also write the results, in the form of results.json; with several "
        "workdirs, one entry for each",
    )


def run(arguments: argparse.Namespace) -> None:
    """Print the tables of each workdir's best model, then those with all models."""
    output = arguments.output
    flags.check_folder(output)
    if arguments.resolution and arguments.data is not None:
        raise InputError("--resolution generates its own data: leave --data out")
    folders = [epath.Path(workdir) for workdir in arguments.workdir]
    trees = [read_config(folder) for folder in folders]
    for folder, tree in zip(folders, trees, strict=True):
        if not (arguments.protocols or configuration.from_json(tree).eval.protocols):
            raise InputError(
                f"{folder}: its eval.protocols names none; name some of "
                f"{', '.join(PROTOCOLS)} with --protocols"
            )
    host.prepare_host(configuration.from_json(trees[0]).eval.batch_size)
    datasets: dict[DataOptions, Dataset] = {}
    scores = []
    for workdir, tree in zip(arguments.workdir, trees, strict=True):
        model = _load(workdir, arguments)
        key = model.config.data
        if key not in datasets:
            if arguments.data is None:
                data.prepare(model.config.data)
            datasets[key] = data.load(model.config.data)
        model = model.relative_to(datasets[key].offset)
        _check_interval(model, datasets[key])
        if arguments.data is not None:
            trained_on = configuration.from_json(tree).data
            sentence = seen_in_training.describe(
                model, trained_on, datasets[key], arguments.data
            )
            print(f"note: {sentence}")
        if arguments.data is not None and not arguments.protocols:
            model = _with_protocols_that_fit(model, datasets[key])
        # Studies first: they refuse data sets that they cannot use at once.
        studies = {
            study: score(model, datasets[key])
            for study, (score, _) in results.STUDIES.items()
            if getattr(arguments, study)
        }
        result = results.evaluate(model, datasets[key]) | studies
        scores.append((workdir, result))
    if arguments.data is None and not arguments.protocols:
        _write_cards(scores)
    print(results.summary(scores))
    if output is not None:
        write_json(output, scores[0][1] if len(scores) == 1 else dict(scores))


def _with_protocols_that_fit(model: TrainedModel, dataset: Dataset) -> TrainedModel:
    """Return the model without the protocols that a short file cannot serve, named."""
    names = model.config.eval.protocols
    history = model.config.data.history
    out = protocols.misfits(dataset, names, model_history=history)
    if len(out) == len(names):
        raise next(iter(out.values()))
    for name, error in out.items():
        print(f"note: not scored by {name}: {error}")
    fit = tuple(name for name in names if name not in out)
    config = model.config.override(eval={"protocols": fit})
    return dataclasses.replace(model, config=config)


def _check_interval(model: TrainedModel, dataset: Dataset) -> None:
    """Raise InputError for frames at another interval than the model's.

    What it has learned of motion and change is that of one of its own intervals. Where
    the motion is measured a line says so instead: it is measured in these frames.
    """
    own, other = model.record.get("frame_interval"), dataset.frame_interval
    if None in (own, other) or own == other:
        return
    if model.config.model.head == "advection":
        print(
            f"note: {model.workdir} was trained on frames {own} apart, those of "
            f"{dataset.name} are {other} apart: motion is measured in them, but what "
            "changes was learned at the other interval"
        )
    else:
        raise InputError(
            f"{model.workdir} forecasts frames {own} apart, those of {dataset.name} "
            f"are {other} apart: train on such frames, or take every so many of them"
        )


def _load(workdir: str, arguments: argparse.Namespace) -> TrainedModel:
    """Load a model, its configuration changed by --data and --protocols."""
    model = load(workdir)
    config = model.config
    if arguments.data is not None:
        path = str(arguments.data.absolute())
        # Whole frames, not squares of them.
        changes = {"path": path, "split": "all", "crop": 0}
        config = config.override(data=changes)
    if arguments.protocols:
        config = config.override(eval={"protocols": tuple(arguments.protocols)})
    return dataclasses.replace(model, config=config)


def _write_cards(scores: Sequence[tuple[str, dict]]) -> None:
    """Write a card into each workdir that is writable, and not the project's own."""
    for workdir, result in scores:
        if shipped.is_shipped(workdir):
            continue
        try:
            print(f"model card: {write_model_card(result, epath.Path(workdir))}")
        except OSError as error:
            print(f"no model card: {error}")
