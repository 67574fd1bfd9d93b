"""A summary of a file's values from some of its frames, evenly spread."""

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from adr_jax.data.own.sequences import Sequences
from adr_jax.errors import InputError

FRAMES = 32


class Extreme(NamedTuple):
    """The smallest value, or the largest, and the one next to it."""

    value: float
    # Cells that have it.
    count: int
    next: float

    @classmethod
    def of(cls, values: np.ndarray, sign: int) -> Self:
        """Return the largest value, or with sign -1 the smallest; NaN are none."""
        known = sign * values[np.isfinite(values)]
        value = known.max(initial=-np.inf)
        beyond = known[known < value].max(initial=-np.inf)
        return cls(sign * value, int((known == value).sum()), sign * beyond)

    @classmethod
    def merge(cls, parts: Sequence[Self], sign: int) -> Self:
        """Return the extreme of several parts together."""
        value = sign * max(sign * part.value for part in parts)
        count = sum(part.count for part in parts if part.value == value)
        others = [p.next if p.value == value else p.value for p in parts]
        return cls(value, count, sign * max(sign * other for other in others))


@dataclasses.dataclass(frozen=True)
class Summary:
    """Statistics of the values looked at; mean and std are those of each channel."""

    mean: Sequence[float]
    std: Sequence[float]
    # Of each channel the smallest and the largest value.
    extremes: Sequence[tuple[Extreme, Extreme]]
    # Share of values.
    missing: float
    frames: int
    # Changes with the content.
    digest: str

    @property
    def minimum(self) -> float:
        """The smallest value of all."""
        return min(low.value for low, _ in self.extremes)

    @property
    def maximum(self) -> float:
        """The largest value of all."""
        return max(high.value for _, high in self.extremes)

    @classmethod
    def read(cls, source: Sequences) -> Self:
        """Read some frames; InputError where no value of them is known."""
        starts = np.cumsum([0, *source.lengths])
        chosen = np.unique(np.linspace(0, starts[-1] - 1, FRAMES).astype(int))
        digest, sums = hashlib.sha256(), np.zeros((4, source.frame_shape[-1]))
        found: list[list[tuple[Extreme, Extreme]]]
        found = [[] for _ in range(source.frame_shape[-1])]
        for frame in chosen:
            index = int(np.searchsorted(starts, frame, side="right")) - 1
            first = int(frame - starts[index])
            values = source.read(index, first, first + 1)
            digest.update(values.tobytes())
            values = values.reshape(-1, values.shape[-1]).astype(np.float64)
            known = np.isfinite(values)
            for ends, channel in zip(found, values.T, strict=True):
                ends.append((Extreme.of(channel, -1), Extreme.of(channel, 1)))
            squares = np.square(values)
            sums += [
                np.full(values.shape[1], len(values)),
                known.sum(0),
                values.sum(0, where=known),
                squares.sum(0, where=known),
            ]
        cells, count, total, squares = sums
        if not count.any():
            raise InputError(
                f"{source.path}: every value looked at is missing (NaN, _FillValue, "
                "missing_value, outside valid_range or transparent): check the file, "
                "or choose another variable"
            )
        mean = total / np.maximum(count, 1)
        variance = np.maximum(squares / np.maximum(count, 1) - mean**2, 0)
        return cls(
            mean=mean.tolist(),
            std=np.sqrt(variance).tolist(),
            extremes=[
                (
                    Extreme.merge([low for low, _ in ends], -1),
                    Extreme.merge([high for _, high in ends], 1),
                )
                for ends in found
            ],
            missing=1 - float(count.sum() / cells.sum()),
            frames=len(chosen),
            digest=digest.hexdigest(),
        )
