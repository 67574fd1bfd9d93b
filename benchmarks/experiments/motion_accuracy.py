"""The accuracy of estimate_motion, and of nowcasts with it, beside its peers.

    python benchmarks/experiments/motion_accuracy.py [--data FOLDER] [--starts 24]
        [--slow]
        [--only known ocean rain satellite reliability] [--output runs/motion_accuracy]

Peers: pysteps' Lucas-Kanade, and with --slow its VET and DARTS; scikit-image's TV-L1
and ILK between the last two frames; and one motion for all cells by phase correlation,
the median over pairs. Peers do not take NaN, and are given 0 in its place. pysteps and
its OpenCV may be absent: their rows are then left out. Where an estimator fails, a line
says why and its cells are blank.

- known: flows of adr_jax.data.tracers.synthetic, ten frames in, ten out.
- ocean: tracers in real currents, ten frames in; against the currents of the last.
- rain: events of 5-minute frames, four in, two hours out, or as far as a file goes (of
  13 frames: six to nine leads). All motions carry the last frame by `extrapolate`; what
  comes from outside counts as dry, and where the truth is missing nothing counts.
  Scores are pooled over starts: CSI of 1 mm/h, and RMSE in dBZ.
- satellite: clouds, four frames in, an hour out.
- reliability: one uniform motion through noise, gaps and broken frames; the broken one
  is the last but one.

VET and DARTS take seconds a case: in rain and satellite they are given every fourth
start that six frames precede, and a second table has all scores of these starts alone.
DARTS needs six frames and wants nine: it sees those before the others' four, too.

Scores of motion are those of benchmarks/experiments/motion.py, where the truth moves by
a tenth of a cell or more: median angle in degrees, median length over the true one,
cosine of the whole. Real samples are looked for under FOLDER (default
$ADR_JAX_TEST_DATA). Writes motion_accuracy.json.
"""

import argparse
import importlib.util
import json
import math
import os
import pathlib
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

import h5py
import jax
import numpy as np
from motion import moves, score, spread
from skimage.metrics import structural_similarity
from skimage.registration import (
    optical_flow_ilk,
    optical_flow_tvl1,
    phase_cross_correlation,
)

import adr_jax
from adr_jax import data
from adr_jax.data.tracers import ocean, synthetic
from adr_jax.data.weather.radar import reflectivity
from adr_jax.errors import InputError
from adr_jax.training.devices import host
from configs.ocean import get_config

# Frames of one channel (time, rows, columns), float32, NaN missing, and whether they
# are periodic, to the motion (rows, columns, 2): cells a frame, rows first.
Estimator = Callable[[np.ndarray, bool], np.ndarray]
Row = dict[str, float]  # by column; NaN is blank
Table = dict[str, Row]

LK, VET, DARTS = "pysteps LK", "pysteps VET", "pysteps DARTS"
OWN = "pysteps LK + its own extrapolation"
SLOW, EVERY = (VET, DARTS), 4  # every fourth start of a nowcast
CELLS, SEEDS, SHOWN = 64, range(8), 10  # of known flows
WINDOWS = 12  # of the ocean
PAST, AHEAD, LEAST_AHEAD = 4, 24, 6  # frames of rain
NEEDED, LONGER = 6, 9  # frames that DARTS needs, and wants
RAIN = float(reflectivity(np.array([1.0]))[0])
LEADS = {6: "+30", 12: "+60", 18: "+90", 24: "+120"}
CLOUD_LEADS = (1, 3, 6, 12)
UNIFORM, SHORTEST, FIELDS, NEAR = (2.3, -1.4), 8, 4, 0.1  # of reliability
DIGITS = {"angle": 1, "length": 2, "share": 2, "nRMSE": 4, "RMSE dBZ": 2, "%": 1}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = os.environ.get("ADR_JAX_TEST_DATA")
    parser.add_argument("--data", default=usual, metavar="FOLDER", help="real samples")
    parser.add_argument("--starts", type=int, default=24, help="of nowcasts, an event")
    parser.add_argument("--slow", action="store_true", help="VET and DARTS too")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--output", type=pathlib.Path, default=pathlib.Path("runs/motion_accuracy")
    )
    arguments = parser.parse_args()
    host.prepare_host(1)  # the allocator as training sets it, one device
    machine = f"jax {jax.__version__}, {host.describe_devices()}"
    print(machine, flush=True)
    found, tables = estimators(arguments.slow), {}
    for part in arguments.only:
        tables |= PARTS[part](found, arguments)
    written: dict[str, object] = {"arguments": str(arguments), "machine": machine}
    written["tables"] = {
        title: {name: blanked(row) for name, row in rows.items()}
        for title, rows in tables.items()
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    file = arguments.output / "motion_accuracy.json"
    file.write_text(json.dumps(written, indent=1) + "\n")
    print(f"\n{file}")


def blanked(row: Row) -> dict[str, float | None]:
    """Without NaN, which JSON has not."""
    return {key: None if math.isnan(value) else value for key, value in row.items()}


def estimators(slow: bool) -> dict[str, Estimator]:
    """Ours and the peers that are installed, by name."""
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
    """Theirs has the columns' component first, and components before cells."""
    from pysteps import motion

    u = motion.get_method(name)(np.nan_to_num(frames), **options)
    return np.moveaxis(u[::-1], 0, -1)


def darts(frames: np.ndarray, periodic: bool) -> np.ndarray:
    """By default it takes 50 waves along each axis, where small grids have fewer."""
    waves = [min(50, n // 2 - 3) for n in frames.shape[1:]]
    options = dict(zip(("N_y", "N_x"), waves, strict=True))
    return pysteps("DARTS", frames[-LONGER:], verbose=False, **options)


def last_pair(flow: Callable, frames: np.ndarray) -> np.ndarray:
    """scikit-image's flow, which is tuned to images whose contrast is about 1."""
    before, after = np.nan_to_num(frames[-2:])
    unit = max(float(np.std(after)), 1e-6)
    return np.moveaxis(flow(before / unit, after / unit), 0, -1)


def phase_correlation(frames: np.ndarray, periodic: bool) -> np.ndarray:
    """One motion for all cells, the median over pairs of frames."""
    filled = np.nan_to_num(frames)
    # What it returns brings its second image onto its first.
    found = [
        phase_cross_correlation(after, before, upsample_factor=20)[0]
        for before, after in zip(filled, filled[1:], strict=False)
    ]
    return np.broadcast_to(np.median(found, axis=0), (*frames.shape[1:], 2))


def motions(
    name: str, find: Estimator, films: Sequence[np.ndarray], periodic: bool, case: str
) -> list[np.ndarray] | None:
    """The motion of each film; None, and a line that says why, where one fails."""
    try:
        found = [find(film, periodic) for film in films]
        if not np.isfinite(found).all():
            raise FloatingPointError("it returned values that are not finite")
    except Exception as error:  # peers raise what they like
        print(f"\n{case}: {name} is left blank, {type(error).__name__}: {error}")
        return None
    return found


def carry(
    frame: np.ndarray, u: np.ndarray, steps: int, boundary: str, order: int = 1
) -> np.ndarray:
    """The frame after 1 to `steps` intervals, (steps, rows, columns)."""
    u = np.asarray(u, np.float32)
    leads = adr_jax.extrapolate(
        frame[..., None], u, steps, order=order, boundary=boundary
    )
    return np.asarray(leads)[..., 0]


def known(found: Mapping[str, Estimator], arguments) -> dict[str, Table]:
    tables = {}
    for shape in synthetic.SHAPES:
        periodic = shape != "rotation"
        films = [
            synthetic.tracer(shape, CELLS, seed, range(2 * SHOWN))[..., 0]
            for seed in SEEDS
        ]
        true = np.stack([synthetic.velocity(shape, CELLS, seed) for seed in SEEDS])
        case, shown = f"known: {shape}", [film[:SHOWN] for film in films]
        u = {"true": list(true)} | {
            name: motions(name, find, shown, periodic, case)
            for name, find in found.items()
        }
        rows = {
            name: seen(of, true) | {"nRMSE": ahead(films, of, periodic)}
            for name, of in u.items()
        }
        tables[case] = show(case, rows)
    return tables


def seen(u: Sequence[np.ndarray] | None, true: np.ndarray) -> Row:
    """Scores of motions, (films, rows, columns, 2), pooled over films."""
    columns = ("angle", "length", "cosine")
    if u is None:
        return dict.fromkeys(columns, math.nan)
    there = moves(true)
    return dict(zip(columns, score(np.stack(u)[there], true[there]), strict=True))


def ahead(
    films: Sequence[np.ndarray], u: Sequence[np.ndarray] | None, periodic: bool
) -> float:
    """Mean nRMSE of the frames after those that were shown."""
    if u is None:
        return math.nan
    boundary = "periodic" if periodic else "clamp"
    errors = []
    for film, motion in zip(films, u, strict=True):
        truth = film[SHOWN:]
        forecast = carry(film[SHOWN - 1], motion, len(truth), boundary, order=3)
        sums = [np.sum(np.square(x), axis=(1, 2)) for x in (forecast - truth, truth)]
        errors.append(np.mean(np.sqrt(sums[0] / sums[1])))
    return float(np.mean(errors))


def currents(found: Mapping[str, Estimator], arguments) -> dict[str, Table]:
    config = get_config().data
    config.path = str(sample("ocean/globcurrent_agulhas_2002_daily.h5", arguments))
    dataset = data.load(config)
    places = spread(dataset, SHOWN, WINDOWS)
    films = [
        dataset.trajectories.read(number, start, start + SHOWN)[..., 0]
        for number, start in places
    ]
    moments = [(number, start + SHOWN - 1) for number, start in places]
    true = ocean.velocities(config, moments)
    rows = {
        name: seen(motions(name, find, films, False, "ocean"), true)
        for name, find in found.items()
    }
    return {"ocean": show("ocean", rows)}


def sample(name: str, arguments) -> pathlib.Path:
    """A file of the samples' folder."""
    file = pathlib.Path(arguments.data or "").absolute() / name
    if not file.exists():
        raise InputError(f"{file} is not there: --data names the samples' folder")
    return file


def nowcasts(
    found: Mapping[str, Estimator], frames: np.ndarray, starts: Sequence[int], case: str
) -> dict[str, dict[int, np.ndarray]]:
    """The motion before each start, by name; of slow ones before some, see SLOW."""
    u = {}
    for name, find in found.items():
        past = LONGER if name == DARTS else PAST
        chosen = fewer(starts) if name in SLOW else starts
        films = [frames[max(0, start - past) : start] for start in chosen]
        motion = motions(name, find, films, False, case)
        if motion is not None:
            u[name] = dict(zip(chosen, motion, strict=True))
    return u


def fewer(starts: Sequence[int]) -> Sequence[int]:
    """Every fourth from the last, where there is enough history for DARTS."""
    return [start for start in starts[::-EVERY] if start >= NEEDED] or starts[-1:]


def rain(found: Mapping[str, Estimator], arguments) -> dict[str, Table]:
    """A table for each event and for their mean; two with --slow, see SLOW."""
    quick = ["persistence", *(name for name in found if name not in SLOW)]
    quick += [OWN] if LK in found else []
    subsets = {"rain": quick}
    if set(SLOW) & set(found):
        subsets[f"rain, every {EVERY}th start"] = [*quick, *SLOW]
    tables: dict[str, dict[str, Table]] = {subset: {} for subset in subsets}
    for file in rain_files(arguments):
        frames = read_rain(file)
        starts = starts_of(len(frames), arguments.starts)
        counts = count_rain(found, frames, starts, file.stem)
        for subset, names in subsets.items():
            chosen = starts if subset == "rain" else fewer(starts)
            rows = {name: rain_row(counts.get(name), chosen) for name in names}
            title = f"{subset}: {file.stem}, {len(chosen)} starts"
            tables[subset][title] = show(title, with_gain(rows))
    for subset, names in subsets.items():
        rows = {
            name: mean_row([t[name] for t in tables[subset].values()]) for name in names
        }
        title = f"{subset}: mean over {len(tables[subset])} events"
        tables[subset][title] = show(title, with_gain(rows))
    return {title: rows for of in tables.values() for title, rows in of.items()}


def rain_files(arguments) -> list[pathlib.Path]:
    """Those of a frame in 5 minutes: the Australian ones have 6 and 10."""
    first = sample("radar/knmi_20100826_128.h5", arguments)
    second = sample("radar/fmi_20160928_256.h5", arguments)
    others = sorted(sample("radar/events", arguments).glob("*.h5"))
    others = [file for file in others if not file.name.startswith("bom_")]
    return [first, second, *others]


def read_rain(file: pathlib.Path) -> np.ndarray:
    """dBZ, not below 0; NaN where missing, which only the events have."""
    with h5py.File(file) as opened:
        codes = np.asarray(opened["dbz8"])
    values = codes.astype(np.float32) / 4
    return np.where(codes == 255, np.nan, values) if "events" in file.parts else values


def starts_of(frames: int, most: int) -> list[int]:
    """Numbers of first forecast frames, spread evenly; 24 or at least 6 are left."""
    left = AHEAD if frames >= PAST + AHEAD else LEAST_AHEAD
    starts = np.arange(PAST, frames - left + 1)
    chosen = np.linspace(0, len(starts) - 1, min(most, len(starts)))
    return starts[chosen.round().astype(int)].tolist()


def count_rain(
    found: Mapping[str, Estimator], frames: np.ndarray, starts: Sequence[int], case: str
) -> dict[str, dict[int, np.ndarray]]:
    """Return the counts of each name and start, (AHEAD, 4), see `counts`."""
    steps = min(AHEAD, len(frames) - PAST)
    u = nowcasts(found, frames, starts, case)
    scored = {
        name: {
            start: counts(
                carry(frames[start - 1], motion, steps, "open"), frames[start:]
            )
            for start, motion in of.items()
        }
        for name, of in u.items()
    }
    scored["persistence"] = {
        start: counts(np.stack(steps * [frames[start - 1]]), frames[start:])
        for start in starts
    }
    if LK in u:
        from pysteps import nowcasts as theirs

        advect = theirs.get_method("extrapolation")
        scored[OWN] = {}
        for start, motion in u[LK].items():
            flow = np.moveaxis(motion, -1, 0)[::-1]
            leads = advect(np.nan_to_num(frames[start - 1]), flow, steps)
            scored[OWN][start] = counts(leads, frames[start:])
    return scored


def counts(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Hits, events that were forecast or came, squared error and cells, by lead."""
    steps = min(len(forecast), len(truth))
    forecast, truth = np.nan_to_num(forecast[:steps]), truth[:steps]
    valid = ~np.isnan(truth)
    said, came = valid & (forecast >= RAIN), truth >= RAIN
    error = np.where(valid, np.square(forecast - truth), 0)
    parts = [said & came, said | came, error, valid]
    sums = np.zeros((AHEAD, len(parts)))
    sums[:steps] = np.stack([x.sum((1, 2), np.float64) for x in parts], axis=-1)
    return sums


def rain_row(of: Mapping[int, np.ndarray] | None, starts: Sequence[int]) -> Row:
    """Pooled over starts; blank where no start reaches a lead."""
    sums = np.zeros((AHEAD, 4))
    if of is not None:
        sums = np.sum([of[start] for start in starts], axis=0)
    with np.errstate(invalid="ignore"):  # where no start reaches a lead
        csi, square = sums[:, 0] / sums[:, 1], sums[:, 2] / sums[:, 3]
    scores = {"CSI": csi, "RMSE dBZ": np.sqrt(square)}
    return {
        f"{column} {text}": float(score[lead - 1])
        for column, score in scores.items()
        for lead, text in LEADS.items()
    }


def mean_row(rows: Sequence[Row]) -> Row:
    """The mean of each column over the rows in which it is not blank."""
    mean = dict.fromkeys(rows[0], math.nan)
    for column in mean:
        values = [row[column] for row in rows if not math.isnan(row[column])]
        if values:
            mean[column] = statistics.fmean(values)
    return mean


def with_gain(rows: Table) -> Table:
    """One more row: ours over pysteps' own nowcast, in percent of it."""
    if OWN not in rows:
        return rows
    mine, theirs = rows["ours"], rows[OWN]
    gain = {
        column: 100 * (mine[column] / other - 1) if other else math.nan
        for column, other in theirs.items()
    }
    return rows | {f"ours over {OWN}, %": gain}


def satellite(found: Mapping[str, Estimator], arguments) -> dict[str, Table]:
    file = sample("satellite/msg_hrv_uk_20200401_small.h5", arguments)
    with h5py.File(file) as opened:
        frames = np.asarray(opened["hrv_4x4"]).astype(np.float32) / 255
    starts: Sequence[int] = range(PAST, len(frames) - max(CLOUD_LEADS) + 1)
    u = nowcasts(found, frames, starts, "satellite")
    still = np.zeros((*frames.shape[1:], 2), np.float32)
    u = {"persistence": dict.fromkeys(starts, still)} | u
    scores = {
        name: {
            start: cloud_scores(frames, start, motion) for start, motion in of.items()
        }
        for name, of in u.items()
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


def cloud_scores(frames: np.ndarray, start: int, u: np.ndarray) -> np.ndarray:
    """Mean squared error and SSIM of some leads, (leads, 2)."""
    forecast = carry(frames[start - 1], u, max(CLOUD_LEADS), "clamp")
    pairs = [(forecast[lead - 1], frames[start + lead - 1]) for lead in CLOUD_LEADS]
    return np.array(
        [
            (np.mean(np.square(a - b)), structural_similarity(a, b, data_range=1))
            for a, b in pairs
        ]
    )


def cloud_row(of: Mapping[int, np.ndarray] | None, starts: Sequence[int]) -> Row:
    columns = [f"{score} +{5 * n}" for score in ("RMSE", "SSIM") for n in CLOUD_LEADS]
    if of is None:
        return dict.fromkeys(columns, math.nan)
    squares, similar = np.mean([of[start] for start in starts], axis=0).T
    values = [*np.sqrt(squares), *similar]
    return {c: float(v) for c, v in zip(columns, values, strict=True)}


def reliability(found: Mapping[str, Estimator], arguments) -> dict[str, Table]:
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
            angle, length, _ = seen(u, true).values()
            off = None if u is None else np.linalg.norm(np.stack(u) - true, axis=-1)
            share = math.nan if off is None else float(np.mean(off < NEAR))
            rows[peer] = {"angle": angle, "length": length, "share within 0.1": share}
        tables[case] = show(case, rows)
    return tables


def uniform(generator: np.random.Generator) -> np.ndarray:
    """A smooth random field of standard deviation 1, moved exactly; periodic."""
    number = np.fft.fftfreq(CELLS)
    rows, columns = number[:, None], number
    smooth = (np.hypot(rows, columns) <= 1 / SHORTEST) & (np.hypot(rows, columns) > 0)
    waves = smooth * np.fft.fft2(generator.normal(size=(CELLS, CELLS)))
    frames = moved(waves, UNIFORM, SHOWN)
    return (np.stack(frames) / np.std(frames)).astype(np.float32)


def moved(waves: np.ndarray, step: tuple[float, float], count: int) -> list[np.ndarray]:
    """Return the frames of a periodic field of these waves, moved exactly."""
    rows, columns = (np.fft.fftfreq(n) for n in waves.shape)
    phase = -2j * np.pi * (rows[:, None] * step[0] + columns * step[1])
    return [np.real(np.fft.ifft2(waves * np.exp(phase * t))) for t in range(count)]


def noisy(film: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return film + generator.normal(0, 1 / 3, film.shape).astype(np.float32)


def gappy(film: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.where(generator.random(film.shape) < 0.25, np.float32(np.nan), film)


def broken(value: float | None) -> Callable[..., np.ndarray]:
    """The last frame but one is a constant, or as None a copy of the one before."""

    def spoil(film: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        film[-2] = film[-3] if value is None else value
        return film

    return spoil


def show(title: str, rows: Table) -> Table:
    """Prints a table and returns it."""
    heads = list(next(iter(rows.values())))
    print(f"\n{title}\n\n| | {' | '.join(heads)} |\n|---{'|---' * len(heads)}|")
    for name, row in rows.items():
        cells = [text_of(name, column, value) for column, value in row.items()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return rows


def text_of(name: str, column: str, value: float) -> str:
    if math.isnan(value):
        return ""
    if name.endswith("%"):
        return f"{value:+.1f}"
    digits = next((n for key, n in DIGITS.items() if column.startswith(key)), 3)
    return f"{value:.{digits}f}"


FAULTS: dict[str, Callable[..., np.ndarray]] = {
    "clean": lambda film, _: film,
    "noise of a third": noisy,
    "a quarter missing": gappy,
    "an empty frame": broken(np.nan),
    "a frame of zeros": broken(0.0),
    "a frozen frame": broken(None),
}
PARTS = {
    "known": known,
    "ocean": currents,
    "rain": rain,
    "satellite": satellite,
    "reliability": reliability,
}


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
