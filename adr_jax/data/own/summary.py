"""A summary of a file's values from some of its frames, evenly spread."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from adr_jax.data.contract import places
from adr_jax.data.own.sequences import Sequences
from adr_jax.errors import InputError

FRAMES = 32


@dataclasses.dataclass(frozen=True)
class Summary:
    """Statistics of the values looked at; mean and std are those of each channel."""

    mean: Sequence[float]
    std: Sequence[float]
    minimum: float
    maximum: float
    # Share of values.
    missing: float
    frames: int

    @classmethod
    def read(cls, source: Sequences) -> Self:
        """Read some frames; InputError where no value of them is known."""
        last = sum(source.lengths) - 1
        chosen = np.unique(np.linspace(0, last, FRAMES).astype(int))
        sums = np.zeros((4, source.frame_shape[-1]))
        minimum, maximum = np.inf, -np.inf
        for index, frame in places(chosen, source.lengths):
            values = source.read(index, frame, frame + 1)
            values = values.reshape(-1, values.shape[-1]).astype(np.float64)
            known = np.isfinite(values)
            minimum = min(minimum, values.min(initial=np.inf, where=known))
            maximum = max(maximum, values.max(initial=-np.inf, where=known))
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
            minimum=float(minimum),
            maximum=float(maximum),
            missing=1 - float(count.sum() / cells.sum()),
            frames=len(chosen),
        )
