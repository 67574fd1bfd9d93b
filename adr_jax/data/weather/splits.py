"""Splits of radar events, so that no day is in two of them."""

import math
from collections.abc import Sequence

import numpy as np

from adr_jax.data.contract import SPLITS, clip_spans, split_in_time
from adr_jax.data.weather.events import Event, usual_interval
from adr_jax.errors import InputError

# Minutes between two splits, and of a nowcast: two hours after half an hour of history.
GAP, NOWCAST = 60, 150
# Seconds without a frame after which another day begins.
NIGHT = 6 * 3600
# Most of the frames that validate, and that test, where more than one day would do.
SHARE = 0.15


def spans_of(
    events: Sequence[Event], split: str
) -> dict[str, list[tuple[int, int, int]]]:
    """Return index of event, start and stop of the spans of each split.

    `split` is one of those of `radar.load`.

    Raises:
      InputError: the events are too short, or of too few days.
    """
    whole = [(index, 0, len(event)) for index, event in enumerate(events)]
    if split == "all":
        return {"test": whole}
    days = _days(events)
    if split == "no_test":
        return _without_test(events, days, whole)
    if len(days) < len(SPLITS):
        return _in_time(events)
    left, spans = list(days), {}
    total = sum(len(event) for event in events)
    for name, keep in (("test", 2), ("validation", 1)):
        taken = left.pop()
        while len(left) > keep and _frames(events, taken + left[-1]) < SHARE * total:
            taken += left.pop()
        spans[name] = [whole[index] for index in taken]
    spans["train"] = [whole[index] for day in left for index in day]
    return spans


def _without_test(
    events: Sequence[Event], days: Sequence[list[int]], whole: Sequence[tuple]
) -> dict[str, list[tuple[int, int, int]]]:
    """Return the spans of "no_test"."""
    if len(days) < 2:
        raise InputError(
            f"{events[0].name} and what goes with it are of one day, and config.data."
            "split=no_test needs another to validate on: name more files, or split "
            "in_time"
        )
    wanted = SHARE * sum(len(event) for event in events)
    held = min(days, key=lambda day: abs(_frames(events, day) - wanted))
    return {
        "train": [whole[index] for day in days if day is not held for index in day],
        "validation": [whole[index] for index in held],
    }


def _frames(events: Sequence[Event], indices: Sequence[int]) -> int:
    return sum(len(events[index]) for index in indices)


def _days(events: Sequence[Event]) -> list[list[int]]:
    """Return the indices of events in groups with a night between them."""
    days, end = [], -math.inf
    for index, event in enumerate(events):
        if event.times[0] - end > NIGHT:
            days.append([])
        days[-1].append(index)
        end = max(end, event.times[-1])
    return days


def _in_time(events: Sequence[Event]) -> dict[str, list[tuple[int, int, int]]]:
    """Return spans of the frames in their order, with an hour between the splits."""
    lengths = [len(event) for event in events]
    frames, interval = sum(lengths), usual_interval(events)
    gap = math.ceil(GAP / interval)
    used = max(frames - 2 * gap, 0)
    # Short data leave for test what a nowcast takes, but at most half of the frames.
    test = max(0.15 * used, min(NOWCAST / interval, 0.5 * used))
    rest = used - test
    spans = split_in_time(frames, (0.75 * rest, 0.25 * rest, test), gap) if used else []
    if not spans or any(start == stop for start, stop in spans):
        raise InputError(
            f"{events[0].name} has {frames} frames, {interval:g} min apart: too few "
            "for training, validation and test with an hour between them; name more, "
            "or score a model on all of them with config.data.split=all"
        )
    first = np.cumsum([0, *lengths]).tolist()
    return {
        name: [
            (index, start - first[index], stop - first[index])
            for index, length in enumerate(lengths)
            for start, stop in clip_spans(
                [(first[index], first[index] + length)], *span
            )
        ]
        for name, span in zip(SPLITS, spans, strict=True)
    }
