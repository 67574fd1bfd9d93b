"""Extremes that look like fill values, named before anything is trained on them."""

from collections.abc import Iterator

import numpy as np

from adr_jax.data.files.packing import NO_FILL
from adr_jax.data.own.sequences import ArraySequences, Sequences
from adr_jax.data.own.summary import Extreme, Summary
from adr_jax.errors import InputError

# Numbers in common use for what is missing, with either sign.
USUAL = (99, 999, 9999, 99999, 999999, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1)
# How far beyond all other values an extreme is asked about, in multiples of the range
# of these: one in common use, one that repeats, and any.
FAR_USUAL, FAR_REPEATED, FAR = 1, 100, 1e6


def check(source: Sequences, summary: Summary) -> None:
    """Raise InputError for an extreme that may stand for a missing value."""
    for suspect in suspects(source, summary):
        raise InputError(
            f"{source.path}: {suspect}. Does it stand for a missing value? Then set "
            f"--config.data.fill to it, else --config.data.fill={NO_FILL}"
        )


def suspects(source: Sequences, summary: Summary) -> Iterator[str]:
    """Yield, in words, the extremes that may stand for missing values."""
    if source.data_range:  # of pictures, where 0 and 255 are black and white
        return
    for low, high in summary.extremes:
        for extreme, other in ((low, high), (high, low)):
            stored = _stored(source, extreme.value)
            if _is_far(extreme, other, is_usual=bool({*map(abs, stored)} & {*USUAL})):
                number = ",".join(str(part).removesuffix(".0") for part in stored)
                rest = sorted((extreme.next, other.value))
                yield (
                    f"{number} is stored in {extreme.count} of the cells looked "
                    f"at, and far from all others, {rest[0]:.6g} to {rest[1]:.6g}"
                )


def _is_far(extreme: Extreme, other: Extreme, *, is_usual: bool) -> bool:
    gap = abs(extreme.value - extreme.next)
    rest = abs(extreme.next - other.value)
    if is_usual:
        return gap > FAR_USUAL * rest
    far = FAR_REPEATED if extreme.count > 1 else FAR
    return rest > 0 and gap > far * rest


def _stored(source: Sequences, value: float) -> list[float]:
    """Return the number in the file that stands for a value, or those that may."""
    if not isinstance(source, ArraySequences):
        return [value]
    packing = source.packing
    number = (value - packing.offset) / packing.scale
    if packing.dtype.kind == "f":
        return [float(str(np.float32(number)))]
    # Of more than seven digits, float32 values do not tell which.
    signed = (sign * usual for usual in USUAL for sign in (1, -1))
    return [n for n in signed if np.float32(n) == number] or [int(np.rint(number))]
