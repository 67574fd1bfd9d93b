"""Compare nowcasts of rain to two hours: networks, extrapolation and pysteps.

    python benchmarks/experiments/nowcast.py --train KNMI.h5 --other FMI.h5
        [--minutes 5]
        [--seeds 0 1] [--output runs/nowcast]

Each network trains by `configs/radar.py` on the first hours of one file, for the same
minutes on a core of its own. It is tested on the last hours of that file and on all of
the other, another day in another country. Every start of a nowcast counts. Beside the
networks are persistence and the last frame carried along its measured motion; with
pysteps installed, also its Lucas-Kanade extrapolation. Scores are CSI, and FSS over 5
cells, of rain of 1 mm/h by lead. Started again, it continues with what is missing.
Writes nowcast.json and nowcast.png.
"""

import dataclasses
import importlib.util
import pathlib
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from one_core import train_all, workdir_of
from outcome import (
    COLOURS,
    parser,
    print_setting,
    print_table,
    run,
    set_style,
    write,
)

from adr_jax import data
from adr_jax.data.weather.radar import reflectivity
from adr_jax.data.windows import Windows
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.metrics import events
from adr_jax.training import model as trained

NETWORKS = {
    # ADRNet as configured: it starts from the frame carried along its motion.
    "moving frame": {},
    "moving frame, UNet": {"model.name": "unet", "model.channels": 8},
    # It has to find the motion, and to move its own forecasts on, by itself.
    "as it lies": {
        "model.head": "frames",
        "model.frames_out": 1,
        "model.transport": "pull",
        "train.feedback": 3,
        "train.feedback_after": 0.7,
    },
}
PAST, AHEAD, MINUTES = 4, 24, 5
RAIN = float(reflectivity(np.array([1.0]))[0])
SCALE = 5
LEADS = (6, 12, 18, 24)
COLOURS = COLOURS | {
    "moving frame": "#d55e00",
    "moving frame, UNet": "#cc79a7",
    "as it lies": "#009e73",
    "pysteps": "#0072b2",
}

# (windows, PAST, rows, columns, 1) to (windows, AHEAD, rows, columns, 1), in dBZ.
Nowcast = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    options = parser(__doc__, "nowcast", minutes=5.0, seeds=(0, 1))
    options.add_argument("--train", type=pathlib.Path, required=True, metavar="FILE")
    options.add_argument("--other", type=pathlib.Path, required=True, metavar="FILE")
    arguments = options.parse_args()
    same = {
        "config": "configs/radar.py",
        "data.path": arguments.train.absolute(),
        "train.minutes": arguments.minutes,
        "train.schedule": "cosine",
    }
    runs = {
        f"{name} {seed}": same | network | {"seed": seed}
        for seed in arguments.seeds
        for name, network in NETWORKS.items()
    }
    train_all(runs, arguments.output)
    models = {name: trained.load(workdir_of(name, arguments.output)) for name in runs}
    print_setting(arguments)
    last_hours = next(iter(models.values())).config.data
    path = str(arguments.other.absolute())
    tests = {
        "last hours": last_hours,
        "another day": dataclasses.replace(last_hours, path=path, split="all"),
    }
    scores, shown = {}, {}
    for test, section in tests.items():
        windows = Windows(data.load(section), "test", PAST + AHEAD)
        scores[test], shown[test] = score(windows, models)
        print_scores(f"{test}: {len(windows)} nowcasts", scores[test])
    figure = draw(scores, shown["another day"])
    write("nowcast", arguments, {"scores": scores}, figure, "png")


def score(
    windows: Windows, models: Mapping[str, trained.TrainedModel]
) -> tuple[dict[str, dict], dict[str, np.ndarray]]:
    """Return CSI and FSS by forecaster and lead, and the middle nowcast's frames."""
    nowcasts: dict[str, Nowcast] = {
        name: lambda past, model=model: model.forecast(past, steps=AHEAD)
        for name, model in models.items()
    }
    for name in ("persistence", "advected"):
        forecaster = FORECASTERS[name]
        nowcasts[name] = lambda past, f=forecaster: np.asarray(f(past, AHEAD))
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
    """Extrapolate each sample along its Lucas-Kanade motion, by pysteps."""
    from pysteps import motion, nowcasts

    flow, carry = motion.get_method("LK"), nowcasts.get_method("extrapolation")
    ahead = [carry(film[-1, ..., 0], flow(film[..., 0]), AHEAD) for film in past]
    return np.nan_to_num(np.stack(ahead))[..., None]  # dry outside


def print_scores(title: str, scores: Mapping[str, Mapping[str, Sequence]]) -> None:
    """Print a row for each forecaster, its scores at some leads."""
    columns = [(metric, lead) for metric in ("csi", "fss") for lead in LEADS]
    print(f"\n{title}")
    print_table(
        ["", *(f"{metric.upper()} +{MINUTES * lead}" for metric, lead in columns)],
        [
            [name, *(f"{values[metric][lead - 1]:.3f}" for metric, lead in columns)]
            for name, values in scores.items()
        ],
    )


def draw(scores: Mapping[str, Mapping], shown: Mapping[str, np.ndarray]):
    """Draw CSI by lead for both tests, and the frames of one nowcast."""
    set_style()
    rows = ["observed", "moving frame 0", "as it lies 0", "advected"]
    rows += ["pysteps"] if "pysteps" in shown else []
    figure = plt.figure(figsize=(8.5, 3 + 1.65 * len(rows)), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=(1, 0.65 * len(rows)))
    above, below = (figure.add_subfigure(part) for part in grid)
    panels = above.subplots(1, len(scores), sharey=True)
    minutes = MINUTES * (1 + np.arange(AHEAD))
    for panel, (test, by_forecaster) in zip(panels, scores.items(), strict=True):
        named = set()
        for name, values in by_forecaster.items():
            kind = name.rstrip(" 0123456789")  # without its seed
            label = None if kind in named else kind
            named.add(kind)
            panel.plot(minutes, values["csi"], color=COLOURS[kind], label=label)
        panel.set_title(test, fontsize=9)
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
    run(main)
