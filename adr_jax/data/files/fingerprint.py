"""Fingerprints: short names of contents, which stored runs compare."""

import hashlib
from collections.abc import Iterable

import numpy as np


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
