"""The files a run leaves in its workdir: written whole, read back and checked.

A file that is missing or damaged is an InputError which says what writes it.
"""

import json

from etils import epath

from adr_jax.data.files.atomic import written_whole
from adr_jax.errors import InputError

# What makes the files of a run that has been scored.
SCORER = (
    "train.py writes it when a run ends that has eval.protocols; the same command "
    "again finishes a run"
)


def write_whole(path: epath.Path, content: str | bytes) -> None:
    """Writes a file whole or not at all; the folder may be in a bucket."""
    with written_whole(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: epath.Path, tree: object) -> None:
    """Write JSON whole or not at all."""
    write_whole(path, json.dumps(tree, indent=1) + "\n")


def is_number(value: object) -> bool:
    """Whether a JSON value is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_config(path: epath.Path) -> dict:
    """Reads the tree of settings of a run."""
    config = _json(path, "train.py writes it when a run starts")
    if not isinstance(config, dict):
        raise damaged(path, "expected a JSON object", "train.py writes it")
    return config


def read_results(path: epath.Path) -> dict:
    """Reads the scores of a run: at least `protocols`, name -> row -> metric."""
    results = _json(path, SCORER)
    protocols = results.get("protocols") if isinstance(results, dict) else None
    if not isinstance(protocols, dict) or not all(
        isinstance(protocol, dict) for protocol in protocols.values()
    ):
        raise damaged(path, "expected an object of objects as 'protocols'", SCORER)
    return results


def read_metrics(path: epath.Path) -> tuple[dict[str, dict[int, float]], int]:
    """Reads the log of training as metric -> step -> value, and counts bad lines.

    A kill in mid-write leaves a broken line, which is skipped; the run it interrupted
    then repeats steps, of which the later line counts.
    """
    maker = "train.py writes it while it trains"
    _must_exist(path, maker)
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
        raise damaged(path, "expected lines such as {'step': 1, 'loss': 0.1}", maker)
    ordered = {name: dict(sorted(values.items())) for name, values in series.items()}
    return ordered, skipped


def _json(path: epath.Path, maker: str):
    _must_exist(path, maker)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise damaged(path, str(error), maker) from error


def _must_exist(path: epath.Path, maker: str) -> None:
    if not path.exists():
        raise InputError(f"{path} is missing: {maker}")


def damaged(path: epath.Path, what: str, maker: str) -> InputError:
    """The error about a file that is not what `maker` says it is made by."""
    return InputError(f"{path} is damaged ({what}): {maker}")
