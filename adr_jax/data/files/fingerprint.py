"""Fingerprints: short names of contents, which stored runs compare."""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from adr_jax.data.contract import places

# Values that a fingerprint takes in, a second's reading. Of a larger set it takes in
# so many frames, evenly spread.
VALUES, SAMPLED = 2**24, 256
# Values that are read at a time.
AT_ONCE = 2**22


def fingerprint(parts: Iterable[object], digits: int = 16) -> str:
    """Return the first hexadecimal digits of the SHA-256 of all parts.

    A part is bytes, an array, of which the values count, or a fact in words or numbers.
    Parts are read one after the other, so a generator holds one at a time in memory.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(part.tobytes())
        else:
            digest.update(part if isinstance(part, bytes) else str(part).encode())
    return digest.hexdigest()[:digits]


def spans_taken_in(
    lengths: Sequence[int], frame_shape: Sequence[int]
) -> Iterator[tuple[int, int, int]]:
    """Yield which frames of a set its fingerprint takes in: (index, start, stop).

    Args:
      lengths: the number of frames of each film of the set.
      frame_shape: the shape that all frames have.

    Yields:
      The film, the first of its frames and the one after the last. Together they are
      all frames of a set of up to VALUES values, so that no change of one goes
      unnoticed, and otherwise SAMPLED frames evenly spread, the first and the last
      among them.
    """
    total, size = sum(lengths), math.prod(frame_shape)
    if total * size <= VALUES:
        at_once = max(1, AT_ONCE // size)
        for index, length in enumerate(lengths):
            for start in range(0, length, at_once):
                yield index, start, min(start + at_once, length)
        return
    chosen = np.unique(np.linspace(0, total - 1, SAMPLED).astype(int))
    for index, frame in places(chosen, lengths):
        yield index, frame, frame + 1
