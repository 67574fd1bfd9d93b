"""Compare nowcasts of rain to two hours, in countries that no network trained on.

    python benchmarks/experiments/nowcast.py --data FOLDER [--minutes 10]
        [--seeds 0] [--starts 6] [--only NAME ...] [--output runs/nowcast]

For each country of LEFT_OUT a network trains by `configs/radar.py` on the events of all
others, for so many minutes on a core of its own, and is tested on that country's. It
forecasts the field and the probability of reaching 0.1, 1, 5 and 10 mm/h. Beside it are
persistence, the last frame carried along its measured motion, and with pysteps
installed (nowcast_peers.py) its extrapolation, S-PROG, ANVIL, and the probabilities and
mean of a STEPS ensemble of 24 members. "Matched" has the amounts of the last frame,
"reached" is what the network says is reached with a probability of a third.

Scores are CSI, FSS over 5 cells, RMSE in dBZ, the Brier score and the sum of the Brier
scores of all thresholds (the ranked probability score) by lead, over some starts spread
evenly over each event; then the mean over events, with 90 % of draws of the events.
Events of FOLDER/radar have a frame every five or six minutes. Started again, it
continues with what is missing. Writes nowcast.json, nowcast.png and reliability.png.
"""

import argparse
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import nowcast_peers
import numpy as np
from nowcast_scores import (
    BINS,
    RATES,
    THRESHOLDS,
    Nowcasts,
    Scores,
    gain,
    mean,
    print_scores,
    reliability,
    score,
)
from one_core import train_all, workdir_of
from outcome import parser, print_setting, print_table, run, set_style, write

from adr_jax.data.weather.events import Event, open_events
from adr_jax.evaluation.amounts import matched, reached
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.training import model as trained

# Countries, and the beginnings of their files' names. A network tested on one of
# LEFT_OUT trains on none of them.
COUNTRIES = {
    "Netherlands": ("knmi_20100826_128",),
    "Finland": ("fmi", "opera_20241126_finland"),
    "Switzerland": ("mch",),
    "Belgium": ("rmi",),
    "Australia": ("bom_melbourne",),
    "Norway": ("opera_20241126_norway", "opera_20241126_nordland"),
    "Central Europe": ("opera_20241126_bohemia", "opera_20241126_upper_rhine"),
}
LEFT_OUT = ("Netherlands", "Finland", "Switzerland", "Belgium", "Australia")
PAST, AHEAD = 4, 24
LEADS = {30: 5, 60: 11, 90: 17, 120: 23}
NETWORK, MATCHED, REACHED = "network", "network, matched", "network, reached"
EXTRAPOLATION, STEPS = "pysteps extrapolation", "STEPS, 24 members"
PRINTED = (
    *(f"csi {rate:g}" for rate in RATES),
    *("fss 1", "rmse"),
    *(f"brier {rate:g}" for rate in RATES),
    "rps",
)
COLOURS = {
    NETWORK: "#d55e00",
    MATCHED: "#e69f00",
    REACHED: "#8c510a",
    "measured motion": "#cc79a7",
    EXTRAPOLATION: "#0072b2",
    "S-PROG": "#009e73",
    "ANVIL": "#56b4e9",
    STEPS: "#000000",
    "persistence": "#999999",
}


def main() -> None:
    options = parser(__doc__, "nowcast", minutes=10.0, seeds=(0,), data=True)
    options.add_argument("--only", nargs="+", choices=LEFT_OUT, default=LEFT_OUT)
    options.add_argument("--starts", type=int, default=6, help="of each event")
    arguments = options.parse_args()
    runs = {
        f"without {country} {seed}": {
            "config": "configs/radar.py",
            "data.path": ",".join(map(str, files_of(arguments, without=country))),
            "data.split": "no_test",
            "train.minutes": arguments.minutes,
            "train.schedule": "cosine",
            "seed": seed,
        }
        for seed in arguments.seeds
        for country in arguments.only
    }
    train_all(runs, arguments.output)
    print_setting(arguments)
    scores, likely, seconds = {}, {}, {}
    for country in arguments.only:
        models = [
            trained.load(workdir_of(f"without {country} {seed}", arguments.output))
            for seed in arguments.seeds
        ]
        for event in open_events(files_of(arguments, only=country)):
            of_event, bins = score_event(event, models, arguments.starts, seconds)
            for name, found in of_event.items():
                scores.setdefault(name, []).append(found)
            for name, found in bins.items():
                likely[name] = likely.get(name, 0) + found
            print(f"{event.name}: {len(event)} frames scored", flush=True)
    print_scores(scores, PRINTED, LEADS)
    print_gains(scores)
    print_table(
        ["seconds a nowcast", ""], [[n, f"{s:.2f}"] for n, s in seconds.items()]
    )
    content = {
        name: [{key: list(map(float, v)) for key, v in s.items()} for s in by_event]
        for name, by_event in scores.items()
    }
    write("nowcast", arguments, {"scores": content}, draw(scores), "png")
    write("reliability", arguments, {}, draw_reliability(likely), "png")


def files_of(
    arguments: argparse.Namespace, *, without: str = "", only: str = ""
) -> list[pathlib.Path]:
    """Return the files of all countries but one, or of one."""
    folder = pathlib.Path(arguments.data or "").absolute() / "radar"
    files = sorted([*folder.glob("*.h5"), *folder.glob("events/*.h5")])
    chosen = [only] if only else [name for name in COUNTRIES if name != without]
    starts = tuple(start for name in chosen for start in COUNTRIES[name])
    return [file for file in files if file.name.startswith(starts)]


def score_event(
    event: Event,
    models: Sequence[trained.TrainedModel],
    starts: int,
    seconds: dict[str, float],
) -> tuple[dict[str, dict], dict[str, np.ndarray]]:
    """Return scores and counts of probabilities by forecaster, and note its time."""
    ahead = min(AHEAD, len(event) - PAST)
    last = np.linspace(0, len(event) - PAST - ahead, starts)
    chosen = sorted(set(last.round().astype(int).tolist()))
    pasts = np.stack([event.read(start, start + PAST) for start in chosen])
    target = np.stack(
        [event.read(start + PAST, start + PAST + ahead) for start in chosen]
    )
    scores, likely = {}, {}
    for name, said in forecasts(pasts, ahead, event.interval, models, seconds):
        scores[name] = score(said, target, AHEAD)
        if said.likely is not None:
            likely[name] = np.stack(
                [
                    reliability(said.likely[:, lead, ..., 1], target[:, lead])
                    for lead in (5, 11)
                    if lead < ahead
                ]
                + [np.zeros((3, BINS))] * ((ahead <= 5) + (ahead <= 11))
            )
    return scores, likely


def forecasts(
    pasts: np.ndarray,
    ahead: int,
    minutes: float,
    models: Sequence[trained.TrainedModel],
    seconds: dict[str, float],
) -> Iterator[tuple[str, Nowcasts]]:
    """Yield what each forecaster says, the seeds of the network as their mean."""
    last = np.nan_to_num(pasts[:, -1])

    def timed(name, nowcast):
        begun = time.perf_counter()
        found = np.stack([nowcast(past) for past in pasts])
        seconds[name] = (time.perf_counter() - begun) / len(pasts)
        return found

    fields, likely = [], []
    for model in models:
        model.nowcast(pasts[0][..., None], ahead)  # compiles
        both = timed(
            NETWORK,
            lambda p, m=model: np.concatenate(m.nowcast(p[..., None], ahead), axis=-1),
        )
        fields.append(both[..., 0])
        likely.append(both[..., 1:])
    field = np.mean(fields, axis=0)
    yield NETWORK, Nowcasts(field, np.mean(likely, axis=0))
    yield MATCHED, Nowcasts(_matched(field, last))
    yield REACHED, Nowcasts(reached(np.mean(likely, axis=0), THRESHOLDS))
    for name, of in {
        "persistence": "persistence",
        "measured motion": "advected",
    }.items():
        carried = np.asarray(FORECASTERS[of](np.nan_to_num(pasts)[..., None], ahead))
        yield name, Nowcasts(carried[..., 0])
    if not nowcast_peers.has_pysteps():
        return
    for name, nowcast in nowcast_peers.DETERMINISTIC.items():
        field = timed(name, lambda p, n=nowcast: n(p, ahead, minutes))
        yield name, Nowcasts(field)
        if name == EXTRAPOLATION:
            yield f"{name}, matched", Nowcasts(_matched(field, last))
    fields, likely = [], []
    begun = time.perf_counter()
    for past in pasts:
        members = nowcast_peers.steps_members(past, ahead, minutes)
        fields.append(members.mean(axis=0))
        shares = [(members >= t).mean(axis=0) for t in THRESHOLDS]
        likely.append(np.stack(shares, axis=-1))
    seconds[STEPS] = (time.perf_counter() - begun) / len(pasts)
    yield STEPS, Nowcasts(np.stack(fields), np.stack(likely))


def _matched(fields: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return fields, (starts, steps, ...), with the amounts of their last frames."""
    pairs = zip(fields[..., None], last[..., None], strict=True)
    return np.stack([matched(*pair) for pair in pairs])[..., 0]


def print_gains(scores: Mapping[str, Sequence[Scores]]) -> None:
    """Print by how much the network's means are more than those of pysteps."""
    pairs = [
        (NETWORK, EXTRAPOLATION),
        (MATCHED, f"{EXTRAPOLATION}, matched"),
        (REACHED, EXTRAPOLATION),
        (REACHED, "S-PROG"),
        (REACHED, "ANVIL"),
        (NETWORK, "S-PROG"),
        (NETWORK, "ANVIL"),
        (NETWORK, STEPS),
    ]
    names = ("csi 0.1", "csi 1", "fss 1", "rmse", "brier 0.1", "brier 1", "rps")
    rows = []
    for ours, theirs in pairs:
        if theirs not in scores:
            continue
        for name in names:
            if name not in scores[ours][0]:
                continue
            cells = []
            for lead in LEADS.values():
                found = gain(scores[ours], scores[theirs], name, lead)
                cells.append("{:+.1%} ({:+.1%} to {:+.1%})".format(*found))
            rows.append([f"{ours} / {theirs}", name, *cells])
    print()
    print_table(["gain", "score", *(f"+{minutes}" for minutes in LEADS)], rows)


def draw(scores: Mapping[str, Sequence[Scores]]):
    """Draw mean scores by lead."""
    set_style()
    shown = ("csi 0.1", "csi 1", "fss 1", "rmse", "brier 1", "brier 5")
    figure, panels = plt.subplots(2, 3, figsize=(9.5, 5.5), layout="constrained")
    minutes = 5 * (1 + np.arange(AHEAD))
    for panel, name in zip(panels.flat, shown, strict=True):
        for who, colour in COLOURS.items():
            if who not in scores or name not in scores[who][0]:
                continue
            if name.startswith("brier") and who not in (NETWORK, STEPS):
                continue
            panel.plot(minutes, mean(scores[who], name), color=colour, label=who)
        panel.set_title(name, fontsize=9)
        panel.set_xlabel("minutes ahead")
    figure.legend(
        *panels[0, 0].get_legend_handles_labels(),
        **{"loc": "outside lower center", "ncols": 4, "frameon": False, "fontsize": 8},
    )
    return figure


def draw_reliability(likely: Mapping[str, np.ndarray]):
    """Draw how often 1 mm/h came against how likely it was, at two leads."""
    set_style()
    figure, panels = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
    for panel, index, minutes in zip(panels, (0, 1), (30, 60), strict=True):
        panel.plot([0, 1], [0, 1], ":", color="#999999")
        for who, counts in likely.items():
            cells, said, came = counts[index]
            some = cells >= 100
            panel.plot(
                said[some] / cells[some],
                came[some] / cells[some],
                *("o-",),
                color=COLOURS[who],
                label=who,
            )
        panel.set_title(f"1 mm/h in {minutes} minutes", fontsize=9)
        panel.set_xlabel("probability")
    panels[0].set_ylabel("share that came")
    panels[0].legend(frameon=False, fontsize=8)
    return figure


if __name__ == "__main__":
    run(main)
