"""Events: radar frames in the order of time, on one grid, without a gap.

A file may hold one frame or an event. Files of one grid whose place on the Earth is
known, or of one folder, are frames of the same film.
"""

import dataclasses
import functools
import logging
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from adr_jax.data.contract import continuous_spans, data_file
from adr_jax.data.weather import rain
from adr_jax.data.weather.composites.film import Film, Grid
from adr_jax.data.weather.composites.opening import is_composite, open_film
from adr_jax.errors import InputError

# Bytes of decoded frames that are kept of each event.
KEPT = 2**28
# A coarse cell is missing where less than this share of it is known.
KNOWN = 0.5

log = logging.getLogger("adr_jax")


@dataclasses.dataclass(frozen=True)
class Event:
    """Frames of some films, in the order of time, read lazily and kept for a while."""

    name: str
    # Unix seconds of each frame.
    times: Float[np.ndarray, " frames"]
    grid: Grid
    # Film and frame of it, for each frame.
    frames: Sequence[tuple[Film, int]]
    # So many cells of the films along each axis make one.
    coarsening: int = 1

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.times)

    @property
    def interval(self) -> float:
        """Minutes between frames."""
        return float(np.median(np.diff(self.times))) / 60

    def read(self, start: int, stop: int) -> Float[np.ndarray, "time rows columns"]:
        """Return frames in dBZ, NaN where missing.

        Raises:
          InputError: a file cannot be read, or a value is beyond any rain.
        """
        return np.stack([self._kept(index) for index in range(start, stop)])

    def between(self, start: int, stop: int) -> "Event":
        """Return the event of some of the frames."""
        part = slice(start, stop)
        return dataclasses.replace(
            self, times=self.times[part], frames=self.frames[part]
        )

    def coarsened(self, cell_km: float) -> "Event":
        """Return the event with cells so long, the mean rain rate of the finer ones.

        Raises:
          InputError: the cells are longer, or do not divide that length.
        """
        if not self.grid.cell_km:
            raise InputError(
                f"{self.name} does not say how long its cells are: add an attribute "
                "pixel_km, or leave config.data.cell_km at 0"
            )
        times = round(cell_km / self.grid.cell_km)
        if times < 1 or abs(times * self.grid.cell_km - cell_km) > 0.01 * cell_km:
            raise InputError(
                f"{self.name} has cells of {self.grid.cell_km:g} km, of which "
                f"{cell_km:g} km (config.data.cell_km) is no whole number"
            )
        rows, columns = (cells // times for cells in self.grid.shape)
        grid = dataclasses.replace(self.grid, shape=(rows, columns), cell_km=cell_km)
        coarsening = self.coarsening * times
        return dataclasses.replace(self, grid=grid, coarsening=coarsening)

    @functools.cached_property
    def _kept(self):
        count = max(1, KEPT // (4 * int(np.prod(self.grid.shape))))
        read = functools.partial(_read_one, self.frames, self.coarsening)
        return functools.lru_cache(count)(read)


def _read_one(
    frames: Sequence[tuple[Film, int]], coarsening: int, index: int
) -> Float[np.ndarray, "rows columns"]:
    """Return a frame in coarse cells; clutter is missing."""
    film, frame = frames[index]
    (dbz,) = film.read(frame, frame + 1)
    if (dbz > rain.HIGHEST).any():
        raise InputError(
            f"{film.name} has {np.nanmax(dbz):g} dBZ in frame {frame}: a code "
            "taken for rain? Correct scale_factor, add_offset or _FillValue"
        )
    clutter = dbz > rain.CLUTTER
    if clutter.any():
        _tell_clutter(film.name, frame, float(rain.rain_rate(np.nanmax(dbz))))
        dbz = np.where(clutter, np.float32(np.nan), dbz)
    return _coarse(dbz, coarsening) if coarsening > 1 else dbz


def _tell_clutter(name: str, frame: int, rate: float) -> None:
    """Warn of clutter, once for each film."""
    if name not in _told:
        _told.add(name)
        log.warning(
            "%s: values of up to %.0f mm/h, as in frame %d, are clutter, taken as "
            "missing",
            *(name, rate, frame),
        )


# Films whose clutter was told.
_told: set[str] = set()


def _coarse(dbz: np.ndarray, times: int) -> np.ndarray:
    """Return dBZ of the mean rain rate in squares of so many cells a side."""
    rows, columns = (cells // times for cells in dbz.shape)
    blocks = dbz[: rows * times, : columns * times]
    blocks = blocks.reshape(rows, times, columns, times).swapaxes(1, 2)
    blocks = blocks.reshape(rows, columns, times**2).astype(np.float64)
    known = np.isfinite(blocks)
    # The floor of 0 dBZ stands for no rain.
    rates = np.where(known & (blocks > 0), rain.rain_rate(blocks), 0.0)
    count = known.sum(-1)
    mean = rates.sum(-1) / np.maximum(count, 1)
    coarse = np.maximum(rain.reflectivity(mean), 0.0)
    coarse[count < KNOWN * times**2] = np.nan
    return coarse.astype(np.float32)


def find_files(root: str, paths: str) -> list[pathlib.Path]:
    """Return the files that are meant, in the order of their names.

    Args:
      root: what relative paths start from, as in `data_file`.
      paths: files, folders and patterns, with a comma between two.
    """
    found = []
    for path in (data_file(root, text.strip()) for text in paths.split(",")):
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if is_composite(file))
            if not files:
                raise InputError(f"{path} is a folder without a file of composites")
        elif any(letter in path.name for letter in "*?["):
            files = sorted(path.parent.glob(path.name))
            if not files:
                raise InputError(f"{path}: no file has such a name")
        else:
            files = [path]
        found += files
    return found


def open_events(
    files: Sequence[pathlib.Path], variable: str = "", remedy: str = ""
) -> list[Event]:
    """Return the events in these files, in the order of time.

    A damaged file among several is left out, and a line says so; so are doubles and
    frames that stand alone.

    Raises:
      InputError: no file can be read, or there is no event of two frames.
    """
    films = _films(files, variable, remedy)
    events = [
        event for group in _same_place(films) for event in _continuous(*_sorted(group))
    ]
    alone = [event for event in events if len(event) < 2]
    if len(alone) == len(events):
        raise InputError(
            f"{films[0].name}: no two frames follow each other, and motion is seen in "
            "two or more: name a folder of consecutive frames"
        )
    if alone:
        log.warning("%d frames stand alone in time and are left out", len(alone))
    return sorted(
        (event for event in events if len(event) > 1), key=lambda event: event.times[0]
    )


def usual_interval(events: Sequence[Event]) -> float:
    """Return the minutes between frames, the median over all frames."""
    each = np.repeat([event.interval for event in events], [len(e) for e in events])
    return float(np.percentile(each, 50, method="lower"))


def _films(files: Sequence[pathlib.Path], variable: str, remedy: str) -> list[Film]:
    films = []
    for path in files:
        try:
            films.append(open_film(path, variable, remedy))
        except InputError as error:
            if len(files) == 1 or not path.exists():
                raise
            log.warning("left out: %s", error)
    if not films:
        raise InputError(
            f"none of {len(files)} files can be read, from {files[0]} on: see above"
        )
    return films


def _same_place(films: Iterable[Film]) -> list[list[Film]]:
    """Return films in groups that may be parts of one sequence."""
    groups: dict[object, list[Film]] = {}
    for film in films:
        if film.grid.is_placed:
            source = None
        else:
            source = film.path.parent if len(film.times) == 1 else film.path
        groups.setdefault((film.grid, source), []).append(film)
    return list(groups.values())


def _sorted(films: Sequence[Film]) -> tuple[np.ndarray, list[tuple[Film, int]]]:
    """Return the times of all frames in order, without doubles, and the frames."""
    frames = [(film, index) for film in films for index in range(len(film.times))]
    times = np.concatenate([film.times for film in films])
    _, first = np.unique(times, return_index=True)
    if len(first) < len(times):
        log.warning(
            "%s: %d frames have a time that another has, and are left out",
            *(films[0].name, len(times) - len(first)),
        )
    if any((np.diff(film.times) < 0).any() for film in films):
        log.warning("%s: frames are put in the order of their times", films[0].name)
    return times[first], [frames[index] for index in first]


def _continuous(times: np.ndarray, frames: Sequence[tuple[Film, int]]) -> list[Event]:
    """Return the events between gaps."""
    film, _ = frames[0]
    if len(times) < 2:
        return [Event(film.name, times, film.grid, frames)]
    spans = continuous_spans(times, film.name)
    if len(spans) > 1:
        log.warning("%s: cut at %d gaps in time", film.name, len(spans) - 1)
    whole = Event(film.name, times, film.grid, frames)
    return [whole.between(*span) for span in spans]
