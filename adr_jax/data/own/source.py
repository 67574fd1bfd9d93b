"""The user's own sequences: an array in a file, or a folder of images.

`data.path` is the file, relative to `data.root`. `data.variable` names the array in it
where several can be meant, or names several, with commas, as channels. `data.axes`
names its axes where they cannot be guessed, `data.fill` the numbers that stand for
missing values where the file does not say.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from adr_jax.data import overlap
from adr_jax.data.contract import (
    Dataset,
    Segments,
    Source,
    clip_spans,
    data_file,
    merge_splits,
)
from adr_jax.data.files.fingerprint import fingerprint, spans_taken_in
from adr_jax.data.own import extremes, offset
from adr_jax.data.own.sequences import (
    Sequences,
    cell_size,
    channel_names,
    frame_interval,
    open_sequences,
)
from adr_jax.data.own.splits import Parts, by_state, in_time, state
from adr_jax.data.own.stacked import StackedSequences
from adr_jax.data.own.summary import Summary
from adr_jax.errors import InputError
from adr_jax.options import DataOptions

# Cells that a window of SSIM needs along each axis.
SSIM_CELLS = 11


def load(config: DataOptions) -> Dataset:
    """Open a file and split it.

    Splits:
      "trajectories": 15 % of the distinct trajectories are test and 15 % validate,
        drawn at random but the same every time, those that share a frame together. The
        rest train.
      "in_time": the same shares of every trajectory, one after the other. Between them
        a window's length of frames belongs to none.
      "auto": by trajectories where at least three are distinct or frames are shared,
        else in time.
      "all": everything is test.

    Raises:
      InputError: the file cannot be read, is too short, has no values at all, or
        trajectories of different splits would share frames.
    """
    if not config.path:
        raise InputError(
            "config.data.path is empty: name your file or folder of images with "
            "--config.data.path=FILE"
        )
    path = data_file(config.root, config.path)
    source = open_sequences(path, config.variable, config.axes, config.fill)
    from_zero = offset.subtract(source)
    states = [state(source, index) for index in range(len(source.keys))]
    summary = Summary.read(source)
    if not config.fill:
        extremes.check(source)
    split, parts, distinct = _divided(source, states, config)
    parts = {name: _without_gaps(source, part) for name, part in parts.items()}
    spans, splits = merge_splits(parts)
    units = source.units if isinstance(source, StackedSequences) else ()
    return Dataset(
        name="arrays",
        trajectories=Segments(source.read, spans, source.frame_shape),
        splits=splits,
        states={
            name: len({(distinct[index], start) for index, start, _ in part})
            for name, part in parts.items()
        },
        split_name=split,
        fingerprint=fingerprint(_taken_in(source, states)),
        channels=channel_names(source),
        metrics=_metrics(summary, source, has_units=bool(units)),
        unit=source.unit,
        units=units,
        cell_size=cell_size(source),
        frame_interval=frame_interval(source),
        data_range=source.data_range,
        notes=source.notes + _counted_from(from_zero),
        offset=from_zero,
    )


def _taken_in(source: Sequences, states: Sequence[str]) -> Iterator[object]:
    """Yield what a fingerprint takes in: shapes, interval, states, and values."""
    yield repr((source.frame_shape, source.lengths, frame_interval(source), states))
    for span in spans_taken_in(source.lengths, source.frame_shape):
        yield source.read(*span)


def _divided(
    source: Sequences, states: Sequence[str], config: DataOptions
) -> tuple[str, Parts, Sequence[str]]:
    """Return the name of the split, its parts, and the state of each trajectory.

    Trajectories that share frames have the same state.
    """
    if config.split == "all":
        whole = [(index, 0, length) for index, length in enumerate(source.lengths)]
        return "all", {"train": [], "validation": [], "test": whole}, states
    several = range(len(states)) if len(states) > 1 else ()
    frames = overlap.digests(source, several)
    distinct = overlap.merged(states, frames) if frames else states
    is_overlapping = len(set(distinct)) < len(set(states))
    split = config.split
    if split == "auto":
        by_trajectories = len(set(distinct)) > 2 or is_overlapping
        split = "trajectories" if by_trajectories else "in_time"
    if split == "trajectories":
        return (
            split,
            by_state(source, distinct, is_overlapping=is_overlapping),
            distinct,
        )
    parts = in_time(source, window=config.history + 1)
    if frames:
        overlap.check(source.path, parts, frames)
    return split, parts, distinct


def _counted_from(from_zero: Sequence[float]) -> tuple[str, ...]:
    """Return what is said of values that are not counted from zero."""
    if not from_zero:
        return ()
    numbers = ", ".join(f"{number:.9g}" for number in from_zero)
    return (f"values vary little: they are counted from {numbers}",)


def _without_gaps(
    source: Sequences, part: Sequence[tuple[int, int, int]]
) -> list[tuple[int, int, int]]:
    """Return the spans of a split cut where the times of frames have a gap."""
    return [
        (index, *span)
        for index, start, stop in part
        for span in clip_spans(source.spans, start, stop)
    ]


def _metrics(
    summary: Summary, source: Sequences, *, has_units: bool
) -> tuple[str, ...]:
    """Return the metrics: nRMSE only for values that are not spread about zero.

    Of channels of different units, the first is relative, as it is one for all.
    """
    mean, std = np.abs(summary.mean), np.array(summary.std)
    metrics = ("vrmse", "rmse") if has_units else ("rmse", "vrmse")
    if (mean > 0.1 * std).all():
        metrics = ("nrmse", *metrics)
    space = source.frame_shape[:-1]
    if source.data_range and len(space) == 2 and min(space) >= SSIM_CELLS:
        metrics = (*metrics, "ssim", "psnr")
    return metrics


SOURCE = Source(
    load,
    split_names=("auto", "trajectories", "in_time", "all"),
    fields=("path", "variable", "axes", "fill"),
    usual_frame=(128, 128, 1),
    is_own=True,
)
