"""The files of a run: their names, and readers that check what they read.

A file that is missing or damaged is an InputError which says what writes it.
"""

import json

from etils import epath

from adr_jax.data.files.atomic import written_whole
from adr_jax.errors import InputError

# Files and folders of a workdir. Older runs have the same names.
CONFIG_FILE = "config.json"
RESULTS_FILE = "results.json"
METRICS_FILE = "metrics.jsonl"
REPORT_FILE = "report.html"
COMPARISON_FILE = "comparison.html"
MODEL_CARD_FILE = "model_card.md"
LOCK_FILE = ".lock"
FIGURES = "figures"
SAMPLES_FILE = "figures/samples.npz"
CHECKPOINTS = "checkpoints"
BEST = "best"
TENSORBOARD = "tensorboard"

# What writes the files of a scored run, for error messages.
SCORER = (
    "train.py writes it when a run ends that has eval.protocols; the same command "
    "again finishes a run"
)


def write_whole(path: epath.Path, content: str | bytes) -> None:
    """Write a file whole or not at all; the folder may be in a bucket."""
    with written_whole(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: epath.Path, tree: object) -> None:
    """Write JSON whole or not at all."""
    write_whole(path, json.dumps(tree, indent=1) + "\n")


def copy_run(source: epath.Path, target: epath.Path) -> None:
    """Copy all files of a run but its lock; either folder may be in a bucket."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_dir():
            copy_run(path, target / path.name)
        elif path.name != LOCK_FILE:
            path.copy(target / path.name)


def is_number(value: object) -> bool:
    """Return whether a JSON value is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_config(workdir: epath.Path) -> dict:
    """Read the configuration of a run as a tree of JSON values."""
    path = workdir / CONFIG_FILE
    config = _read_json(path, "train.py writes it when a run starts")
    if not isinstance(config, dict):
        raise damaged(path, "expected a JSON object", "train.py writes it")
    return config


def read_results(workdir: epath.Path) -> dict:
    """Read the results of a run: at least `protocols`, protocol -> row -> metric."""
    path = workdir / RESULTS_FILE
    results = _read_json(path, SCORER)
    protocols = results.get("protocols") if isinstance(results, dict) else None
    if not isinstance(protocols, dict) or not all(
        isinstance(protocol, dict) for protocol in protocols.values()
    ):
        raise damaged(path, "expected an object of objects as 'protocols'", SCORER)
    return results


def read_metrics(workdir: epath.Path) -> tuple[dict[str, dict[int, float]], int]:
    """Read the training log as metric -> step -> value, and count unreadable lines.

    A killed run leaves an incomplete last line, which is skipped. The resumed run
    repeats some steps; their later lines count.
    """
    path = workdir / METRICS_FILE
    writer = "train.py writes it while it trains"
    _check_exists(path, writer)
    series, skipped = {}, 0
    for line in path.read_bytes().decode("utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
            step = int(record.pop("step"))
        except (ValueError, TypeError, KeyError, AttributeError):
            skipped += 1
            continue
        for name, value in record.items():
            if is_number(value):
                series.setdefault(name, {})[step] = value
    if not series:
        raise damaged(path, "expected lines such as {'step': 1, 'loss': 0.1}", writer)
    ordered = {name: dict(sorted(values.items())) for name, values in series.items()}
    return ordered, skipped


def _read_json(path: epath.Path, writer: str):
    _check_exists(path, writer)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise damaged(path, str(error), writer) from error


def _check_exists(path: epath.Path, writer: str) -> None:
    if not path.exists():
        raise InputError(f"{path} is missing: {writer}")


def damaged(path: epath.Path, reason: str, writer: str) -> InputError:
    """Return the error for a file with the wrong content; `writer` says what wrote it.

    Its message names the file, the reason and the writer.
    """
    return InputError(f"{path} is damaged ({reason}): {writer}")
