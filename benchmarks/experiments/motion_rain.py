"""Nowcasts of rain along the motion of each estimator, scored."""

import argparse
import pathlib
from collections.abc import Sequence

import h5py
import numpy as np
from motion_peers import (
    EVERY,
    LK,
    PAST,
    SLOW,
    Estimators,
    extrapolation,
    fewer,
    motions_before,
)
from motion_scores import (
    AHEAD,
    Table,
    carry,
    mean_row,
    rain_counts,
    rain_row,
    show,
    with_gain,
)
from outcome import sample

OWN = "pysteps LK + its own extrapolation"
MINIMUM_AHEAD = 6  # frames


def rain(found: Estimators, arguments: argparse.Namespace) -> dict[str, Table]:
    """Score nowcasts of each event, and their mean; of fewer starts for slow ones."""
    quick = ["persistence", *(name for name in found if name not in SLOW)]
    quick += [OWN] if LK in found else []
    subsets = {"rain": quick}
    if set(SLOW) & set(found):
        subsets[f"rain, every {EVERY}th start"] = [*quick, *SLOW]
    tables: dict[str, dict[str, Table]] = {subset: {} for subset in subsets}
    for file in rain_files(arguments):
        frames = read_rain(file)
        starts = starts_of(len(frames), arguments.starts)
        counts = count_rain(found, frames, starts, file.stem)
        for subset, names in subsets.items():
            chosen = starts if subset == "rain" else fewer(starts)
            rows = {name: rain_row(counts.get(name), chosen) for name in names}
            title = f"{subset}: {file.stem}, {len(chosen)} starts"
            tables[subset][title] = show(title, with_gain(rows, OWN))
    for subset, names in subsets.items():
        events = tables[subset].values()
        rows = {name: mean_row([event[name] for event in events]) for name in names}
        title = f"{subset}: mean over {len(events)} events"
        tables[subset][title] = show(title, with_gain(rows, OWN))
    return {title: rows for t in tables.values() for title, rows in t.items()}


def rain_files(arguments: argparse.Namespace) -> list[pathlib.Path]:
    """Return the files of a frame in 5 minutes: Australian ones have 6 and 10."""
    first = sample("radar/knmi_20100826_128.h5", arguments)
    second = sample("radar/fmi_20160928_256.h5", arguments)
    others = sorted(sample("radar/events", arguments).glob("*.h5"))
    others = [file for file in others if not file.name.startswith("bom_")]
    return [first, second, *others]


def read_rain(file: pathlib.Path) -> np.ndarray:
    """Read dBZ, not below 0; NaN where missing, which only the events have."""
    with h5py.File(file) as opened:
        codes = np.asarray(opened["dbz8"])
    values = codes.astype(np.float32) / 4
    return np.where(codes == 255, np.nan, values) if "events" in file.parts else values


def starts_of(frames: int, maximum: int) -> list[int]:
    """Return the indices of first forecast frames, spread evenly.

    24 frames are left after each, or at least 6 in a short event.
    """
    left = AHEAD if frames >= PAST + AHEAD else MINIMUM_AHEAD
    starts = np.arange(PAST, frames - left + 1)
    chosen = np.linspace(0, len(starts) - 1, min(maximum, len(starts)))
    return starts[chosen.round().astype(int)].tolist()


def count_rain(
    found: Estimators, frames: np.ndarray, starts: Sequence[int], case: str
) -> dict[str, dict[int, np.ndarray]]:
    """Return the counts of each name and start, (AHEAD, 4), see `rain_counts`."""
    steps = min(AHEAD, len(frames) - PAST)
    u = motions_before(found, frames, starts, case)
    counts = {
        name: {
            start: rain_counts(
                carry(frames[start - 1], motion, steps, "open"), frames[start:]
            )
            for start, motion in by_start.items()
        }
        for name, by_start in u.items()
    }
    counts["persistence"] = {
        start: rain_counts(np.stack(steps * [frames[start - 1]]), frames[start:])
        for start in starts
    }
    if LK in u:
        extrapolate = extrapolation()
        counts[OWN] = {}
        for start, motion in u[LK].items():
            leads = extrapolate(np.nan_to_num(frames[start - 1]), motion, steps)
            counts[OWN][start] = rain_counts(leads, frames[start:])
    return counts
