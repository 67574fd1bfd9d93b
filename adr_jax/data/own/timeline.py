"""Frames in the order of their times, and stretches without a gap between them."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from adr_jax.data.contract import continuous_spans
from adr_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class Timeline:
    """The frames of a film that count, in the order of time."""

    # Index in the file of each frame.
    frames: np.ndarray
    # Stretches of them without a jump in time: the first, and the one after the last.
    spans: Sequence[tuple[int, int]]
    # What was done about their times, for people.
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, count: int, times: np.ndarray | None, what: str) -> Self:
        """Order `count` frames by their times, where the file states them.

        Of several frames of one time the first counts.

        Raises:
          InputError: some times are missing.
        """
        if times is None or count < 2:
            return cls(np.arange(count), [(0, count)])
        seconds = times.astype(np.float64)
        missing = ~np.isfinite(times)
        if missing.any():
            raise InputError(
                f"{what}: {missing.sum()} of {count} times are missing, the first that "
                f"of frame {missing.argmax()}: write them, or leave these frames out"
            )
        ordered, frames = np.unique(seconds, return_index=True)
        spans = continuous_spans(ordered, what) if len(ordered) > 1 else [(0, 1)]
        notes = []
        if (np.diff(seconds) < 0).any():
            notes.append("frames are put in the order of their times")
        if len(frames) < count:
            repeated = f"{count - len(frames)} of {count} frames"
            notes.append(f"{repeated} are left out, whose times repeat others")
        if len(spans) > 1:
            notes.append(
                f"{len(spans)} stretches with gaps of time between; no window crosses "
                "one"
            )
        return cls(frames, spans, tuple(notes))
