"""ADRNet, the same network without transport, and a UNet on Moving MNIST.

    python benchmarks/experiments/moving_digits.py [--minutes 3] [--seeds 0 1 2]
        [--output runs/moving_digits]

Each trains by `configs/moving_mnist.py`, at a constant rate, for the same minutes on a
core of its own, as many at a time as there are cores. Widths are chosen so that all
three have about as many parameters. Scores: MSE, summed over the cells of a frame, and
SSIM, on the validation split, against steps and seconds; on the test split by the
protocol `moving_mnist` beside baselines; and MSE on digits slower and faster than those
of the training. It needs digits, see `configs/moving_mnist.py`. Started again, it goes
on with what is missing. Writes moving_digits.json and moving_digits.svg.
"""

import argparse
import json
import pathlib
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from etils import epath
from one_core import Curve, compare, scored_by, train_all, workdir_of

from adr_jax.data.contract import SPLITS
from adr_jax.data.moving_mnist import digits
from adr_jax.data.moving_mnist import source as moving_mnist
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.metrics import images
from adr_jax.evaluation.workdir import read_results
from adr_jax.training import model as trained
from adr_jax.training.devices import host

NETWORKS = {
    "ADRNet": {"model.name": "adrnet"},
    "CNN": {"model.name": "cnn"},
    "UNet": {"model.name": "unet", "model.channels": 6},
}
COLOURS = {"ADRNet": "#d55e00", "CNN": "#999999", "UNet": "#0072b2"}
COLOURS |= {"persistence": "#000000", "advected": "#009e73"}
# Cells a frame; the set's own is 3.6.
SPEEDS = (0.0, 0.9, 1.8, 3.6, 5.4, 7.2)
SEQUENCES, PAST = 64, 10
TITLES = {"mse_sum": "MSE", "ssim": "SSIM"}
PLACES = ("after steps", "after seconds")
TICKS = (100, 150, 200, 300, 500)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=3.0, help="of each run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=pathlib.Path, default="runs/moving_digits")
    arguments = parser.parse_args()
    same = {
        "config": "configs/moving_mnist.py",
        "train.minutes": arguments.minutes,
        "eval.protocols": "('moving_mnist',)",
    }
    runs = {
        f"{name} {seed}": same | network | {"seed": seed}
        for seed in arguments.seeds
        for name, network in NETWORKS.items()
    }
    curves = train_all(runs, arguments.output)
    groups = {
        name: [curves[f"{name} {seed}"] for seed in arguments.seeds]
        for name in NETWORKS
    }
    print(f"\n{arguments.minutes:g} minutes a run, {host.describe_devices()}")
    by_metric = {
        metric: {
            name: [scored_by(metric, curve) for curve in of]
            for name, of in groups.items()
        }
        for metric in TITLES
    }
    rows = compare(by_metric["mse_sum"])
    for row, similar in zip(rows, compare(by_metric["ssim"]), strict=True):
        for place in PLACES:
            row[f"ssim {place}"] = [score for score, _ in similar[place]]
        row["test"] = [
            test_scores(workdir_of(f"{row['name']} {seed}", arguments.output))
            for seed in arguments.seeds
        ]
    print_table(rows)
    speeds = by_speed(arguments.output, arguments.seeds)
    content = {"arguments": str(arguments), "rows": rows, "by speed": speeds}
    text = json.dumps(content, indent=1)
    (arguments.output / "moving_digits.json").write_text(text + "\n")
    figure = arguments.output / "moving_digits.svg"
    draw(by_metric, speeds).savefig(figure, metadata={"Date": None})
    print(figure)


def test_scores(workdir: pathlib.Path) -> dict:
    """Scores of a run and of the baselines on the test split, and its parameters."""
    results = read_results(epath.Path(workdir))
    of = results["protocols"]["moving_mnist"]
    scores = {
        who: {metric: of[who][metric] for metric in TITLES}
        for who in ("model", *FORECASTERS)
    }
    return {"parameters": results["parameters"], **scores}


def print_table(rows: Sequence[Mapping]) -> None:
    """Ranges over seeds; the baselines are the same for all."""
    steps, seconds = rows[0]["steps"], rows[0]["seconds"]
    print(
        f"| network | parameters | ms a step | validation MSE after {steps} steps "
        f"| after {seconds:.0f} s | SSIM after {steps} steps | after {seconds:.0f} s "
        f"| test MSE | test SSIM |\n{'|---' * 9}|"
    )
    for row in rows:
        columns = [
            *([score for score, _ in row[place]] for place in PLACES),
            *(row[f"ssim {place}"] for place in PLACES),
            *([scores["model"][metric] for scores in row["test"]] for metric in TITLES),
        ]
        ranges = [f"{min(of):.3g} to {max(of):.3g}" for of in columns]
        parameters = f"{row['test'][0]['parameters']:,}"
        cells = [row["name"], parameters, f"{row['milliseconds']:.0f}", *ranges]
        print(f"| {' | '.join(cells)} |")
    for who in FORECASTERS:
        scores = rows[0]["test"][0][who]
        ends = f"{scores['mse_sum']:.3g} | {scores['ssim']:.3g}"
        print(f"| {who} | | | | | | | {ends} |")


def by_speed(output: pathlib.Path, seeds: Sequence[int]) -> dict[str, list[list]]:
    """MSE at each of SPEEDS, by forecaster: a row for each seed."""
    pool = digits.pools("")["test"]
    forecasters = {
        name: [trained.load(workdir_of(f"{name} {seed}", output)) for seed in seeds]
        for name in NETWORKS
    }
    scores = {who: [[] for _ in seeds] for who in NETWORKS}
    scores |= {who: [[]] for who in ("persistence", "advected")}
    for speed in SPEEDS:
        films = moving_mnist.Generated(pool, SPLITS.index("test"), SEQUENCES, speed)
        frames = np.stack([films[n] for n in range(SEQUENCES)])[..., None] / 255.0
        frames = frames.astype(np.float32)
        past, target = frames[:, :PAST], frames[:, PAST:]
        for who, rows in scores.items():
            for row, run in zip(rows, forecasters.get(who, [None]), strict=True):
                ahead = (
                    run.forecast(past, steps=target.shape[1])
                    if run
                    else FORECASTERS[who](past, target.shape[1])
                )
                row.append(float(images.mse_sum(np.asarray(ahead), target).mean()))
    return scores


def draw(
    by_metric: Mapping[str, Mapping[str, Sequence[Curve]]],
    speeds: Mapping[str, list[list]],
):
    """Both metrics against steps and seconds; MSE against speed."""
    plt.rcParams |= {"font.size": 9, "svg.hashsalt": "adr_jax"}
    figure, panels = plt.subplot_mosaic(
        [
            ["mse_sum step", "mse_sum seconds", "speed"],
            ["ssim step", "ssim seconds", "."],
        ],
        figsize=(9.0, 5.4),
        layout="tight",
    )
    labels = {"step": "steps", "seconds": "seconds of training"}
    for metric, groups in by_metric.items():
        for field, label in labels.items():
            panel = panels[f"{metric} {field}"]
            for name, curves in groups.items():
                for curve in curves:
                    places = [getattr(validation, field) for validation in curve]
                    scores = [validation.score for validation in curve]
                    panel.plot(places, scores, color=COLOURS[name], linewidth=1.2)
            panel.set_xlabel(label)
        panels[f"{metric} step"].set_ylabel(f"{TITLES[metric]}, validation")
    for panel in (panels["mse_sum step"], panels["mse_sum seconds"]):
        panel.set_yscale("log")
        panel.set_yticks(TICKS, [str(tick) for tick in TICKS])
        panel.minorticks_off()
        panel.set_ylim(TICKS[0], TICKS[-1])
    panel = panels["speed"]
    for name, rows in speeds.items():
        middle = np.mean(rows, axis=0)
        panel.plot(SPEEDS, middle, color=COLOURS[name], marker="o", ms=3, label=name)
    panel.axvline(moving_mnist.SPEED, color="#cccccc", zorder=0)
    panel.set_xlabel("speed of the digits, cells a frame")
    panel.set_ylabel("MSE, new sequences")
    figure.legend(loc="lower right", bbox_to_anchor=(0.95, 0.1), frameon=False)
    return figure


if __name__ == "__main__":
    main()
