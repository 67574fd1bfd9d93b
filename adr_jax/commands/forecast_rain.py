"""The command `forecast` for rain radar: files as they arrive in, CF netCDF out."""

import argparse
import contextlib
import logging

import numpy as np

from adr_jax.commands.new_file import check_new, drawn_by, written
from adr_jax.data.files import times
from adr_jax.data.weather import nowcast_file
from adr_jax.data.weather.events import Event, find_files, open_events
from adr_jax.data.weather.nowcast_file import Nowcast
from adr_jax.data.weather.radar import ALIKE
from adr_jax.data.weather.rain import rain_rate
from adr_jax.errors import Diverged, InputError
from adr_jax.evaluation import divergence
from adr_jax.evaluation.amounts import matched, reached
from adr_jax.options import Configuration
from adr_jax.training.devices import host
from adr_jax.training.model import TrainedModel, load

log = logging.getLogger("adr_jax")


def run(arguments: argparse.Namespace, config: Configuration) -> None:
    """Write the nowcast after the newest frames, complete or not at all."""
    output, gif = arguments.output, arguments.gif
    check_new(output, "--output", nowcast_file.SUFFIXES)
    if gif is not None:
        check_new(gif, "--gif", (".gif",))
        write_film = drawn_by("rain_film", "write_film")
    event = _newest(arguments)
    host.prepare_host(1)
    model = load(arguments.workdir)
    event = _as_trained(event, model)
    past = config.data.history
    if len(event) < past:
        raise InputError(
            f"{event.name} has {len(event)} frames in a row; the model starts from "
            f"{past}"
        )
    history = event.read(len(event) - past, len(event))
    nowcast = make(model, event, history, arguments.steps)
    attributes = {
        "title": "Nowcast of rain",
        "source": f"adr_jax with the model of {arguments.workdir} at step "
        f"{model.record['step']}",
        "history": f"forecast from {past} frames to {times.in_words(event.times[-1])}",
    }
    with contextlib.ExitStack() as stack:
        partial = stack.enter_context(written(output, "--output"))
        drawing = gif and stack.enter_context(written(gif, "--gif"))
        nowcast_file.write(partial, nowcast, attributes)
        if drawing:
            write_film(drawing, history, event.times[-past:], nowcast)
    first, last = times.in_words(nowcast.times[0]), times.in_words(nowcast.times[-1])
    print(f"{output}: {arguments.steps} frames from {first} to {last}")


def make(model: TrainedModel, event: Event, history: np.ndarray, steps: int) -> Nowcast:
    """Return the nowcast that follows the last frames of an event.

    Raises:
      InputError: nothing in the history is known.
      Diverged: the forecast blows up.
    """
    known = np.isfinite(history)
    if not known.any():
        raise InputError(
            f"{event.name}: every cell of the last {len(history)} frames is missing: "
            "there is nothing to start from"
        )
    if not (history[known] > 0).any():
        log.warning("%s: no rain in the last %d frames", event.name, len(history))
    frames = history[..., None]
    likely = None
    if model.thresholds and steps <= model.config.model.frames_out:
        ahead, likely = map(np.array, model.nowcast(frames, steps))
    else:
        ahead = model.forecast(frames, steps)
    found = divergence.find(frames[None], ahead[None], np.asarray(model.statistics.std))
    if found:
        raise Diverged(f"{event.name}: {found}; forecast fewer --steps than that")
    if model.thresholds and likely is None:
        log.warning(
            "no probabilities: the model has them for %d frames ahead at most",
            model.config.model.frames_out,
        )
    mean = np.maximum(ahead, 0.0)
    # A cell that was never observed stays missing.
    unobserved = ~known.any(axis=0)
    for part in (mean, likely):
        if part is not None:
            part[:, unobserved] = np.nan
    amounts = matched(mean, frames[-1])
    interval = 60 * event.interval
    return Nowcast(
        start=float(event.times[-1]),
        times=event.times[-1] + interval * np.arange(1, steps + 1),
        grid=event.grid,
        mean=mean[..., 0],
        matched=amounts[..., 0],
        reached=None if likely is None else reached(likely, model.thresholds),
        likely=likely,
        thresholds=tuple(
            float(f"{rain_rate(np.asarray(t)):.2g}") for t in model.thresholds
        ),
    )


def _newest(arguments: argparse.Namespace) -> Event:
    """Return the newest frames in a row; InputError if two places have some."""
    files = find_files(".", str(arguments.input))
    events = open_events(files, arguments.variable, "name a file, folder or pattern")
    newest = events[-1]
    others = [
        event
        for event in events[:-1]
        if event.grid != newest.grid or event.times[-1] > newest.times[0]
    ]
    if others:
        raise InputError(
            f"{arguments.input} holds frames of several places, {newest.name} and "
            f"{others[0].name}: name the files of one"
        )
    if len(events) > 1:
        log.warning("the frames after the last gap in time count, %d", len(newest))
    return newest


def _as_trained(event: Event, model: TrainedModel) -> Event:
    """Return the event in cells of the model's size; tell of another interval."""
    size = str(model.record.get("cell_size") or "")
    cell_km = float(size.removesuffix(" km")) if size.endswith(" km") else 0.0
    if cell_km and event.grid.cell_km and event.grid.cell_km != cell_km:
        log.warning(
            "cells of %g km are averaged to %g km, those of the training",
            *(event.grid.cell_km, cell_km),
        )
        event = event.coarsened(cell_km)
    elif cell_km and not event.grid.cell_km:
        log.warning(
            "%s does not say how long its cells are; the model was trained on %s",
            *(event.name, size),
        )
    trained = float(str(model.record["frame_interval"]).removesuffix(" min"))
    if abs(event.interval - trained) > ALIKE * trained:
        log.warning(
            "frames are %g min apart, those of the training %g: motion is measured in "
            "them, but growth and decay were learned at the other interval",
            *(event.interval, trained),
        )
    return event
