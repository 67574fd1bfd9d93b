"""Times, lengths and names of metrics in words."""

import re

# Seconds in each unit of time, by the names that data sets and files use.
SECONDS = {"s": 1, "sec": 1, "min": 60, "h": 3600, "hr": 3600, "d": 86400}
SECONDS |= {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
SECONDS |= {f"{name}s": SECONDS[name] for name in ("second", "minute", "hour", "day")}
# Parts of metrics' names that are written differently.
NAMES = {"nrmse": "nRMSE", "ssim": "SSIM", "iou": "mean IoU"}
NAMES |= {
    word: word.upper()
    for word in ("rmse", "vrmse", "mse", "mae", "psnr", "csi", "pod", "far", "fss")
}


def label(metric: str, key: str = "") -> str:
    """Return the printed name of a metric: (nrmse_at, 10) is 'nRMSE at step 10'."""
    plain = metric.removesuffix("_by_step").replace("ms_ssim", "MS-SSIM")
    plain = re.sub(r"(\d)cells", r"\1 cells", plain)
    words = plain.split("_")
    words += ["step"] if words[-1] == "at" else []
    return " ".join([*(NAMES.get(word, word) for word in words), key]).strip()


def quantity(size: float | str | None) -> tuple[float, str] | None:
    """Return a number and its unit: "2 km" is (2, "km"), 0.25 is (0.25, "").

    Return None for text without a number.
    """
    if isinstance(size, int | float):
        return float(size), ""
    found = re.fullmatch(r"\s*(\d*\.?\d+(?:e[+-]?\d+)?)\s*([^\d.].*?)\s*", size or "")
    return (float(found[1]), found[2]) if found else None


def extent(cells: float, cell_size: float | str | None) -> str:
    """Return the length of some cells: "256 km", or "64 cells"."""
    size = quantity(cell_size)
    number, unit = (cells, "cells") if size is None else (cells * size[0], size[1])
    return f"{number:{'.3g' if number < 1000 else '.0f'}} {unit}".strip()


def lead_time(steps: float, frame_interval: float | str | None) -> str:
    """Return the lead of some steps: "1 h 30 min", "0.91", or "" if not known."""
    interval = quantity(frame_interval)
    if interval is None:
        return ""
    number, unit = steps * interval[0], interval[1]
    if unit not in SECONDS:
        return f"{number:.3g} {unit}".strip()
    return duration(number * SECONDS[unit])


def duration(seconds: float) -> str:
    """Format a time: 3 days, 28 min 32 s, 0.3 s."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds >= 2 * 86400:
        return f"{seconds / 86400:.3g} days"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n)


def time_axis(
    steps: int, frame_interval: float | str | None
) -> tuple[float, str] | None:
    """Return the length of a step and its unit, for an axis of `steps`: (0.25, "h")."""
    interval = quantity(frame_interval)
    if interval is None:
        return None
    number, unit = interval
    if unit not in SECONDS:
        return interval
    seconds = number * SECONDS[unit]
    units = ("s", "min", "h", "days")
    fitting = [name for name in units if steps * seconds > 3 * SECONDS[name]]
    best = fitting[-1] if fitting else "s"
    return seconds / SECONDS[best], best
