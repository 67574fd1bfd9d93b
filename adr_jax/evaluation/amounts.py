"""Fields of rain whose extremes do not fade, from a forecast that is smooth.

Forecasts made by square errors are means: extremes fade, and rain above a threshold
covers less than it should. Matching gives each cell the observed value of its rank: the
places are those of the forecast, the amounts those of the last frame. Or the value is
taken that is reached with some probability.
"""

import itertools

import numpy as np
from jaxtyping import Float

# A forecast that says "yes" from this probability on has the highest critical success
# index, if that index is a half: the best one is CSI / (1 + CSI), half the F score.
SHARE = 1 / 3


def matched(
    forecast: Float[np.ndarray, "steps *space channels"],
    last: Float[np.ndarray, "*space channels"],
) -> Float[np.ndarray, "steps *space channels"]:
    """Return each frame with the values of the last observed one, rank by rank.

    Channels are matched apart. Where cells are missing, NaN, in one of both, the values
    are those of equal quantiles. Source: Ebert, Mon. Wea. Rev. 129, 2001, "probability
    matching".
    """
    result = np.array(forecast)
    for channel in range(forecast.shape[-1]):
        observed = np.sort(last[..., channel][~np.isnan(last[..., channel])])
        for frame in result[..., channel]:
            known = ~np.isnan(frame)
            count = int(known.sum())
            if not (count and len(observed)):
                continue
            ranks = np.argsort(np.argsort(frame[known], kind="stable"))
            places = np.linspace(0, len(observed) - 1, count)
            frame[known] = np.interp(places, np.arange(len(observed)), observed)[ranks]
    return result


def reached(
    likely: Float[np.ndarray, "*cells thresholds"],
    thresholds: tuple[float, ...],
    share: float = SHARE,
) -> Float[np.ndarray, "*cells"]:
    """Return the value that is reached with the probability `share`.

    It reaches a threshold exactly where that has the probability or more; between
    thresholds it is linear in the probability, and above the last it falls within as
    much as between the last two.

    Args:
      likely: the probability of reaching each threshold, never more for a higher one.
      thresholds: two or more, ascending, in the unit of the result.
      share: a probability.

    Returns:
      0 where the lowest threshold is not likely enough; NaN where nothing is known.
    """
    top = 2 * thresholds[-1] - thresholds[-2]
    values = np.where(np.isnan(likely[..., 0]), np.nan, 0.0).astype(likely.dtype)
    for k, (low, high) in enumerate(itertools.pairwise((*thresholds, top))):
        above = likely[..., k + 1] if k + 1 < len(thresholds) else 0.0 * likely[..., k]
        fall = np.maximum(likely[..., k] - above, np.finfo(likely.dtype).tiny)
        part = np.clip((likely[..., k] - share) / fall, 0.0, 1.0)
        values = np.where(likely[..., k] >= share, low + part * (high - low), values)
    return values
