"""The time of estimate_motion and extrapolate, beside their peers, in one process.

    python benchmarks/experiments/motion_speed.py [--rounds 9]
        [--sizes 64 128 256 512 1024]

A nowcast of rain: motion from four frames, and 24 leads carried along it. Every form is
timed in turn, round after round, and the median printed; the first round, which
compiles, does not count. At 256 cells peers stand beside, with their time over ours
(above 1: ours is faster): pysteps and scikit-image, as
benchmarks/experiments/motion_accuracy.py calls them; an absent pysteps leaves its rows
out. VET and DARTS take seconds: they have part in every fourth round and the last only,
and are given nine frames, of which VET uses three. One that fails is a blank row, and a
line says why. The field is made up: smooth noise above a threshold, in dBZ, moved as a
whole.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from motion_accuracy import AHEAD, LK, LONGER, PAST, SLOW, Estimator, estimators, moved

import adr_jax
from adr_jax.training.devices import host

SIZES, BESIDE = (64, 128, 256, 512, 1024), 256
EVERY = 4  # rounds, of slow peers
MOVED = (1.7, 2.6)  # cells a frame
MOTION, LEADS, BOTH = "our motion", "our extrapolation", "our motion + extrapolation"

Form = Callable[[], object]  # returns when the work is done


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    arguments = parser.parse_args()
    host.prepare_host(1)  # the allocator as training sets it, one device
    print(f"jax {jax.__version__}, {host.describe_devices()}")
    show_sizes({n: seconds(ours(n), arguments.rounds) for n in arguments.sizes})
    if BESIDE in arguments.sizes:
        forms = ours(BESIDE) | peers(BESIDE)
        show_peers(seconds(forms, arguments.rounds))


def rain(cells: int, count: int) -> np.ndarray:
    """Smooth noise above a threshold, in dBZ, moved exactly; (count, cells, cells)."""
    number = np.fft.fftfreq(cells)
    rows, columns = number[:, None], number
    length = np.hypot(rows, columns)
    smooth = np.where(length > 0, np.maximum(length, 1 / cells) ** -1.5, 0)
    noise = np.random.default_rng(0).normal(size=(cells, cells))
    waves = smooth * np.exp(-((8 * length) ** 2) / 2) * np.fft.fft2(noise)
    frames = moved(waves, MOVED, count)
    unit = np.std(frames[0])
    return np.stack([15 * np.maximum(x / unit - 0.3, 0) for x in frames], dtype="f4")


def ours(cells: int) -> dict[str, Form]:
    frames = jnp.asarray(rain(cells, PAST))[..., None]

    def leads(u):
        return adr_jax.extrapolate(frames[-1], u, AHEAD)

    u = adr_jax.estimate_motion(frames)
    forms = {
        MOTION: lambda: adr_jax.estimate_motion(frames),
        LEADS: lambda: leads(u),
        BOTH: lambda: leads(adr_jax.estimate_motion(frames)),
    }
    return {
        name: lambda form=form: jax.block_until_ready(form())
        for name, form in forms.items()
    }


def peers(cells: int) -> dict[str, Form]:
    """Their motions, and the whole nowcast of the one that is used for nowcasts."""
    film = rain(cells, LONGER)
    found = estimators(slow=True)
    forms: dict[str, Form] = {
        name: lambda find=find, past=LONGER if name in SLOW else PAST: find(
            film[-past:], False
        )
        for name, find in found.items()
        if name != "ours"
    }
    if LK in found:
        forms[f"{LK} + extrapolation"] = nowcast(found[LK], film[-PAST:])
    return forms


def nowcast(find: Estimator, film: np.ndarray) -> Form:
    """Motion and leads by pysteps."""
    from pysteps import nowcasts

    carry = nowcasts.get_method("extrapolation")
    return lambda: carry(film[-1], np.moveaxis(find(film, False), -1, 0)[::-1], AHEAD)


def seconds(forms: Mapping[str, Form], rounds: int) -> dict[str, float]:
    """The median of each, timed in turn; NaN for one that fails."""
    times: dict[str, list[float]] = {name: [] for name in forms}
    failed = set()
    for turn in range(1 + rounds):
        for name, form in forms.items():
            if name in failed or (name in SLOW and turn % EVERY and turn != rounds):
                continue
            start = time.perf_counter()
            try:
                form()
            except Exception as error:  # peers raise what they like
                print(f"\n{name} is left blank, {type(error).__name__}: {error}")
                failed.add(name)
            if turn:  # the first compiles
                times[name].append(time.perf_counter() - start)
    return {
        name: math.nan if name in failed else statistics.median(of)
        for name, of in times.items()
    }


def show_sizes(found: Mapping[int, Mapping[str, float]]) -> None:
    """Milliseconds, and nanoseconds for each cell: of a frame, and of all leads."""
    heads = (f"motion, {PAST} frames", f"extrapolation, {AHEAD} leads", "both")
    units = ("ms", "ns a cell")
    print(
        "\n| cells |", " | ".join(f"{h}, {unit}" for h in heads for unit in units), "|"
    )
    print("|---" * (1 + len(heads) * len(units)) + "|")
    for cells, of in found.items():
        texts = [
            f"{1e3 * of[name]:.1f} | {1e9 * of[name] / cells**2:.0f}"
            for name in (MOTION, LEADS, BOTH)
        ]
        print(f"| {cells} x {cells} | {' | '.join(texts)} |")


def show_peers(found: Mapping[str, float]) -> None:
    """Each beside ours that does the same."""
    print(f"\n{BESIDE} x {BESIDE} cells\n\n| | ms | of ours |\n|---|---|---|")
    for name, of in found.items():
        mine = found[BOTH if "+" in name else LEADS if name == LEADS else MOTION]
        texts = ("", "") if math.isnan(of) else (f"{1e3 * of:.1f}", f"{of / mine:.2f}")
        print(f"| {name} | {' | '.join(texts)} |")


if __name__ == "__main__":
    main()
