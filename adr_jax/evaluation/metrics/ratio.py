"""Ratios of sums: the scores of frames combined into one number."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float


class Ratio(NamedTuple):
    """A score as two sums, for each sample, step and part (channels, classes or 1).

    Sums over samples are divided; the quotients are averaged over parts and steps. A
    denominator of 0 means that there is nothing to score: a frame without rain does not
    count in the CSI, nor a frame without observed cells in a mean.
    """

    numerator: Float[np.ndarray, "samples steps parts"]
    denominator: Float[np.ndarray, "samples steps parts"]

    @classmethod
    def of_frames(cls, scores: Float[np.ndarray, "samples steps parts"]) -> Self:
        """Return the mean of scores of single frames; NaN does not count."""
        defined = ~np.isnan(scores)
        return cls(np.where(defined, scores, 0.0), defined.astype(np.float64))

    @classmethod
    def joined(cls, ratios: Sequence[Self]) -> Self:
        """Join the ratios of several batches of samples."""
        return cls(*(np.concatenate(sums) for sums in zip(*ratios, strict=True)))

    def failed(self, is_failed: Bool[np.ndarray, "samples steps"]) -> Self:
        """Return the ratio with NaN for frames whose forecast is not finite."""
        mask = is_failed[..., None]
        return type(self)(
            np.where(mask, np.nan, self.numerator), np.where(mask, 1, self.denominator)
        )

    def score(self) -> float:
        """Return one number; NaN if there is nothing to score."""
        return float(_mean_quotient(*self._pooled(), axis=(0, 1)))

    def by_step(self) -> Float[np.ndarray, " steps"]:
        """Return one number for each step."""
        return _mean_quotient(*self._pooled(), axis=1)

    def by_sample(self) -> Float[np.ndarray, " samples"]:
        """Return the score of each sample alone; NaN if there is nothing to score."""
        return _mean_quotient(self.numerator, self.denominator, axis=(1, 2))

    def is_defined(self) -> Bool[np.ndarray, " samples"]:
        """Return the mask of samples with anything to score."""
        return np.any(self.denominator > 0, axis=(1, 2))

    def spread(self) -> float:
        """Return the standard deviation of the scores of single samples."""
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
