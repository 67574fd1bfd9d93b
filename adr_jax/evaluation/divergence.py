"""Forecasts that blow up: how to know them, and how they are told."""

import dataclasses

import numpy as np
from jaxtyping import Float

# A value so many half ranges off the middle of its history's range has blown up.
TIMES = 10
# A range is at least so many standard deviations of the training data: a history may be
# flat.
DEVIATIONS = 3


@dataclasses.dataclass(frozen=True)
class Divergence:
    """Say where a forecast first leaves the range of its history tenfold."""

    sample: int
    # Counted from 1.
    step: int
    channel: int
    value: float
    least: float
    most: float

    def __str__(self) -> str:
        """Say which step, which value and which range."""
        return (
            f"frame {self.step} of the forecast has {self.value:.3g} in channel "
            f"{self.channel}, whose history lies between {self.least:.3g} and "
            f"{self.most:.3g}: it has blown up"
        )


def find(
    history: Float[np.ndarray, "samples time *space channels"],
    ahead: Float[np.ndarray, "samples steps *space channels"],
    deviation: Float[np.ndarray, " channels"],
) -> Divergence | None:
    """Return where a forecast first blows up, or turns NaN; None if it never does.

    `deviation` is the standard deviation of each channel in the training data. A
    history that is all missing says nothing of a range.
    """
    of_past, of_frame = (tuple(range(n, history.ndim - 1)) for n in (1, 2))
    known = np.isfinite(history)
    seen = np.any(known, axis=of_past)
    least = np.where(seen, np.min(np.where(known, history, np.inf), of_past), 0)
    most = np.where(seen, np.max(np.where(known, history, -np.inf), of_past), 0)
    middle = (least + most)[:, None] / 2
    half = np.maximum((most - least) / 2, DEVIATIONS * deviation)
    highest, lowest = ahead.max(of_frame), ahead.min(of_frame)
    farther = np.where(highest - middle > middle - lowest, highest, lowest)
    # Written so that NaN counts as outside.
    within = np.abs(farther - middle) <= TIMES * half[:, None]
    outside = seen[:, None] & ~within
    if not outside.any():
        return None
    step = int(np.argmax(outside.any(axis=(0, 2))))
    sample, channel = np.argwhere(outside[:, step])[0]
    return Divergence(
        int(sample),
        step + 1,
        int(channel),
        float(farther[sample, step, channel]),
        float(least[sample, channel]),
        float(most[sample, channel]),
    )
