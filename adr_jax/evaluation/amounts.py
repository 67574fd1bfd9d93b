"""Amounts of a forecast matched to those observed.

Forecasts made by square errors are smooth: extremes fade, and rain above a threshold
covers less than it should. Matching gives each cell the observed value of its rank: the
places are those of the forecast, the amounts those of the last frame.
"""

import numpy as np
from jaxtyping import Float


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
