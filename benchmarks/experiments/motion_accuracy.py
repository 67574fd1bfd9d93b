"""Measure the accuracy of estimate_motion, and of nowcasts with it, beside peers.

    python benchmarks/experiments/motion_accuracy.py [--data FOLDER] [--starts 24]
        [--slow]
        [--only known ocean rain satellite reliability] [--output runs/motion_accuracy]

Peers are pysteps' Lucas-Kanade, and with --slow its VET and DARTS; scikit-image's TV-L1
and ILK between the last two frames; and one motion for all cells by phase correlation,
the median over pairs. Peers do not take NaN, and are given 0 in its place. Without
pysteps its rows are left out. Where an estimator fails, a line says why and its cells
are blank.

- known: flows of adr_jax.data.tracers.synthetic, ten frames in, ten out.
- ocean: tracers in real currents, ten frames in; against the currents of the last.
- rain: events of 5-minute frames, four in, two hours out, or as far as a file goes (of
  13 frames: six to nine leads). All motions carry the last frame by `extrapolate`; what
  comes from outside counts as dry, and where the truth is missing nothing counts.
  Scores are pooled over starts: CSI of 1 mm/h, and RMSE in dBZ.
- satellite: clouds, four frames in, an hour out.
- reliability: one uniform motion through noise, gaps and broken frames; the broken one
  is the last but one.

VET and DARTS take seconds a case. In rain and satellite they are given every fourth
start that six frames precede, and a second table has all scores of these starts alone.
DARTS needs six frames and wants nine: it also sees those before the others' four.

Scores of motion are those of benchmarks/experiments/motion.py, where the truth moves by
a tenth of a cell or more: median angle in degrees, median length over the true one,
cosine of the whole. Real samples are read from FOLDER (default $ADR_JAX_TEST_DATA).
Writes motion_accuracy.json.
"""

import argparse
import math
from collections.abc import Callable, Sequence

import h5py
import jax
import numpy as np
from motion import spread
from motion_fields import CELLS, FAULTS, FRAMES, UNIFORM, uniform
from motion_peers import (
    EVERY,
    PAST,
    SLOW,
    Estimators,
    estimators,
    fewer,
    motions,
    motions_before,
)
from motion_rain import rain
from motion_scores import (
    CLOUD_LEADS,
    Table,
    blanked,
    cloud_row,
    cloud_scores,
    forecast_error,
    motion_row,
    show,
)
from outcome import parser, run, sample, write

from adr_jax import data
from adr_jax.data.tracers import ocean, synthetic
from adr_jax.training import configuration
from adr_jax.training.devices import host
from configs.ocean import get_config

SEEDS = range(8)  # of known flows
WINDOWS = 12  # of the ocean
FIELDS, NEAR = 4, 0.1  # of reliability


def main() -> None:
    options = parser(__doc__, "motion_accuracy", data=True)
    options.add_argument("--starts", type=int, default=24, help="of nowcasts, an event")
    options.add_argument("--slow", action="store_true", help="VET and DARTS too")
    options.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    arguments = options.parse_args()
    host.prepare_host(1)  # the allocator as training sets it, one device
    machine = f"jax {jax.__version__}, {host.describe_devices()}"
    print(machine, flush=True)
    found, tables = estimators(arguments.slow), {}
    for part in arguments.only:
        tables |= PARTS[part](found, arguments)
    written = {
        title: {name: blanked(row) for name, row in rows.items()}
        for title, rows in tables.items()
    }
    write("motion_accuracy", arguments, {"machine": machine, "tables": written})
    print(f"\n{arguments.output / 'motion_accuracy.json'}")


def known(found: Estimators, arguments: argparse.Namespace) -> dict[str, Table]:
    """Score motions in synthetic flows, and forecasts along them."""
    tables = {}
    for shape in synthetic.SHAPES:
        periodic = shape != "rotation"
        films = [
            synthetic.tracer(shape, CELLS, seed, range(2 * FRAMES))[..., 0]
            for seed in SEEDS
        ]
        true = np.stack([synthetic.velocity(shape, CELLS, seed) for seed in SEEDS])
        case, shown = f"known: {shape}", [film[:FRAMES] for film in films]
        u = {"true": list(true)} | {
            name: motions(name, find, shown, periodic, case)
            for name, find in found.items()
        }
        rows = {
            name: motion_row(motion, true)
            | {"nRMSE": forecast_error(films, FRAMES, motion, periodic)}
            for name, motion in u.items()
        }
        tables[case] = show(case, rows)
    return tables


def currents(found: Estimators, arguments: argparse.Namespace) -> dict[str, Table]:
    """Score motions against the currents of the ocean."""
    path = str(sample("ocean/globcurrent_agulhas_2002_daily.h5", arguments))
    options = configuration.read(get_config()).override(data={"path": path}).data
    dataset = data.load(options)
    starts = spread(dataset, FRAMES, WINDOWS)
    films = [
        dataset.trajectories.read(index, start, start + FRAMES)[..., 0]
        for index, start in starts
    ]
    moments = [(index, start + FRAMES - 1) for index, start in starts]
    true = ocean.velocities(options, moments)
    rows = {
        name: motion_row(motions(name, find, films, False, "ocean"), true)
        for name, find in found.items()
    }
    return {"ocean": show("ocean", rows)}


def satellite(found: Estimators, arguments: argparse.Namespace) -> dict[str, Table]:
    """Score nowcasts of clouds; of fewer starts for slow ones."""
    file = sample("satellite/msg_hrv_uk_20200401_small.h5", arguments)
    with h5py.File(file) as opened:
        frames = np.asarray(opened["hrv_4x4"]).astype(np.float32) / 255
    starts: Sequence[int] = range(PAST, len(frames) - max(CLOUD_LEADS) + 1)
    still = np.zeros((*frames.shape[1:], 2), np.float32)
    u = {"persistence": dict.fromkeys(starts, still)}
    u |= motions_before(found, frames, starts, "satellite")
    scores = {
        name: {
            start: cloud_scores(frames, start, motion)
            for start, motion in by_start.items()
        }
        for name, by_start in u.items()
    }
    quick = ["persistence", *(name for name in found if name not in SLOW)]
    subsets: dict[str, tuple[list[str], Sequence[int]]] = {
        f"satellite, {len(starts)} starts": (quick, starts)
    }
    if set(SLOW) & set(found):
        title = f"satellite, every {EVERY}th start"
        subsets[title] = ([*quick, *SLOW], fewer(starts))
    return {
        title: show(title, {n: cloud_row(scores.get(n), chosen) for n in names})
        for title, (names, chosen) in subsets.items()
    }


def reliability(found: Estimators, arguments: argparse.Namespace) -> dict[str, Table]:
    """Score motions through noise, gaps and broken frames."""
    clean = [uniform(np.random.default_rng(seed)) for seed in range(FIELDS)]
    true = np.broadcast_to(np.array(UNIFORM), (FIELDS, CELLS, CELLS, 2))
    tables = {}
    for name, spoil in FAULTS.items():
        films = [
            spoil(film.copy(), np.random.default_rng((seed, 1)))
            for seed, film in enumerate(clean)
        ]
        case, rows = f"reliability: {name}", {}
        for peer, find in found.items():
            u = motions(peer, find, films, True, case)
            row = motion_row(u, true)
            off = None if u is None else np.linalg.norm(np.stack(u) - true, axis=-1)
            share = math.nan if off is None else float(np.mean(off < NEAR))
            rows[peer] = {key: row[key] for key in ("angle", "length")}
            rows[peer]["share within 0.1"] = share
        tables[case] = show(case, rows)
    return tables


PARTS: dict[str, Callable[[Estimators, argparse.Namespace], dict[str, Table]]] = {
    "known": known,
    "ocean": currents,
    "rain": rain,
    "satellite": satellite,
    "reliability": reliability,
}


if __name__ == "__main__":
    run(main)
