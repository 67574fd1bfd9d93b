"""How the scores of frames become one number: sums first, then division."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float


class Ratio(NamedTuple):
    """A score as two sums, for each sample, step and part (channels, classes or 1).

    Sums over samples are divided; the quotients are averaged over parts and steps. A
    denominator of 0 says that there is nothing to score: a frame without rain has no
    part in a CSI, one without a cell no part in a mean.
    """

    numerator: Float[np.ndarray, "samples steps parts"]
    denominator: Float[np.ndarray, "samples steps parts"]

    @classmethod
    def of_frames(cls, scores: Float[np.ndarray, "samples steps parts"]) -> Self:
        """The mean of scores that frames have of their own; NaN is left out."""
        defined = ~np.isnan(scores)
        return cls(np.where(defined, scores, 0.0), defined.astype(np.float64))

    @classmethod
    def joined(cls, ratios: Sequence[Self]) -> Self:
        """The same score of several batches of samples."""
        return cls(*(np.concatenate(sums) for sums in zip(*ratios, strict=True)))

    def failed(self, where: Bool[np.ndarray, "samples steps"]) -> Self:
        """The same, NaN where a forecast is no number: it must not go unnoticed."""
        lost = where[..., None]
        return type(self)(
            np.where(lost, np.nan, self.numerator), np.where(lost, 1, self.denominator)
        )

    def score(self) -> float:
        """One number; NaN where nothing is defined."""
        return float(_mean_quotient(*self._pooled(), axis=(0, 1)))

    def by_step(self) -> Float[np.ndarray, " steps"]:
        """One number a step."""
        return _mean_quotient(*self._pooled(), axis=1)

    def by_sample(self) -> Float[np.ndarray, " samples"]:
        """One number a sample, by itself; NaN also where nothing is defined."""
        return _mean_quotient(self.numerator, self.denominator, axis=(1, 2))

    def is_defined(self) -> Bool[np.ndarray, " samples"]:
        """Which samples have anything to score."""
        return np.any(self.denominator > 0, axis=(1, 2))

    def spread(self) -> float:
        """The standard deviation of the scores that samples have by themselves."""
        scores = self.by_sample()[self.is_defined()]
        with np.errstate(invalid="ignore"):  # of infinite scores: NaN
            return float(np.std(scores)) if scores.size else np.nan

    def _pooled(self) -> tuple[np.ndarray, np.ndarray]:
        return self.numerator.sum(0), self.denominator.sum(0)


def _mean_quotient(
    numerator: np.ndarray, denominator: np.ndarray, axis: int | tuple[int, ...]
) -> np.ndarray:
    counted = denominator > 0
    quotients = np.divide(
        numerator, denominator, out=np.zeros(numerator.shape), where=counted
    )
    with np.errstate(invalid="ignore"):  # 0 / 0, nothing to score: NaN
        return quotients.sum(axis) / counted.sum(axis)
