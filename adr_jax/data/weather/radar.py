"""Rain radar: events of maps of dBZ, in files of many formats.

data.path names files, folders or patterns, with a comma between two: ODIM and KNMI
HDF5, netCDF-4, FMI's PGM and GeoTIFF with a frame a file, or HDF5 with the frames of an
event; see `composites`. Rain rates, amounts and reflectivity all become dBZ, as `rain`
says, and frames of one place that follow each other an event, as `events` says.
"""

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from adr_jax.data.contract import Dataset, Segments, Source, merge_splits
from adr_jax.data.files.fingerprint import fingerprint, spans_taken_in
from adr_jax.data.weather.events import (
    Event,
    find_files,
    open_events,
    usual_interval,
)
from adr_jax.data.weather.rain import reflectivity
from adr_jax.data.weather.splits import spans_of
from adr_jax.errors import InputError
from adr_jax.options import DataOptions

# Rain rates, mm/h, at which forecasts are judged: any rain, rain, heavy rain, showers.
RATES = (0.1, 1.0, 5.0, 10.0)
# Frame intervals are alike within this share: a network sees no difference.
ALIKE = 0.25
REMEDY = (
    "name files or a folder of radar composites in config.data.path, for example of "
    "the KNMI Data Platform or FMI's open data, or an HDF5 file with a dataset 'dbz' "
    "(time, rows, columns), units 'dBZ' and one 'time' (Unix seconds); meanwhile "
    "`python train.py --config configs/quickstart.py` needs no file"
)

# An event, the first row and column of a square of it, and a span of frames.
Part = tuple[int, int, int, int, int]


def load(config: DataOptions) -> Dataset:
    """Open data.path and split it. No window crosses a gap in time.

    Frames of `data.crop` cells a side are cut from larger ones, half of them shared
    with their neighbours; those of which less than half is known are left out.

    Splits:
      "in_time": the early frames train, the next validate, the last are test. Of three
        days or more each is in one split; of fewer, an hour lies between two splits.
      "no_test": one day validates, that of nearest to 15 % of the frames, the others
        train. For a model that is tested on other files.
      "all": everything is test.

    Raises:
      InputError: there is no such file or variable, its coding is unknown, it is too
        short to split, or intervals or cells differ.
    """
    if not config.path:
        raise InputError(f"config.data.path is empty; {REMEDY}")
    files = find_files(config.root, config.path)
    events = open_events(files, config.variable, REMEDY)
    if config.cell_km:
        events = [event.coarsened(config.cell_km) for event in events]
    _check_alike(events)
    side = _side(events, config.crop)
    parts, splits = merge_splits(
        {
            split: [
                (index, *corner, start, stop)
                for index, start, stop in spans
                for corner in _corners(events[index], side)
            ]
            for split, spans in spans_of(events, config.split).items()
        }
    )

    def read_frames(event: int, row: int, column: int, start: int, stop: int):
        frames = events[event].read(start, stop)
        rows, columns = side
        return frames[:, row : row + rows, column : column + columns, None]

    cell_km = events[0].grid.cell_km
    return Dataset(
        name="radar",
        trajectories=Segments(read_frames, parts, (*side, 1)),
        splits=splits,
        states={split: len(indices) for split, indices in splits.items()},
        split_name=config.split,
        fingerprint=fingerprint(_taken_in(events)),
        channels=("reflectivity",),
        metrics=("csi", "pod", "far", "fss", "rmse"),
        unit="dBZ",
        cell_size=cell_km and f"{cell_km:g} km",
        frame_interval=f"{usual_interval(events):g} min",
        thresholds=tuple(reflectivity(np.array(RATES)).round(2).tolist()),
    )


def _check_alike(events: Sequence[Event]) -> None:
    """Raise InputError where cells or intervals of events differ."""
    usual = usual_interval(events)
    for event in events:
        if abs(event.interval - usual) > ALIKE * usual:
            raise InputError(
                f"{event.name} has a frame every {event.interval:g} min, others every "
                f"{usual:g} min: what moves in a frame differs; name files of one "
                "interval in config.data.path"
            )
        if event.grid.cell_km != events[0].grid.cell_km:
            lengths = [e.grid.cell_km for e in (events[0], event)]
            raise InputError(
                f"{events[0].name} and {event.name} have cells of {lengths[0]} and "
                f"{lengths[1]} km: set config.data.cell_km to a common multiple, to "
                "which the finer ones are averaged"
            )


def _side(events: Sequence[Event], crop: int) -> tuple[int, int]:
    """Return the rows and columns of the frames that are cut from all."""
    shapes = {event.grid.shape for event in events}
    smallest = min(min(shape) for shape in shapes)
    if crop > smallest:
        raise InputError(
            f"config.data.crop is {crop}; the smallest grid has {smallest} cells along "
            "an axis: set it to that, or to 0"
        )
    if crop:
        return crop, crop
    return shapes.pop() if len(shapes) == 1 else (smallest, smallest)


def _corners(event: Event, side: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the corners of the frames to cut from an event."""
    along = []
    for cells, length in zip(event.grid.shape, side, strict=True):
        count = 1 + math.ceil(2 * (cells - length) / length)
        along.append(np.linspace(0, cells - length, count).astype(int).tolist())
    corners = list(itertools.product(*along))
    if len(corners) == 1:
        return corners
    known = np.isfinite(event.read(0, 1)[0])
    rows, columns = side
    return [
        (row, column)
        for row, column in corners
        if known[row : row + rows, column : column + columns].mean() >= 0.5
    ]


def _taken_in(events: Sequence[Event]) -> Iterator[object]:
    """Yield what a fingerprint takes in: all times and facts, and values."""
    for event in events:
        film, _ = event.frames[0]
        yield f"{event.grid.shape} {event.grid.cell_km} {dict(film.facts)}"
        yield event.times
    largest = max((event.grid.shape for event in events), key=math.prod)
    for index, *span in spans_taken_in([*map(len, events)], largest):
        # In hundredths of dBZ: a logarithm may round otherwise elsewhere.
        hundredths = np.rint(100 * events[index].read(*span))
        yield np.nan_to_num(hundredths, nan=-1).astype(np.int16)


SOURCE = Source(
    load,
    split_names=("in_time", "no_test", "all"),
    fields=("path", "variable", "crop", "cell_km"),
    usual_frame=(256, 256, 1),
    is_rain=True,
    frame_shape=lambda config: (config.crop, config.crop, 1) if config.crop else None,
)
