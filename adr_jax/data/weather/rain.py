"""Rain as a quantity: reflectivity, rain rates and amounts, and how one becomes dBZ.

By Marshall and Palmer, Z = 200 R^1.6, reflectivity is 23.0 + 16 log10 R in dBZ for a
rain rate R in mm/h. It is what radars measure, and a logarithm, in which errors are
factors and drizzle counts as much as showers. The floor of 0 dBZ, 0.04 mm/h, bounds the
logarithm: less rain does not matter.
"""

import numpy as np
from jaxtyping import Float

from adr_jax.errors import InputError

# Units, as files write them, of reflectivity, of rates by their mm/h, and of amounts
# that fell in some minutes, by their mm.
REFLECTIVITY = ("dBZ", "dbz")
RATES = {
    **dict.fromkeys(("mm/h", "mm h-1", "mm hr-1", "mm/hr", "kg m-2 h-1"), 1.0),
    **dict.fromkeys(("kg m-2 s-1", "mm/s", "mm s-1"), 3600.0),
}
AMOUNTS = dict.fromkeys(("mm", "kg m-2"), 1.0)
UNITS = (*REFLECTIVITY, *RATES, *AMOUNTS)
# dBZ that no rain or hail reaches, 205 m/h: larger values are codes read as values.
HIGHEST = 90.0
# dBZ of the worst rain ever measured, 1,900 mm/h in a minute, rounded up: above it are
# planes, hills and birds.
CLUTTER = 76.0


def reflectivity(rate: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return dBZ for a rain rate in mm/h (Marshall and Palmer), not below -25 dBZ."""
    return 10 * np.log10(200 * np.maximum(rate, 1e-3) ** 1.6)


def rain_rate(dbz: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return the rain rate in mm/h for dBZ; the inverse of `reflectivity`."""
    return (10 ** (dbz / 10) / 200) ** (1 / 1.6)


def as_dbz(
    values: Float[np.ndarray, "..."], unit: str, minutes: float | None, what: object
) -> Float[np.ndarray, "..."]:
    """Return dBZ from 0 up, float32, of values in some unit; NaN stays NaN.

    Args:
      values: NaN where missing.
      unit: one of UNITS.
      minutes: in which an amount fell; not needed for other units.
      what: the file, with which messages begin.

    Raises:
      InputError: the unit is unknown, or an amount's minutes are.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if unit in REFLECTIVITY:
            dbz = values
        elif unit in RATES:
            dbz = reflectivity(values * RATES[unit])
        elif unit in AMOUNTS and minutes:
            dbz = reflectivity(values * AMOUNTS[unit] * 60 / minutes)
        elif unit in AMOUNTS:
            raise InputError(
                f"{what}: an amount of rain in {unit} needs the minutes in which it "
                "fell; state its start and end, or convert it to mm/h"
            )
        else:
            raise InputError(
                f"{what} has units {unit!r}; expected one of {', '.join(UNITS)}: "
                "correct the attribute"
            )
        return np.maximum(dbz, 0.0).astype(np.float32)
