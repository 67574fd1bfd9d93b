"""Extremes that look like fill values, named before anything is trained on them."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np

from adr_jax.data.contract import places
from adr_jax.data.files.packing import NO_FILL, Packing
from adr_jax.data.own.sequences import Sequences
from adr_jax.errors import InputError

# Numbers in common use for what is missing, with either sign.
USUAL = (99, 999, 9999, 99999, 999999, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1)
# How far beyond all other values an extreme is asked about, in multiples of the range
# of these: one in common use, one that repeats, and any.
FAR_USUAL, FAR_REPEATED, FAR = 1, 100, 1e6


# About how many values are looked at, and in how many blocks if a file has more.
VALUES, BLOCKS = 2**23, 8


class Extreme(NamedTuple):
    """The largest value of some, or the smallest, and the one next to it."""

    value: float
    # Cells that have it.
    count: int
    next: float

    @classmethod
    def of(cls, values: np.ndarray, sign: int) -> Self:
        """Return the largest value, or with sign -1 the smallest; NaN are none."""
        known = sign * values[np.isfinite(values)]
        value = float(known.max(initial=-np.inf))
        beyond = float(known[known < value].max(initial=-np.inf))
        return cls(sign * value, int((known == value).sum()), sign * beyond)

    @classmethod
    def merge(cls, parts: Sequence[Self], sign: int) -> Self:
        """Return the extreme of several parts together."""
        value = sign * max(sign * part.value for part in parts)
        count = sum(part.count for part in parts if part.value == value)
        others = [p.next if p.value == value else p.value for p in parts]
        return cls(value, count, sign * max(sign * other for other in others))


def check(source: Sequences) -> None:
    """Raise InputError for an extreme that may stand for a missing value."""
    for suspect in suspects(source):
        raise InputError(
            f"{source.path}: {suspect}. Does it stand for a missing value? Then set "
            f"--config.data.fill to it, else --config.data.fill={NO_FILL}"
        )


def suspects(source: Sequences) -> Iterator[str]:
    """Yield, in words, the extremes that may stand for missing values."""
    if source.data_range:  # of pictures, where 0 and 255 are black and white
        return
    # Of each channel; PDEBench's layout has none.
    packings = [part.packing for part in source.parts for _ in range(part.channels)]
    ends = itertools.zip_longest(_extremes(source), packings)
    for (low, high), packing in ends:
        for extreme, other in ((low, high), (high, low)):
            stored = _stored(packing, extreme.value)
            if _is_far(extreme, other, is_usual=bool({*map(abs, stored)} & {*USUAL})):
                number = ",".join(str(part).removesuffix(".0") for part in stored)
                rest = sorted((extreme.next, other.value))
                yield (
                    f"{number} is stored in {extreme.count} of the cells looked "
                    f"at, and far from all others, {rest[0]:.6g} to {rest[1]:.6g}"
                )


def _extremes(source: Sequences) -> Iterator[tuple[Extreme, Extreme]]:
    """Yield the smallest and the largest value of each channel."""
    channels = range(source.frame_shape[-1])
    found = [([], []) for _ in channels]
    for block in _blocks(source):
        values = source.read(*block)
        for channel, ends in zip(channels, found, strict=True):
            for end, sign in zip(ends, (-1, 1), strict=True):
                end.append(Extreme.of(values[..., channel], sign))
    for lows, highs in found:
        yield Extreme.merge(lows, -1), Extreme.merge(highs, 1)


def _blocks(source: Sequences) -> Iterator[tuple[int, int, int]]:
    """Yield trajectories and spans of their frames: all, or blocks evenly spread."""
    total = sum(source.lengths)
    at_once = max(1, VALUES // math.prod(source.frame_shape))
    if total <= at_once:
        yield from ((index, 0, length) for index, length in enumerate(source.lengths))
        return
    chosen = np.linspace(0, total, BLOCKS, endpoint=False).astype(int)
    for index, first in places(chosen, source.lengths):
        stop = first + max(1, at_once // BLOCKS)
        yield index, first, min(stop, source.lengths[index])


def _is_far(extreme: Extreme, other: Extreme, *, is_usual: bool) -> bool:
    gap = abs(extreme.value - extreme.next)
    rest = abs(extreme.next - other.value)
    if is_usual:
        return gap > FAR_USUAL * rest
    far = FAR_REPEATED if extreme.count > 1 else FAR
    return rest > 0 and gap > far * rest


def _stored(packing: Packing | None, value: float) -> list[float]:
    """Return the number in the file that stands for a value, or those that may."""
    if packing is None:
        return [value]
    number = (value - packing.offset) / packing.scale
    if packing.dtype.kind == "f":
        return [float(str(np.float32(number)))]
    # Of more than seven digits, float32 values do not tell which.
    signed = (sign * usual for usual in USUAL for sign in (1, -1))
    return [n for n in signed if np.float32(n) == number] or [int(np.rint(number))]
