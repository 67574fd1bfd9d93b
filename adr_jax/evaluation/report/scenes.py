"""Frames to be leafed through: target, forecast and error, side by side."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from adr_jax.evaluation.report.arrows import PARTS, arrow_path, cells_of_a_gap, in_words
from adr_jax.evaluation.report.examples import Samples
from adr_jax.evaluation.report.figures import FIELD_MAP
from adr_jax.evaluation.report.films import Film, colours, film, span
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.sections import LeftOut
from adr_jax.evaluation.report.words import label, lead_time

# Frames of a scene: fewer and fewer, until all films of a page have no more bytes than
# this before they are written as text, which adds a third.
FRAMES = (24, 16, 12, 8, 5, 3)
BYTES = 900_000
# Variables that are shown, the first.
VARIABLES = 3


class Panel(NamedTuple):
    """A row of a film: what it shows, and arrows over each of its frames, or none."""

    title: str
    is_error: bool
    arrows: Sequence[str]


class Scene(NamedTuple):
    """One variable of one sample."""

    # Their places among those of the player.
    sample: int
    variable: int
    film: Film
    panels: Sequence[Panel]
    # Scores at each step.
    notes: Sequence[str]
    # The ends of the colour scales: of fields, and of errors.
    low: str
    high: str
    limit: str


class Player(NamedTuple):
    """Scenes, and what they share."""

    scenes: Sequence[Scene]
    samples: Sequence[str]
    variables: Sequence[str]
    kind: str
    space: tuple[int, ...]
    # What the paths of arrows are in, in cells.
    unit: float
    times: Sequence[str]
    # Frames that paper shows.
    printed: Sequence[int]
    # Of frames of classes, their names and colours.
    classes: Sequence[tuple[str, str]]
    has_missing: bool
    # What an arrow means that is as long as the gap to the next one; "" without arrows.
    scale: str


def player(runs: Mapping[str, Samples], data: Mapping) -> Player:
    """Scenes of the samples that all runs have kept.

    Raises:
      LeftOut: frames are not two-dimensional, or no sample was kept by all runs.
    """
    first = next(iter(runs.values()))
    if first.pictures is None:
        raise LeftOut(f"frames are drawn in two dimensions, not {len(first.space)}")
    windows = [w for w in first.windows if all(w in of.windows for of in runs.values())]
    if not windows:
        raise LeftOut("the runs have kept no window in common")
    variables = first.variables[:VARIABLES] if first.kind == "field" else ("",)
    moved = [of.net_motion for of in runs.values() if of.net_motion is not None]
    gap = cells_of_a_gap(moved) if moved else 1.0
    for count in FRAMES:
        last = len(first.steps) - 1
        shown = np.unique(np.linspace(0, last, count).round().astype(int))
        scenes = [
            _scene(runs, window, number, variable, shown, gap)
            for number, window in enumerate(windows)
            for variable in range(len(variables))
        ]
        if sum(len(scene.film.png) for scene in scenes) <= BYTES:
            break
    steps = first.steps[shown]
    return Player(
        scenes,
        [_title(runs, window) for window in windows],
        variables,
        first.kind,
        first.space,
        max(of.spacing for of in runs.values()) / PARTS,
        [_when(step, first.steps[-1], data.get("frame_interval")) for step in steps],
        np.unique(np.linspace(0, len(shown) - 1, 4).round().astype(int)).tolist(),
        _classes(first.classes),
        any(np.isnan(_of(run, w)).any() for run in runs.values() for w in windows),
        in_words(gap, data) if moved else "",
    )


def _scene(
    runs: Mapping[str, Samples],
    window: int,
    number: int,
    variable: int,
    shown: np.ndarray,
    gap: float,
) -> Scene:
    """One variable of one window, its colours those of all the first run has kept."""
    first = next(iter(runs.values()))
    parts = slice(None) if first.kind == "colour" else slice(variable, variable + 1)
    kept = [_of(run, window)[:, shown][..., parts] for run in runs.values()]
    low, high = _range(first, parts)
    limit = _limit([of[2] for of in kept], first.kind)
    fields = [kept[0][0], *(of[1] for of in kept)]
    made = film(fields, [of[2] for of in kept], low=low, high=high, limit=limit)
    of_run = [f" of {name}" if len(runs) > 1 else "" for name in runs]
    forecasts = [
        Panel(f"forecast{name}", False, _arrows(run, window, shown, gap))
        for name, run in zip(of_run, runs.values(), strict=True)
    ]
    error = "where wrong" if first.kind == "classes" else "forecast − target"
    panels = [
        Panel("target", False, ()),
        *forecasts,
        *(Panel(f"{error}{name}", True, ()) for name in of_run),
    ]
    return Scene(
        number,
        variable,
        made,
        panels,
        [_note(runs, window, frame) for frame in shown],
        numeral(low),
        numeral(high),
        numeral(limit),
    )


def _of(samples: Samples, window: int) -> np.ndarray:
    """(3, k, rows, columns, v) of a window."""
    assert samples.pictures is not None
    return samples.pictures[_place(samples, window)]


def _place(samples: Samples, window: int) -> int:
    return int(np.flatnonzero(samples.windows == window)[0])


def _arrows(samples: Samples, window: int, shown: np.ndarray, gap: float) -> list[str]:
    if samples.net_motion is None:
        return []
    moved = samples.net_motion[_place(samples, window)][shown]
    return [arrow_path(of, samples.spacing, gap) for of in moved]


def _range(samples: Samples, parts: slice) -> tuple[float, float]:
    """Of the targets; classes have the ends of their list."""
    if samples.kind == "classes":
        return 0.0, max(len(samples.classes) - 1.0, 1.0)
    assert samples.pictures is not None
    return span(samples.pictures[:, 0, ..., parts])


def _limit(errors: Sequence[np.ndarray], kind: str) -> float:
    """What nearly all errors stay within, of all runs and steps."""
    if kind == "classes":
        return 1.0
    sizes = np.abs(np.concatenate([of.mean(-1).ravel() for of in errors]))
    sizes = sizes[np.isfinite(sizes)]
    return float(np.percentile(sizes, 99.8)) or 1.0 if sizes.size else 1.0


def _title(runs: Mapping[str, Samples], window: int) -> str:
    roles = {name: run.roles[_place(run, window)] for name, run in runs.items()}
    total = next(iter(runs.values())).total
    if len(runs) == 1:
        (role,) = roles.values()
        return f"{role} (window {window + 1} of {total})"
    words = "; ".join(f"{role} of {name}" for name, role in roles.items())
    if len(set(roles.values())) == 1:
        words = next(iter(roles.values()))
    return f"window {window + 1} of {total} ({words})"


def _when(step: int, last: int, interval: float | str | None) -> str:
    ahead = lead_time(step, interval)
    return f"step {step} of {last}" + (f", {ahead} ahead" if ahead else "")


def _note(runs: Mapping[str, Samples], window: int, frame: int) -> str:
    metric = label(next(iter(runs.values())).metric)
    scores = {
        name: numeral(run.scores_at[_place(run, window), frame])
        for name, run in runs.items()
    }
    if len(scores) == 1:
        return f"{metric} {next(iter(scores.values()))}"
    return f"{metric}: " + ", ".join(f"{n} {score}" for n, score in scores.items())


def _classes(names: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(names, colours(FIELD_MAP, len(names)), strict=True))
