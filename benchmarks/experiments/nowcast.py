"""Nowcasts of rain to two hours: ADRNet and the CNN beside extrapolation.

    python benchmarks/experiments/nowcast.py --train KNMI.h5 --other FMI.h5
        [--minutes 5]
        [--seeds 0 1] [--output runs/nowcast]

Each network trains by `configs/radar.py` on the first hours of one file, for the same
minutes on a core of its own, and is tested on the last hours of that file and on all
of the other, another day in another country. Every start of a nowcast counts. Beside
them: persistence, and the last frame carried along its measured motion; with
pysteps installed, also its Lucas-Kanade extrapolation. Scores are CSI, and FSS over 5
cells, of rain of 1 mm/h by lead time. Started again, it goes on with what is missing.
Writes nowcast.json and nowcast.png.
"""

import argparse
import importlib.util
import json
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from one_core import train_all, workdir_of

from adr_jax import data
from adr_jax.data.weather.radar import reflectivity
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.metrics import events
from adr_jax.training import model as trained
from adr_jax.training.devices import host

NETWORKS = {
    "ADRNet": {"model.name": "adrnet"},
    "CNN": {"model.name": "cnn"},
    # Shown its day also flipped and turned: the wind then has to be seen.
    "ADRNet, turned": {"model.name": "adrnet", "data.augment": "rotations"},
}
PAST, AHEAD, MINUTES = 4, 24, 5
RAIN = float(reflectivity(np.array([1.0]))[0])
SCALE = 5
LEADS = (6, 12, 18, 24)
COLOURS = {"ADRNet": "#d55e00", "CNN": "#999999", "ADRNet, turned": "#cc79a7"}
COLOURS |= {"persistence": "#000000", "advected": "#009e73", "pysteps": "#0072b2"}

# (windows, PAST, rows, columns, 1) to (windows, AHEAD, rows, columns, 1), in dBZ.
Nowcast = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=pathlib.Path, required=True, metavar="FILE")
    parser.add_argument("--other", type=pathlib.Path, required=True, metavar="FILE")
    parser.add_argument("--minutes", type=float, default=5.0, help="of each run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--output", type=pathlib.Path, default="runs/nowcast")
    arguments = parser.parse_args()
    same = {
        "config": "configs/radar.py",
        "data.path": arguments.train.absolute(),
        "train.minutes": arguments.minutes,
        "train.feedback": 3,
        "train.feedback_after": 0.7,
        "train.schedule": "cosine",
    }
    runs = {
        f"{name} {seed}": same | network | {"seed": seed}
        for seed in arguments.seeds
        for name, network in NETWORKS.items()
    }
    train_all(runs, arguments.output)
    models = {name: trained.load(workdir_of(name, arguments.output)) for name in runs}
    print(f"\n{arguments.minutes:g} minutes a run, {host.describe_devices()}")
    last_hours = next(iter(models.values())).config.data.copy_and_resolve_references()
    other = last_hours.copy_and_resolve_references()
    other.path, other.split = str(arguments.other.absolute()), "all"
    places = {"last hours": last_hours, "another day": other}
    scores, shown = {}, {}
    for place, section in places.items():
        windows = Windows(data.load(section), "test", PAST + AHEAD)
        scores[place], shown[place] = score(windows, models)
        print_table(f"{place}: {len(windows)} nowcasts", scores[place])
    text = json.dumps({"arguments": str(arguments), "scores": scores}, indent=1)
    (arguments.output / "nowcast.json").write_text(text + "\n")
    figure = arguments.output / "nowcast.png"
    draw(scores, shown["another day"]).savefig(figure, dpi=120)
    print(figure)


def score(
    windows: Windows, models: Mapping[str, trained.TrainedModel]
) -> tuple[dict[str, dict], dict[str, np.ndarray]]:
    """CSI and FSS at each lead time by forecaster, and the middle nowcast's frames."""
    nowcasts: dict[str, Nowcast] = {
        name: lambda past, run=run: run.forecast(past, steps=AHEAD)
        for name, run in models.items()
    }
    for name in ("persistence", "advected"):
        nowcasts[name] = lambda past, of=FORECASTERS[name]: np.asarray(of(past, AHEAD))
    if importlib.util.find_spec("pysteps"):
        nowcasts["pysteps"] = pysteps
    frames = windows.read(np.arange(len(windows)))
    past, target = frames[:, :PAST], frames[:, PAST:]
    middle = len(windows) // 2
    scores, shown = {}, {"observed": target[middle]}
    for name, nowcast in nowcasts.items():
        ahead = np.concatenate([nowcast(past[k : k + 1]) for k in range(len(past))])
        scores[name] = {
            "csi": events.csi(ahead, target, RAIN).by_step().tolist(),
            "fss": events.fss(ahead, target, RAIN, scale=SCALE).by_step().tolist(),
        }
        shown[name] = ahead[middle]
    return scores, shown


def pysteps(past: np.ndarray) -> np.ndarray:
    """Lucas-Kanade motion and semi-Lagrangian extrapolation of each sample."""
    from pysteps import motion, nowcasts

    flow, carry = motion.get_method("LK"), nowcasts.get_method("extrapolation")
    ahead = [carry(film[-1, ..., 0], flow(film[..., 0]), AHEAD) for film in past]
    return np.nan_to_num(np.stack(ahead))[..., None]  # what comes from outside is dry


def print_table(title: str, scores: Mapping[str, Mapping[str, Sequence]]) -> None:
    """A row for each forecaster at some lead times."""
    heads = [f"CSI +{MINUTES * lead}" for lead in LEADS]
    heads += [f"FSS +{MINUTES * lead}" for lead in LEADS]
    print(f"\n{title}\n| | {' | '.join(heads)} |\n|---{'|---' * len(heads)}|")
    for name, of in scores.items():
        cells = [f"{of[m][lead - 1]:.3f}" for m in ("csi", "fss") for lead in LEADS]
        print(f"| {name} | {' | '.join(cells)} |")


def draw(scores: Mapping[str, Mapping], shown: Mapping[str, np.ndarray]):
    """CSI by lead time for both tests, and what one nowcast looked like."""
    plt.rcParams |= {"font.size": 9}
    rows = ["observed", "ADRNet 0", "ADRNet, turned 0", "advected"]
    rows += ["pysteps"] if "pysteps" in shown else []
    figure = plt.figure(figsize=(8.5, 3 + 1.65 * len(rows)), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=(1, 0.65 * len(rows)))
    above, below = (figure.add_subfigure(part) for part in grid)
    panels = above.subplots(1, len(scores), sharey=True)
    minutes = MINUTES * (1 + np.arange(AHEAD))
    for panel, (place, of) in zip(panels, scores.items(), strict=True):
        named = set()
        for name, values in of.items():
            kind = name.rstrip(" 0123456789")  # without its seed
            label = None if kind in named else kind
            named.add(kind)
            panel.plot(minutes, values["csi"], color=COLOURS[kind], label=label)
        panel.set_title(place, fontsize=9)
        panel.set_xlabel("minutes ahead")
    panels[0].set_ylabel("CSI of rain of 1 mm/h")
    panels[0].legend(frameon=False, fontsize=8)
    for row, axes in zip(rows, below.subplots(len(rows), len(LEADS)), strict=True):
        for lead, panel in zip(LEADS, axes, strict=True):
            field = np.ma.masked_less(shown[row][lead - 1, ..., 0], 7)
            image = panel.imshow(field, cmap="turbo", vmin=7, vmax=50)
            panel.set_xticks([])
            panel.set_yticks([])
            if row == rows[0]:
                panel.set_title(f"+{MINUTES * lead} min", fontsize=9)
        axes[0].set_ylabel(row.removesuffix(" 0"))
    below.colorbar(image, ax=below.axes, label="dBZ", shrink=0.6)
    return figure


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
