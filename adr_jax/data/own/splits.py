"""Trajectories divided among train, validation and test."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from adr_jax.data.contract import SPLITS, split_in_time
from adr_jax.data.files.fingerprint import fingerprint
from adr_jax.data.own.sequences import Sequences
from adr_jax.errors import InputError, counted

# The share of the data for validation, and again for test.
HELD_OUT = 0.15
# For each split, spans of trajectories: index, first frame, and the one after the last.
Parts: TypeAlias = dict[str, list[tuple[int, int, int]]]


def state(source: Sequences, index: int) -> str:
    """Return a digest of the first and last frame, by which trajectories are equal."""
    ends = (0, source.lengths[index] - 1)
    return fingerprint(
        (source.read(index, frame, frame + 1) for frame in ends), digits=64
    )


def in_time(source: Sequences, window: int) -> Parts:
    """Cut every trajectory into three, each of which has room for a window."""
    parts = {name: [] for name in SPLITS}
    for index, frames in enumerate(source.lengths):
        used = frames - 2 * window
        held_out = max(window, round(HELD_OUT * used))
        if used - 2 * held_out < window:
            raise InputError(
                f"{source.path} has {frames} frames; windows of {window} need "
                f"{5 * window}, to train, validate and test with a gap between: add "
                "frames, or shorten config.data.history"
            )
        shares = (used - 2 * held_out, held_out, held_out)
        for name, span in zip(
            SPLITS, split_in_time(frames, shares, gap=window), strict=True
        ):
            parts[name].append((index, *span))
    return parts


def by_state(
    source: Sequences, states: Sequence[str], *, is_overlapping: bool
) -> Parts:
    """Divide whole trajectories, those of equal state into the same split.

    Where frames are shared, those that share some have one state.
    """
    distinct = list(dict.fromkeys(states))
    if len(distinct) < len(SPLITS) and is_overlapping:
        raise InputError(
            f"{source.path}: its {len(states)} trajectories share frames, as windows "
            f"cut from one film do, and are of {counted(len(distinct), 'film')}; a "
            "split by trajectories needs 3: give the film once, as one trajectory, or "
            "set config.data.split=in_time"
        )
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
            (index, 0, source.lengths[index])
            for index, state in enumerate(states)
            if split_of[state] == name
        ]
        for name in SPLITS
    }
