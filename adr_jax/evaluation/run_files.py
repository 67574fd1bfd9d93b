"""The files a run leaves in its workdir: written whole, read back and checked.

A file that is missing or damaged is an InputError which says what writes it.
"""

import io
import json
import zipfile
import zlib

import numpy as np
from etils import epath

from adr_jax.errors import InputError


def write_whole(path: epath.Path, text: str) -> None:
    """Writes a text file whole or not at all; the folder may be in a bucket."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def is_number(value: object) -> bool:
    """Whether a JSON value is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_config(path: epath.Path) -> dict:
    """Reads the tree of settings of a run."""
    config = _json(path, "train.py writes it when a run starts")
    if not isinstance(config, dict):
        raise _damaged(path, "expected a JSON object", "train.py writes it")
    return config


def read_results(path: epath.Path) -> dict:
    """Reads the scores of a run: at least `protocols`, name -> row -> metric."""
    maker = "train.py writes it when a run ends; the same command again finishes a run"
    results = _json(path, maker)
    protocols = results.get("protocols") if isinstance(results, dict) else None
    if not isinstance(protocols, dict) or not all(
        isinstance(protocol, dict) for protocol in protocols.values()
    ):
        raise _damaged(path, "expected an object of objects as 'protocols'", maker)
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
        raise _damaged(path, "expected lines such as {'step': 1, 'loss': 0.1}", maker)
    ordered = {name: dict(sorted(values.items())) for name, values in series.items()}
    return ordered, skipped


def read_forecast(path: epath.Path) -> dict[str, np.ndarray] | None:
    """Reads the frames to be shown; None where there is no such file."""
    if not path.exists():
        return None
    maker = "train.py writes it when a run ends; a report without it has no frames"
    broken = (ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile, zlib.error)
    try:
        forecast = dict(np.load(io.BytesIO(path.read_bytes()), allow_pickle=False))
    except broken as error:
        raise _damaged(path, str(error), maker) from error
    missing = {"steps", "target", "forecast", "history_last"} - forecast.keys()
    if missing:
        raise _damaged(path, f"it lacks {', '.join(sorted(missing))}", maker)
    shape, steps = forecast["target"].shape, len(forecast["steps"])
    if forecast["forecast"].shape != shape or shape[:1] != (steps,):
        detail = f"{steps} steps, target {shape}, forecast {forecast['forecast'].shape}"
        raise _damaged(path, f"expected equal shapes, found {detail}", maker)
    return forecast


def _json(path: epath.Path, maker: str):
    _must_exist(path, maker)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(path, str(error), maker) from error


def _must_exist(path: epath.Path, maker: str) -> None:
    if not path.exists():
        raise InputError(f"{path} is missing: {maker}")


def _damaged(path: epath.Path, what: str, maker: str) -> InputError:
    return InputError(f"{path} is damaged ({what}): {maker}")
