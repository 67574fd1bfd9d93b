"""The player of a page: target, forecast and error side by side, frame by frame."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.report.arrows import (
    PARTS,
    arrow_path,
    cells_per_gap,
    scale_text,
)
from adr_jax.evaluation.report.examples import Examples
from adr_jax.evaluation.report.figures import FIELD_MAP
from adr_jax.evaluation.report.films import Film, colours, film
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.scaling import value_range
from adr_jax.evaluation.report.sections import LeftOut
from adr_jax.evaluation.report.words import label, lead_time

# Numbers of frames to try, until all films of a page together have at most BYTES. As
# text they are a third larger.
FRAMES = (24, 16, 12, 8, 5, 3)
BYTES = 900_000
# Maximum number of variables shown.
VARIABLES = 3


class Panel(NamedTuple):
    """A row of a film: its title, and arrows over each of its frames, or none."""

    title: str
    is_error: bool
    arrows: Sequence[str]


class Scene(NamedTuple):
    """One variable of one example."""

    # Indices into the player's lists.
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
    """All scenes, and what they have in common."""

    scenes: Sequence[Scene]
    samples: Sequence[str]
    variables: Sequence[str]
    kind: str
    space: tuple[int, ...]
    # The unit of the arrows' paths, in cells.
    unit: float
    times: Sequence[str]
    # Indices of the frames that are printed on paper.
    printed: Sequence[int]
    # For frames of classes, their names and colours.
    classes: Sequence[tuple[str, str]]
    has_missing: bool
    # The displacement of an arrow one gap long; "" without arrows.
    scale: str


def player(runs: Mapping[str, Examples], data: Mapping) -> Player:
    """Draw the scenes of the examples that all runs have stored.

    Raises:
      LeftOut: frames are not two-dimensional, or the runs share no example.
    """
    first = next(iter(runs.values()))
    if first.pictures is None:
        raise LeftOut(f"frames are drawn in two dimensions, not {len(first.space)}")
    windows = [
        window
        for window in first.windows
        if all(window in examples.windows for examples in runs.values())
    ]
    if not windows:
        raise LeftOut("the runs have stored no window in common")
    variables = first.variables[:VARIABLES] if first.kind == "field" else ("",)
    motions = [run.net_motion for run in runs.values() if run.net_motion is not None]
    gap = cells_per_gap(motions) if motions else 1.0
    for count in FRAMES:
        last = len(first.steps) - 1
        frames = np.unique(np.linspace(0, last, count).round().astype(int))
        scenes = [
            _scene(runs, window, sample, variable, frames, gap)
            for sample, window in enumerate(windows)
            for variable in range(len(variables))
        ]
        if sum(len(scene.film.png) for scene in scenes) <= BYTES:
            break
    steps = first.steps[frames]
    return Player(
        scenes,
        [_title(runs, window) for window in windows],
        variables,
        first.kind,
        first.space,
        max(examples.spacing for examples in runs.values()) / PARTS,
        [_time(step, first.steps[-1], data.get("frame_interval")) for step in steps],
        np.unique(np.linspace(0, len(frames) - 1, 4).round().astype(int)).tolist(),
        _classes(first.classes),
        any(
            np.isnan(_pictures(run, w)).any() for run in runs.values() for w in windows
        ),
        scale_text(gap, data) if motions else "",
    )


def _scene(
    runs: Mapping[str, Examples],
    window: int,
    sample: int,
    variable: int,
    frames: np.ndarray,
    gap: float,
) -> Scene:
    """Draw one variable of one window, in the colour scale of the first run."""
    first = next(iter(runs.values()))
    parts = slice(None) if first.kind == "colour" else slice(variable, variable + 1)
    pictures = [_pictures(run, window)[:, frames][..., parts] for run in runs.values()]
    targets, forecasts, errors = zip(*pictures, strict=True)
    low, high = _field_range(first, parts)
    limit = _error_limit(errors, first.kind)
    strip = film([targets[0], *forecasts], errors, low=low, high=high, limit=limit)
    suffixes = [f" of {name}" if len(runs) > 1 else "" for name in runs]
    error = "where wrong" if first.kind == "classes" else "forecast − target"
    panels = [
        Panel("target", False, ()),
        *(
            Panel(f"forecast{suffix}", False, _arrows(run, window, frames, gap))
            for suffix, run in zip(suffixes, runs.values(), strict=True)
        ),
        *(Panel(f"{error}{suffix}", True, ()) for suffix in suffixes),
    ]
    return Scene(
        sample,
        variable,
        strip,
        panels,
        [_note(runs, window, frame) for frame in frames],
        numeral(low),
        numeral(high),
        numeral(limit),
    )


def _pictures(
    examples: Examples, window: int
) -> Float[np.ndarray, "3 k rows columns v"]:
    assert examples.pictures is not None
    return examples.pictures[_position(examples, window)]


def _position(examples: Examples, window: int) -> int:
    """Return the position of a window among the examples of a run."""
    return int(np.flatnonzero(examples.windows == window)[0])


def _arrows(
    examples: Examples, window: int, frames: np.ndarray, gap: float
) -> list[str]:
    if examples.net_motion is None:
        return []
    motion = examples.net_motion[_position(examples, window)][frames]
    return [arrow_path(displacement, examples.spacing, gap) for displacement in motion]


def _field_range(examples: Examples, parts: slice) -> tuple[float, float]:
    """Return the range of the targets; for classes, the first and last index."""
    if examples.kind == "classes":
        return 0.0, max(len(examples.classes) - 1.0, 1.0)
    assert examples.pictures is not None
    return value_range(examples.pictures[:, 0, ..., parts])


def _error_limit(errors: Sequence[np.ndarray], kind: str) -> float:
    """Return the 99.8th percentile of the absolute errors of all runs and steps."""
    if kind == "classes":
        return 1.0
    sizes = np.abs(np.concatenate([error.mean(-1).ravel() for error in errors]))
    sizes = sizes[np.isfinite(sizes)]
    return float(np.percentile(sizes, 99.8)) or 1.0 if sizes.size else 1.0


def _title(runs: Mapping[str, Examples], window: int) -> str:
    roles = {name: run.roles[_position(run, window)] for name, run in runs.items()}
    total = next(iter(runs.values())).total
    if len(runs) == 1:
        (role,) = roles.values()
        return f"{role} (window {window + 1} of {total})"
    words = "; ".join(f"{role} of {name}" for name, role in roles.items())
    if len(set(roles.values())) == 1:
        words = next(iter(roles.values()))
    return f"window {window + 1} of {total} ({words})"


def _time(step: int, last: int, interval: float | str | None) -> str:
    lead = lead_time(step, interval)
    return f"step {step} of {last}" + (f", {lead} ahead" if lead else "")


def _note(runs: Mapping[str, Examples], window: int, frame: int) -> str:
    metric = label(next(iter(runs.values())).metric)
    scores = {
        name: numeral(run.scores_at[_position(run, window), frame])
        for name, run in runs.items()
    }
    if len(scores) == 1:
        return f"{metric} {next(iter(scores.values()))}"
    return f"{metric}: " + ", ".join(f"{n} {score}" for n, score in scores.items())


def _classes(names: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(names, colours(FIELD_MAP, len(names)), strict=True))
