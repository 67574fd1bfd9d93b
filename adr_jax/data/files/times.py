"""Times in files: numbers since a moment, texts, and stamps in names."""

import datetime
import re

import numpy as np
from jaxtyping import Float, Shaped

from adr_jax.data.files import hdf5
from adr_jax.errors import InputError

# Beginnings of the units of CF, and their seconds.
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
SINCE = re.compile(r"\s*([a-zA-Z]+)\s+since\s+(.*?)\s*(?:UTC|Z|GMT|[+-]00:?00)?\s*$")
# What CDO calls the units of days in digits, as 20200131.25.
DAYS_IN_DIGITS = "day as %Y%m%d"
# A day and a time of day, in hours and minutes, or seconds too.
STAMP = re.compile(r"(?<!\d)((?:19|20)\d{6})\D?(\d{4})(\d{2})?(?!\d)")


def unix_seconds(
    values: Float[np.ndarray, "..."], units: str, what: object
) -> Float[np.ndarray, "..."]:
    """Return Unix seconds, float64, of numbers in units such as "hours since 1900-1-1".

    Units that are only "seconds", or none, are taken to be Unix seconds.

    Raises:
      InputError: the units are others.
    """
    values = np.asarray(values, np.float64)
    match = SINCE.match(units)
    if match is None:
        if units.strip() in ("", "s", "second", "seconds"):
            return values
        raise InputError(
            f"{what} has units {units!r}; expected Unix seconds, or for example "
            "'minutes since 2026-01-31 00:00:00'"
        )
    step = next((s for u, s in SECONDS.items() if match[1].lower().startswith(u)), None)
    start = _moment(match[2])
    if step is None or start is None:
        raise InputError(
            f"{what} has units {units!r}; expected seconds, minutes, hours or days "
            "since a date"
        )
    return start + step * values


def _moment(text: str) -> float | None:
    """Return Unix seconds of "2018-6-1", "1970-01-01 00:00:0.0" and the like."""
    numbers = [float(n) for n in re.findall(r"\d+(?:\.\d*)?", text)]
    if not 3 <= len(numbers) <= 6:
        return None
    year, month, day, *clock = numbers
    try:
        date = datetime.datetime(int(year), int(month), int(day), tzinfo=datetime.UTC)
    except ValueError:
        return None
    units = (3600, 60, 1)
    return date.timestamp() + sum(
        n * unit for n, unit in zip(clock, units, strict=False)
    )


def as_dates(values: Shaped[np.ndarray, "..."], units: object) -> np.ndarray | None:
    """Return datetime64, in UTC, of times in words or in digits; None of any others.

    Args:
      values: texts, as 2020-01-31_06:30:00, of one axis, or of two with single letters,
        as netCDF stores them; what is no date among them is NaT. Or numbers: stamps, as
        20200131 or 202001310630, all of them and without units, or 20200131.25 in units
        DAYS_IN_DIGITS.
      units: what the file says of them, or None.
    """
    if values.dtype.kind in "SUO":
        return _dates(values)
    if values.dtype.kind not in "iuf":
        return None
    if str(units).startswith(DAYS_IN_DIGITS):
        days = np.floor(values)
        parts = np.round((values - days) * 86400e6).astype("timedelta64[us]")
        return _in_digits(days) + parts
    return _stamps(values) if units is None else None


def _dates(texts: Shaped[np.ndarray, "..."]) -> np.ndarray | None:
    if texts.ndim > 1:
        texts = np.array([b"".join(letters) for letters in np.ma.filled(texts, b"")])
    found = [_date(hdf5.text(text).strip("\0 ")) for text in texts.tolist()]
    moments = np.array(found, "datetime64[us]")
    return None if np.isnat(moments).all() else moments


def _stamps(numbers: Float[np.ndarray, "..."]) -> np.ndarray | None:
    """Return dates where all numbers are stamps; else they count something else."""
    lengths = {len(f"{number:.0f}") for number in numbers}
    if not lengths <= {8, 12, 14} or (numbers % 1).any():
        return None
    moments = _in_digits(numbers)
    years = moments.astype("datetime64[Y]").astype(int) + 1970
    return moments if ((years >= 1900) & (years < 2100)).all() else None


def _in_digits(numbers: Float[np.ndarray, "..."]) -> np.ndarray:
    return np.array([_date(f"{number:.0f}") for number in numbers], "datetime64[us]")


def _date(text: str) -> np.datetime64:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        found = stamp(text)
        return np.datetime64("NaT" if found is None else round(found * 1e6), "us")
    if moment.tzinfo:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def stamp(name: str) -> float | None:
    """Return Unix seconds of the first stamp in a name, as 201609281445; else None."""
    for day, clock, seconds in STAMP.findall(name):
        found = parse(f"{day}{clock}{seconds or '00'}", "%Y%m%d%H%M%S")
        if found is not None:
            return found
    return None


def parse(text: str, form: str) -> float | None:
    """Return Unix seconds of a moment in UTC, written as strptime's form; else None."""
    try:
        moment = datetime.datetime.strptime(text, form)
    except ValueError:
        return None
    return moment.replace(tzinfo=datetime.UTC).timestamp()


def in_words(seconds: float) -> str:
    """Return a moment in UTC as 2018-06-16 10:05."""
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M}"
