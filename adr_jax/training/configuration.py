"""What a configuration may hold: one place that checks it, stores it, compares it."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from adr_jax import data, models
from adr_jax.data.windows import AUGMENTATIONS
from adr_jax.errors import InputError
from adr_jax.evaluation.protocols import PROTOCOLS
from adr_jax.models.blocks import (
    BALANCES,
    DIFFUSIONS,
    PADDING,
    REACTIONS,
    SPLITTINGS,
    TRANSPORTS,
)
from adr_jax.models.frames import HEADS
from adr_jax.training.losses import LOSSES
from adr_jax.training.optimizer import OPTIMIZERS
from adr_jax.training.step import SCHEDULES

CHOICES = {
    "data.name": data.NAMES,
    "data.augment": AUGMENTATIONS,
    "model.name": models.NAMES,
    "model.transport": TRANSPORTS,
    "model.boundary": tuple(PADDING),
    "model.diffusion": DIFFUSIONS,
    "model.reaction": REACTIONS,
    "model.splitting": SPLITTINGS,
    "model.balance": BALANCES,
    "model.head": HEADS,
    "model.size": tuple(models.SIZES),
    "model.time_step": ("fixed", "learned"),
    "model.dtype": tuple(models.DTYPES),
    "model.unroll": ("auto", "on", "off"),
    "train.optimizer": OPTIMIZERS,
    "train.schedule": SCHEDULES,
    "train.loss": LOSSES,
}

# The least each number may be.
MINIMA = {
    "seed": 0,
    "expected_devices": 0,
    "data.trajectories": 1,
    "data.cells": 8,
    "data.frames": 2,
    "data.history": 1,
    "data.horizon": 1,
    "data.noise": 0,
    "data.dropped": 0,
    "data.missing": 0,
    "model.channels": 0,
    "model.num_blocks": 0,
    "model.variables_out": 0,
    "model.context": 0,
    "model.displacement_fields": 0,
    "model.reach": 0,
    "model.frames_in": 0,
    "model.frames_out": 1,
    "train.steps": 1,
    "train.minutes": 0,
    "train.batch_size": 1,
    "train.learning_rate": 0,
    "train.warmup": 0,
    "train.weight_decay": 0,
    "train.clip": 0,
    "train.ema": 0,
    "train.feedback": 0,
    "train.feedback_after": 0,
    "train.feedback_gradient": 0,
    "train.accumulate": 1,
    "train.noise": 0,
    "train.log_every": 1,
    "train.checkpoint_every": 1,
    "train.validate_every": 1,
    "train.validation_windows": 1,
    "train.validation_frames": 1,
    "train.patience": 0,
    "eval.batch_size": 1,
}

# What a configuration cannot do without.
NEEDED = (
    *CHOICES,
    *MINIMA,
    *("data.root", "data.path", "data.shape", "data.variable", "data.axes"),
    *("data.split", "data.exclude", "model.coordinates", "model.conserve"),
    *("model.denoiser", "model.remat", "eval.protocols"),
)

# What a run did that was started before a field existed.
BEFORE = {"data.frames": data.OPTIONAL["frames"], "train.start_from": ""}

# Fields that may differ between a run and its continuation.
MAY_CHANGE = (
    "workdir",
    "expected_devices",
    "data.root",
    "train.steps",
    "train.minutes",
    "train.log_every",
    "train.checkpoint_every",
    "train.patience",
    "eval.protocols",
)


def check(config: ConfigDict) -> None:
    """Raises InputError, naming the field, for a configuration that cannot run."""
    fields: dict[str, Any] = dict(flatten(config.to_dict()))
    if lacking := _lacking(fields, NEEDED):
        raise InputError(
            f"the configuration has no field {lacking}: take configs/base.py, which "
            "has all, and override it"
        )
    for name, choices in CHOICES.items():
        if fields[name] not in choices:
            _refuse(name, fields[name], f"one of {', '.join(choices)}")
    source = data.source(config.data.name)
    of_set = {"data.split": source.split_names}
    if source.shapes:
        of_set["data.shape"] = source.shapes
    for name, choices in of_set.items():
        if fields[name] not in choices:
            _refuse(name, fields[name], f"one of {', '.join(choices)}")
    for name, least in MINIMA.items():
        if not (math.isfinite(fields[name]) and fields[name] >= least):
            _refuse(name, fields[name], f"a number from {least} up")
    named = fields["eval.protocols"]
    if not set(named) <= set(PROTOCOLS):
        _refuse("eval.protocols", named, f"names among {', '.join(PROTOCOLS)}")
    for name in ("train.ema", "train.feedback_after", "data.dropped", "data.missing"):
        if fields[name] >= 1:
            _refuse(name, fields[name], "a share below 1")
    channels, _ = models.width(config.model)
    groups = config.model.displacement_fields
    if groups and channels % groups:
        _refuse(
            "model.displacement_fields", groups, f"a divisor of {channels} channels"
        )
    seen = config.model.frames_in or config.data.history
    if seen > config.data.history:
        _refuse("model.frames_in", seen, f"at most data.history, {config.data.history}")
    if config.model.conserve and config.model.head == "frames":
        _refuse("model.conserve", True, "False, or a head that has a base to add to")
    if config.model.conserve and config.model.denoiser:
        _refuse(
            "model.denoiser", True, "False with model.conserve, whose sums it loses"
        )
    if config.train.loss == "cross_entropy":
        for field, value in (("conserve", False), ("variables_out", 0)):
            if config.model[field]:
                _refuse(
                    f"model.{field}",
                    config.model[field],
                    f"{value} with train.loss=cross_entropy, whose shares sum to 1",
                )
    if config.model.head == "extrapolation" and seen < 2:
        field = "model.frames_in" if config.model.frames_in else "data.history"
        _refuse(field, seen, "2 or more to extrapolate from")


def _refuse(name: str, value: object, expected: str) -> None:
    raise InputError(
        f"config.{name} is {value!r}; expected {expected}. "
        f"Set it with --config.{name}=..., configs/base.py explains it"
    )


def flatten(tree: Mapping, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of nested dictionaries, as ("section.field", value)."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def differences(old: Mapping, new: Mapping) -> list[str]:
    """Fields a continuation may not change, but does, as "field: old -> new"."""
    before, after = BEFORE | dict(flatten(old)), dict(flatten(new))
    return [
        f"{name}: {before.get(name)!r} -> {after.get(name)!r}"
        for name in sorted(before.keys() | after.keys())
        if name not in MAY_CHANGE and before.get(name) != after.get(name)
    ]


def as_json(config: ConfigDict) -> dict:
    """The configuration as plain JSON values: tuples become lists, for good."""
    return json.loads(config.to_json())


def from_json(tree: Mapping) -> ConfigDict:
    """A configuration from what `as_json` gave.

    Raises:
      InputError: it lacks a field that it takes to use the model.
    """
    to_use = [name for name in NEEDED if not name.startswith("train.")]
    if lacking := _lacking(BEFORE | dict(flatten(tree)), to_use):
        raise InputError(
            f"config.json has no {lacking}: another version of adr_jax wrote it; use "
            "the run with that version, or train anew in another --workdir"
        )
    config = ConfigDict(tree)
    for name, value in BEFORE.items():
        section, field = name.split(".")
        config[section][field] = config[section].get(field, value)
    return config


def _lacking(fields: Mapping, needed: Iterable[str]) -> str:
    """The first field that has to be there and is not, or ""."""
    return next((name for name in needed if name not in fields), "")


def window_length(config: ConfigDict) -> int:
    """Frames of a training window: history, and what the loss compares with."""
    ahead = (1 + config.train.feedback) * config.model.frames_out
    return config.data.history + max(config.data.horizon, ahead)
