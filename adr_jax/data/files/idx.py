"""The idx format of the MNIST digits: an array of bytes, plain or gzipped.

Two zero bytes, a byte for the type of the numbers, one for the count of axes, the axes'
lengths as big-endian 32-bit integers, then the numbers, last axis fastest.
"""

import gzip
import math
import pathlib

import numpy as np
from jaxtyping import UInt8

from adr_jax.data.files.reading import reading
from adr_jax.errors import InputError

UNSIGNED_BYTE = 0x08


def read(path: pathlib.Path) -> UInt8[np.ndarray, "*axes"]:
    """Return the array in an idx file of bytes; one whose name ends in .gz is unpacked.

    Raises:
      InputError: the file is not idx, holds other values than unsigned bytes, or is
        shorter or longer than its header states.
    """
    with reading(path, "fetch it again"):
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    if len(content) < 4 or content[:3] != bytes((0, 0, UNSIGNED_BYTE)):
        raise InputError(
            f"{path}: starts with {content[:4].hex(' ') or 'nothing'}, an idx file of "
            "bytes with 00 00 08 and its count of axes: fetch it again, or mend its "
            "name, in which .gz means that it is compressed"
        )
    header = 4 + 4 * content[3]
    shape = [int.from_bytes(content[at : at + 4]) for at in range(4, header, 4)]
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise InputError(
            f"{path}: has {len(content)} bytes where its header promises {expected}: "
            "fetch it again, it is cut short or damaged"
        )
    return np.frombuffer(content, np.uint8)[header:].reshape(shape)
