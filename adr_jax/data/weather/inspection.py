"""Radar files described in words, with the command that trains on them."""

import math
import pathlib
import shlex
from collections.abc import Iterator, Sequence

import numpy as np

from adr_jax.data.files import times
from adr_jax.data.weather.composites.opening import is_composite, open_film
from adr_jax.data.weather.events import Event, find_files, open_events
from adr_jax.data.weather.radar import RATES
from adr_jax.data.weather.rain import reflectivity
from adr_jax.errors import InputError
from adr_jax.operators.motion import estimate_motion

# Events listed, and frames of each in which motion is measured.
LISTED, FRAMES = 12, 4
POINTS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def is_radar(path: str) -> bool:
    """Return whether a file, the first of a folder or of a pattern is of rain radar."""
    try:
        first = find_files("", path)[0]
        return is_composite(first) and open_film(first) is not None
    except InputError:
        return False


def describe(path: str, variable: str = "") -> Iterator[str]:
    """Yield lines to print, each as soon as it is known.

    Raises:
      InputError: as `find_files` and `open_events`.
    """
    files = find_files("", path)
    events = open_events(files, variable)
    film, _ = events[0].frames[0]
    yield f"{path}: rain radar, files: {len(files)}, events: {len(events)}"
    yield f"quantity: {film.quantity}, read as dBZ (Z = 200 R^1.6)"
    for event in events[:LISTED]:
        yield from _event(event)
    if len(events) > LISTED:
        yield f"and {len(events) - LISTED} more"
    yield "to train on it, or more of it:"
    flags = [f"--config.data.path={pathlib.Path(path).absolute()}"]
    flags += [f"--config.data.variable={variable}"] if variable else []
    flags += _cells(events)
    yield "  " + shlex.join(["python", "train.py", "--config=configs/radar.py", *flags])


def _event(event: Event) -> Iterator[str]:
    """Yield what there is to know of an event."""
    first, last = (times.in_words(event.times[k]) for k in (0, -1))
    rows, columns = event.grid.shape
    cell = f" of {event.grid.cell_km:g} km" if event.grid.cell_km else ", size unknown"
    yield (
        f"{event.frames[0][0].path.name}, {first} to {last}: {len(event)} frames, one "
        f"every {event.interval:g} min, {rows} x {columns} cells{cell}"
    )
    middle = max(len(event) // 2 - FRAMES, 0)
    frames = event.read(middle, min(middle + FRAMES, len(event)))
    last_frame = frames[-1]
    known = np.isfinite(last_frame)
    if not known.any():
        yield "  nothing is known in its middle"
        return
    light, rain = (
        100 * np.mean(last_frame[known] >= reflectivity(np.array(rate)))
        for rate in RATES[:2]
    )
    yield (
        f"  in its middle: {light:.2g} % wet ({RATES[0]:g} mm/h), {rain:.2g} % of "
        f"{RATES[1]:g} mm/h or more, {100 * np.mean(~known):.2g} % missing, "
        f"{_motion(event, frames)}"
    )


def _motion(event: Event, frames: np.ndarray) -> str:
    """Return how far the rain moves in a frame, how fast and whither."""
    wet = frames[-1] >= reflectivity(np.array(RATES[0]))
    if not wet.any():
        return "no rain that shows motion"
    u = estimate_motion(frames[..., None], axes=2)
    down, right = np.median(np.asarray(u)[wet], axis=0)
    cells = math.hypot(down, right)
    heading = POINTS[round(math.degrees(math.atan2(right, -down)) / 45) % 8]
    text = f"moves {cells:.1f} cells a frame towards {heading}"
    if event.grid.cell_km:
        speed = cells * event.grid.cell_km * 60 / event.interval
        text += f", {speed:.0f} km/h"
    return text


def _cells(events: Sequence[Event]) -> list[str]:
    """Return flags that make cells alike and squares fit."""
    lengths = {event.grid.cell_km for event in events if event.grid.cell_km}
    coarse = max(lengths) if len(lengths) > 1 else None
    smallest = min(
        int(min(grid.shape) * (grid.cell_km / coarse if coarse and grid.cell_km else 1))
        for grid in (event.grid for event in events)
    )
    flags = [f"--config.data.cell_km={coarse:g}"] if coarse else []
    return flags + ([f"--config.data.crop={smallest}"] if smallest < 128 else [])
