"""The format of numbers in tables and figures."""

import math


def numeral(value: float, digits: int = 3) -> str:
    """Write a number with `digits` significant digits: 1.20e-4, 0.0160, 31.1, 4000."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 1e-2 <= abs(value) < 1e5:
        decimals = digits - 1 - math.floor(math.log10(abs(value)))
        return f"{value:.{max(decimals, 0)}f}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"
