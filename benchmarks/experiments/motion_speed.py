"""Time estimate_motion and extrapolate beside their peers, in one process.

    python benchmarks/experiments/motion_speed.py [--rounds 9]
        [--sizes 64 128 256 512 1024]

A nowcast of rain is motion from four frames, and 24 leads carried along it. Every form
is timed in turn, round after round, and the median printed; the first round, which
compiles, does not count. At 256 cells peers have rows too, with their time over ours
(above 1: ours is faster). They are pysteps and scikit-image, as
benchmarks/experiments/motion_accuracy.py calls them. Without pysteps its rows are left
out. VET and DARTS take seconds: they take part in every fourth round and the last only,
and are given nine frames, of which VET uses three. One that fails has a blank row, and
a line says why. The field is made up: smooth noise above a threshold, in dBZ, moved as
a whole.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from motion_fields import rain
from motion_peers import (
    EVERY,
    LK,
    PAST,
    SLOW,
    WANTED,
    Estimator,
    estimators,
    extrapolation,
)
from motion_scores import AHEAD
from outcome import parser, print_table

import adr_jax
from adr_jax.training.devices import host

SIZES, BESIDE = (64, 128, 256, 512, 1024), 256
STEP = (1.7, 2.6)  # cells a frame
MOTION, LEADS, BOTH = "our motion", "our extrapolation", "our motion + extrapolation"

Form = Callable[[], object]  # returns when the work is done


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    arguments = options.parse_args()
    host.prepare_host(1)  # the allocator as training sets it, one device
    print(f"jax {jax.__version__}, {host.describe_devices()}")
    show_sizes({n: seconds(ours(n), arguments.rounds) for n in arguments.sizes})
    if BESIDE in arguments.sizes:
        forms = ours(BESIDE) | peers(BESIDE)
        show_peers(seconds(forms, arguments.rounds))


def ours(cells: int) -> dict[str, Form]:
    """Return our motion, our extrapolation, and both."""
    frames = jnp.asarray(rain(cells, STEP, PAST))[..., None]

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
    """Return peers' motions, and the whole nowcast by Lucas-Kanade."""
    film = rain(cells, STEP, WANTED)
    found = estimators(slow=True)
    forms: dict[str, Form] = {
        name: lambda find=find, past=WANTED if name in SLOW else PAST: find(
            film[-past:], False
        )
        for name, find in found.items()
        if name != "ours"
    }
    if LK in found:
        forms[f"{LK} + extrapolation"] = nowcast(found[LK], film[-PAST:])
    return forms


def nowcast(find: Estimator, film: np.ndarray) -> Form:
    """Return motion and leads by pysteps."""
    extrapolate = extrapolation()
    return lambda: extrapolate(film[-1], find(film, False), AHEAD)


def seconds(forms: Mapping[str, Form], rounds: int) -> dict[str, float]:
    """Return the median of each, timed in turn; NaN for one that fails."""
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
        name: math.nan if name in failed else statistics.median(values)
        for name, values in times.items()
    }


def show_sizes(found: Mapping[int, Mapping[str, float]]) -> None:
    """Print milliseconds, and nanoseconds for each cell: of a frame, of all leads."""
    parts = (f"motion, {PAST} frames", f"extrapolation, {AHEAD} leads", "both")
    heads = ["cells", *(f"{p}, {unit}" for p in parts for unit in ("ms", "ns a cell"))]
    lines = []
    for cells, times in found.items():
        lines.append([f"{cells} x {cells}"])
        for name in (MOTION, LEADS, BOTH):
            time_of_cell = 1e9 * times[name] / cells**2
            lines[-1] += [f"{1e3 * times[name]:.1f}", f"{time_of_cell:.0f}"]
    print()
    print_table(heads, lines)


def show_peers(found: Mapping[str, float]) -> None:
    """Print each beside ours that does the same."""
    lines = []
    for name, value in found.items():
        mine = found[BOTH if "+" in name else LEADS if name == LEADS else MOTION]
        texts = (f"{1e3 * value:.1f}", f"{value / mine:.2f}")
        lines.append([name, *(("", "") if math.isnan(value) else texts)])
    print(f"\n{BESIDE} x {BESIDE} cells\n")
    print_table(["", "ms", "of ours"], lines)


if __name__ == "__main__":
    main()
