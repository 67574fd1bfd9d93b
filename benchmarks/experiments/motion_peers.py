"""Estimators of motion: adr_jax's own, and its peers where they are installed.

Peers do not take NaN, and are given 0 in its place. pysteps and its OpenCV may be
absent.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from skimage.registration import (
    optical_flow_ilk,
    optical_flow_tvl1,
    phase_cross_correlation,
)

import adr_jax

# Frames of one channel (time, rows, columns), float32, NaN missing, and whether they
# are periodic, to the motion (rows, columns, 2): cells a frame, rows first.
Estimator = Callable[[np.ndarray, bool], np.ndarray]
Estimators = Mapping[str, Estimator]

LK, VET, DARTS = "pysteps LK", "pysteps VET", "pysteps DARTS"
# They take seconds a case: in nowcasts they are given every fourth start only.
SLOW, EVERY = (VET, DARTS), 4
PAST = 4  # frames that estimators are given
NEEDED, WANTED = 6, 9  # frames, by DARTS


def estimators(slow: bool) -> dict[str, Estimator]:
    """Return ours and the peers that are installed, by name."""
    found: dict[str, Estimator] = {"ours": ours}
    if importlib.util.find_spec("pysteps"):
        found[LK] = lambda frames, _: pysteps("LK", frames)
        if slow:
            found[VET] = lambda frames, _: pysteps("VET", frames[-3:], verbose=False)
            found[DARTS] = darts
    found["TV-L1"] = lambda frames, _: last_pair(optical_flow_tvl1, frames)
    found["ILK"] = lambda frames, _: last_pair(optical_flow_ilk, frames)
    found["phase correlation"] = phase_correlation
    return found


def ours(frames: np.ndarray, periodic: bool) -> np.ndarray:
    boundary = "periodic" if periodic else "clamp"
    return np.asarray(adr_jax.estimate_motion(frames[..., None], boundary=boundary))


def pysteps(name: str, frames: np.ndarray, **options) -> np.ndarray:
    """Estimate by pysteps, whose components come before cells, columns first."""
    from pysteps import motion

    u = motion.get_method(name)(np.nan_to_num(frames), **options)
    return np.moveaxis(u[::-1], 0, -1)


def darts(frames: np.ndarray, periodic: bool) -> np.ndarray:
    """Estimate by DARTS, with fewer than its usual 50 waves on small grids."""
    waves = [min(50, n // 2 - 3) for n in frames.shape[1:]]
    options = dict(zip(("N_y", "N_x"), waves, strict=True))
    return pysteps("DARTS", frames[-WANTED:], verbose=False, **options)


def last_pair(flow: Callable, frames: np.ndarray) -> np.ndarray:
    """Estimate by scikit-image, which is tuned to images whose contrast is about 1."""
    before, after = np.nan_to_num(frames[-2:])
    unit = max(float(np.std(after)), 1e-6)
    return np.moveaxis(flow(before / unit, after / unit), 0, -1)


def phase_correlation(frames: np.ndarray, periodic: bool) -> np.ndarray:
    """Estimate one motion for all cells, the median over pairs of frames."""
    filled = np.nan_to_num(frames)
    # What it returns brings its second image onto its first.
    shifts = [
        phase_cross_correlation(after, before, upsample_factor=20)[0]
        for before, after in zip(filled, filled[1:], strict=False)
    ]
    return np.broadcast_to(np.median(shifts, axis=0), (*frames.shape[1:], 2))


def extrapolation() -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
    """Return pysteps' own: (frame, motion, leads) to frames."""
    from pysteps import nowcasts

    carry = nowcasts.get_method("extrapolation")
    return lambda frame, u, leads: carry(frame, np.moveaxis(u, -1, 0)[::-1], leads)


def motions(
    name: str, find: Estimator, films: Sequence[np.ndarray], periodic: bool, case: str
) -> list[np.ndarray] | None:
    """Return the motion of each film; None, and print why, where one fails."""
    try:
        found = [find(film, periodic) for film in films]
        if not np.isfinite(found).all():
            raise FloatingPointError("it returned values that are not finite")
    except Exception as error:  # peers raise what they like
        print(f"\n{case}: {name} is left blank, {type(error).__name__}: {error}")
        return None
    return found


def motions_before(
    found: Estimators, frames: np.ndarray, starts: Sequence[int], case: str
) -> dict[str, dict[int, np.ndarray]]:
    """Return the motion before each start by name; of slow ones before `fewer`."""
    u = {}
    for name, find in found.items():
        past = WANTED if name == DARTS else PAST
        chosen = fewer(starts) if name in SLOW else starts
        films = [frames[max(0, start - past) : start] for start in chosen]
        motion = motions(name, find, films, False, case)
        if motion is not None:
            u[name] = dict(zip(chosen, motion, strict=True))
    return u


def fewer(starts: Sequence[int]) -> Sequence[int]:
    """Return every fourth from the last, where there is enough history for DARTS."""
    return [start for start in starts[::-EVERY] if start >= NEEDED] or starts[-1:]
