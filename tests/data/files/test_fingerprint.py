"""Tests of adr_jax.data.files.fingerprint."""

import math

import numpy as np
import pytest

from adr_jax.data.files import fingerprint
from adr_jax.data.files.fingerprint import SAMPLED, VALUES, spans_taken_in


@pytest.mark.parametrize("shape", [(4, 4, 1), (1024, 512, 2)])
def test_every_frame_of_a_small_set_is_taken_in_once(shape):
    lengths = [3, 1, 7]
    assert sum(lengths) * math.prod(shape) <= VALUES
    spans = list(spans_taken_in(lengths, shape))
    frames = [(index, n) for index, *span in spans for n in range(*span)]
    assert frames == [(i, n) for i, length in enumerate(lengths) for n in range(length)]
    largest = max(stop - start for _, start, stop in spans)
    assert largest * math.prod(shape) <= fingerprint.AT_ONCE


def test_of_a_large_set_frames_evenly_spread_are():
    lengths, shape = [5000, 1, 2999], (64, 64)
    spans = list(spans_taken_in(lengths, shape))
    starts = np.cumsum([0, *lengths])
    frames = np.array([starts[index] + start for index, start, _ in spans])
    assert len(frames) == SAMPLED
    assert all(stop == start + 1 <= lengths[index] for index, start, stop in spans)
    assert frames[0] == 0
    assert frames[-1] == 7999
    assert set(np.diff(frames)) <= {31, 32}  # 7,999 / 255
