"""Nowcasts by pysteps, each from dBZ to dBZ: extrapolation, S-PROG, ANVIL and STEPS.

pysteps is looked for, not required:

    pip install cython numpy setuptools wheel
    pip install --no-build-isolation pysteps opencv-python-headless
"""

import contextlib
import importlib.util
import io
import os
from collections.abc import Callable

import numpy as np

from adr_jax.data.weather.rain import rain_rate, reflectivity

# Frames that motion is measured in, and that the autoregressive models take.
PAST, ORDER = 4, 2
# Decibels of the rain rate, dB(mm/h), of the least rain, and of none.
LEAST, NONE = -10.0, -15.0
MEMBERS, CELL_KM = 24, 2.0

Nowcast = Callable[[np.ndarray, int, float], np.ndarray]


def has_pysteps() -> bool:
    """Return whether pysteps is installed."""
    return importlib.util.find_spec("pysteps") is not None


def decibels(dbz: np.ndarray) -> np.ndarray:
    """Return 10 log10 of the rain rate; NONE where it is below 0.1 mm/h or missing."""
    rate = np.nan_to_num(rain_rate(dbz))
    with np.errstate(divide="ignore"):
        found = 10 * np.log10(rate)
    return np.where(found >= LEAST, found, NONE)


def as_dbz(decibels: np.ndarray) -> np.ndarray:
    """Return dBZ from 0 up of 10 log10 of a rain rate; nothing where it is NaN."""
    rates = 10 ** (np.nan_to_num(decibels, nan=-99.0) / 10)
    dry = np.nan_to_num(decibels, nan=NONE) < LEAST
    return np.where(dry, 0.0, np.maximum(reflectivity(rates), 0.0))


@contextlib.contextmanager
def silent():
    """Print nothing: pysteps tells of every step."""
    with contextlib.redirect_stdout(io.StringIO()):
        os.environ.setdefault("PYSTEPSRC", "")
        yield


def motion_of(past: np.ndarray) -> np.ndarray:
    """Return the Lucas-Kanade motion of a history of dBZ, as pysteps has it."""
    from pysteps import motion

    with silent():
        return motion.get_method("LK")(decibels(past))


def extrapolation(past: np.ndarray, steps: int, minutes: float) -> np.ndarray:
    """Carry the last frame along its motion."""
    from pysteps import nowcasts

    del minutes
    carry = nowcasts.get_method("extrapolation")
    with silent():
        ahead = carry(np.nan_to_num(past[-1]), motion_of(past), steps)
    return np.nan_to_num(ahead)  # dry outside


def sprog(past: np.ndarray, steps: int, minutes: float) -> np.ndarray:
    """Fade scales at the rate at which they change."""
    from pysteps import nowcasts

    del minutes
    nowcast = nowcasts.get_method("sprog")
    fields = decibels(past)[-ORDER - 1 :]
    with silent():
        return as_dbz(nowcast(fields, motion_of(past), steps, LEAST))


def anvil(past: np.ndarray, steps: int, minutes: float) -> np.ndarray:
    """Continue growth and decay by scale, in rain rates."""
    from pysteps import nowcasts

    del minutes
    nowcast = nowcasts.get_method("anvil")
    rates = np.where(decibels(past) > NONE, np.nan_to_num(rain_rate(past)), 0.0)
    with silent():
        ahead = nowcast(rates[-ORDER - 2 :], motion_of(past), steps, ar_order=ORDER)
    with np.errstate(divide="ignore"):
        return as_dbz(10 * np.log10(np.maximum(ahead, 0.0)))


def steps_members(past: np.ndarray, steps: int, minutes: float) -> np.ndarray:
    """Return the members of a STEPS ensemble, (members, steps, rows, columns)."""
    from pysteps import nowcasts

    nowcast = nowcasts.get_method("steps")
    with silent():
        members = nowcast(
            decibels(past)[-ORDER - 1 :],
            motion_of(past),
            steps,
            n_ens_members=MEMBERS,
            precip_thr=LEAST,
            kmperpixel=CELL_KM,
            timestep=minutes,
            noise_method="nonparametric",
            vel_pert_method="bps",
            mask_method="incremental",
            seed=0,
        )
    return as_dbz(members)


DETERMINISTIC: dict[str, Nowcast] = {
    "pysteps extrapolation": extrapolation,
    "S-PROG": sprog,
    "ANVIL": anvil,
}
