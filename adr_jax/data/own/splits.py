"""Trajectories divided among train, validation and test."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from adr_jax.data.contract import SPLITS, split_in_time
from adr_jax.data.own.sequences import Sequences
from adr_jax.errors import InputError

# Of the data, for validation, and again for test.
HELD_OUT = 0.15
# For each split, stretches of trajectories: number, first frame, one after the last.
Parts: TypeAlias = dict[str, list[tuple[int, int, int]]]


def state(source: Sequences, number: int) -> str:
    """What two trajectories that are the same have in common: first and last frame."""
    digest = hashlib.sha256()
    for frame in (0, source.lengths[number] - 1):
        digest.update(source.read(number, frame, frame + 1).tobytes())
    return digest.hexdigest()


def in_time(source: Sequences, numbers: Sequence[int], window: int) -> Parts:
    """Every trajectory cut into three, each of which has room for a window."""
    parts = {name: [] for name in SPLITS}
    for number in numbers:
        frames = source.lengths[number]
        used = frames - 2 * window
        held_out = max(window, round(HELD_OUT * used))
        if used - 2 * held_out < window:
            raise InputError(
                f"{source.path} has {frames} frames; windows of {window} need "
                f"{5 * window}, to train, validate and test with a gap between: add "
                "frames, or shorten config.data.history and config.data.horizon"
            )
        shares = (used - 2 * held_out, held_out, held_out)
        for name, span in zip(
            SPLITS, split_in_time(frames, shares, gap=window), strict=True
        ):
            parts[name].append((number, *span))
    return parts


def by_state(source: Sequences, states: Mapping[int, str]) -> Parts:
    """Whole trajectories, equal ones in the same split."""
    distinct = list(dict.fromkeys(states.values()))
    if len(distinct) < len(SPLITS):
        raise InputError(
            f"{source.path} has {len(distinct)} distinct trajectories; a split by "
            "trajectories needs 3: set config.data.split=in_time"
        )
    np.random.default_rng(0).shuffle(distinct)
    held_out = max(1, round(HELD_OUT * len(distinct)))
    split_of = dict.fromkeys(distinct, "train")
    split_of |= dict.fromkeys(distinct[:held_out], "test")
    split_of |= dict.fromkeys(distinct[held_out : 2 * held_out], "validation")
    return {
        name: [
            (number, 0, source.lengths[number])
            for number, state in states.items()
            if split_of[state] == name
        ]
        for name in SPLITS
    }
