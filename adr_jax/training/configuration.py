"""A run's configuration: read, checked against its data, stored and compared."""

import dataclasses
import json
import runpy
from collections.abc import Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from adr_jax import data, shipped
from adr_jax.errors import InputError
from adr_jax.evaluation.protocols import PROTOCOLS
from adr_jax.options import Configuration, TrainOptions
from adr_jax.sections import Section
from adr_jax.training import optimizer


def read(config: ConfigDict | Configuration) -> Configuration:
    """Return the configuration of a file, checked.

    Raises:
      InputError: a field is absent, unknown or has a value that cannot run.
    """
    if not isinstance(config, Configuration):
        config = Configuration.of(config.to_dict())
    if config.data.name not in data.NAMES:
        config.data.refuse("name", f"one of {', '.join(data.NAMES)}")
    source = data.source(config.data.name)
    if config.data.split not in source.split_names:
        config.data.refuse("split", f"one of {', '.join(source.split_names)}")
    if source.shapes and config.data.shape not in source.shapes:
        config.data.refuse("shape", f"one of {', '.join(source.shapes)}")
    if not set(config.eval.protocols) <= set(PROTOCOLS):
        config.eval.refuse("protocols", f"names among {', '.join(PROTOCOLS)}")
    optimizer.make_optimizer(config.train)
    return config


def named(text: str) -> Configuration:
    """Return a configuration that comes with the project: "own", "synthetic:shear"."""
    name, _, argument = text.partition(":")
    shipped.make_configs_importable()
    get_config = runpy.run_path(shipped.find_config(name))["get_config"]
    return read(get_config(argument) if argument else get_config())


def as_json(config: Configuration) -> dict:
    """Return plain JSON values: tuples become lists."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def from_json(tree: Mapping[str, Any]) -> Configuration:
    """Return the configuration that `as_json` gave, also of an older version.

    Raises:
      InputError: another version wrote it, whose fields mean something else here.
    """
    try:
        return Configuration.of(_upgrade(tree))
    except InputError as error:
        raise InputError(
            f"config.json: {error}: another version of adr_jax wrote it; use the run "
            "with that version, or train anew in another --workdir"
        ) from error


# Options of version 0.1.0 that are gone, with the value that means what is left.
_REMOVED = {
    "workdir": None,
    "data.horizon": 1,
    "data.exclude": [],
    "data.dropped": 0,
    "model.size": None,
    "model.splitting": "lie",
    "model.time_step": "fixed",
    "model.balance": "fixed",
    "model.variables_out": 0,
    "train.feedback_gradient": 0,
    "train.patience": 0,
}
# Options since then, with the value that means what was.
_ADDED = {
    "data.crop": 0,
    "data.cell_km": 0.0,
    "data.fill": "",
    "model.interpolation": "linear",
    "model.motions": "one",
    "model.exceedance": False,
}
_SIZES = {"tiny": (16, 2), "small": (24, 3), "base": (64, 6)}


def _upgrade(tree: Mapping[str, Any]) -> dict:
    """Return the tree without options that are gone, where that changes nothing."""
    sections = {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in tree.items()
    }
    # What training alone needs may be absent.
    train = dataclasses.asdict(TrainOptions())
    sections["train"] = train | sections.get("train", {})
    model = sections.get("model", {})
    if "size" in model:
        sizes = zip(("channels", "num_blocks"), _SIZES[model["size"]], strict=True)
        model.update({name: model.get(name) or value for name, value in sizes})
    if model.get("name") == "cnn":
        model.update(name="adrnet", transport="none")
    for path, value in _ADDED.items():
        section, field = path.split(".")
        sections.setdefault(section, {}).setdefault(field, value)
    for path, harmless in _REMOVED.items():
        *section, field = path.split(".")
        values = sections[section[0]] if section else sections
        if field in values and harmless in (None, values[field]):
            del values[field]
    return sections


def differences(old: Configuration, new: Configuration) -> list[str]:
    """List the fields that a continued run may not change, as "field: old -> new"."""
    before, after = dict(_fields(old)), dict(_fields(new))
    return [
        f"{path}: {before[path]!r} -> {after[path]!r}"
        for path in sorted(before)
        if before[path] != after[path]
    ]


def _fields(section: Section, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield "section.field" and value of every field that a run is bound to."""
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if isinstance(value, Section):
            yield from _fields(value, f"{field.name}.")
        elif not field.metadata["may_change"]:
            yield prefix + field.name, value


def window_length(config: Configuration) -> int:
    """Return the frames of a training window: history, and what the loss compares."""
    if config.model.follows_objects:
        return config.data.history + config.model.frames_out  # tracks of all leads
    if config.model.head == "advection":
        return config.data.history + 1  # a frame at a lead drawn for each row
    return config.data.history + (1 + config.train.feedback) * config.model.frames_out


def feedback_at(config: Configuration, step: int, total: int) -> int:
    """Return how many forecasts are fed back in a step, counted from 1, of a run."""
    is_late = step > config.train.feedback_after * total
    return config.train.feedback if is_late else 0
