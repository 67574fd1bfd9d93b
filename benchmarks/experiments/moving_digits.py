"""Measure what following digits is worth on Moving MNIST.

    python benchmarks/experiments/moving_digits.py [--minutes 3] [--seeds 0 1 2]
        [--output runs/moving_digits]

ADRNet of `configs/moving_mnist.py` carries two objects, each along its track. Beside it
are the same network with one dense motion, the same with none, which forecasts frame
after frame, and a UNet that does likewise. Each trains at a constant rate, for the same
minutes on a core of its own. As many run at a time as there are cores. Scores are MSE,
summed over the cells of a frame, and SSIM. On the validation split they are given by
step and by second. On the test split they are those of the protocol `moving_mnist`,
beside baselines. Last is the MSE on digits slower and faster than those of the
training. It needs digits, see `configs/moving_mnist.py`. Started again, it continues
with what is missing. Writes moving_digits.json and moving_digits.svg.
"""

import pathlib
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from etils import epath
from one_core import Curve, compare, scored_by, train_all, workdir_of
from outcome import (
    COLOURS,
    as_range,
    parser,
    print_setting,
    print_table,
    set_style,
    write,
)

from adr_jax.data.contract import SPLITS
from adr_jax.data.moving_mnist import digits
from adr_jax.data.moving_mnist import source as moving_mnist
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.metrics import images
from adr_jax.evaluation.workdir import read_results
from adr_jax.training import model as trained

# One frame at a time, from the last four, with nothing carried.
FRAMES = {
    "model.head": "frames",
    "model.motions": "one",
    "model.frames_in": 4,
    "model.frames_out": 1,
}
NETWORKS = {
    "two objects": {"train.learning_rate": 2e-3},
    "one motion": {"model.motions": "one", "train.learning_rate": 2e-3},
    "no motion": FRAMES,
    "UNet": FRAMES | {"model.name": "unet", "model.channels": 6},
}
COLOURS = COLOURS | {
    "two objects": COLOURS["ADRNet"],
    "one motion": "#cc79a7",
    "no motion": COLOURS["CNN"],
}
# Cells a frame; the set's own is 3.6.
SPEEDS = (0.0, 0.9, 1.8, 3.6, 5.4, 7.2)
SEQUENCES, PAST = 64, 10
TITLES = {"mse_sum": "MSE", "ssim": "SSIM"}
MOMENTS = ("after steps", "after seconds")
TICKS = (60, 80, 100, 150, 200, 300, 500)


def main() -> None:
    options = parser(__doc__, "moving_digits", minutes=3.0, seeds=(0, 1, 2))
    arguments = options.parse_args()
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
    print_setting(arguments)
    by_metric = {
        metric: {
            name: [scored_by(metric, curve) for curve in curves]
            for name, curves in groups.items()
        }
        for metric in TITLES
    }
    rows = compare(by_metric["mse_sum"])
    for row, similar in zip(rows, compare(by_metric["ssim"]), strict=True):
        for moment in MOMENTS:
            row[f"ssim {moment}"] = [score for score, _ in similar[moment]]
        row["test"] = [
            test_scores(workdir_of(f"{row['name']} {seed}", arguments.output))
            for seed in arguments.seeds
        ]
    print_scores(rows)
    speeds = by_speed(arguments.output, arguments.seeds)
    content = {"rows": rows, "by speed": speeds}
    write("moving_digits", arguments, content, draw(by_metric, speeds))


def test_scores(workdir: pathlib.Path) -> dict:
    """Return a run's parameters, and its and the baselines' scores on the test."""
    results = read_results(epath.Path(workdir))
    rows = results["protocols"]["moving_mnist"]
    scores = {
        name: {metric: rows[name][metric] for metric in TITLES}
        for name in ("model", *FORECASTERS)
    }
    return {"parameters": results["parameters"], **scores}


def print_scores(rows: Sequence[Mapping]) -> None:
    """Print ranges over seeds; the baselines are the same for all."""
    after = [f"{rows[0]['steps']} steps", f"{rows[0]['seconds']:.0f} s"]
    heads = ["network", "parameters", "ms a step"]
    heads += [f"validation MSE after {after[0]}", f"after {after[1]}"]
    heads += [f"SSIM after {after[0]}", f"after {after[1]}", "test MSE", "test SSIM"]
    lines = []
    for row in rows:
        columns = [
            *([score for score, _ in row[moment]] for moment in MOMENTS),
            *(row[f"ssim {moment}"] for moment in MOMENTS),
            *([scores["model"][metric] for scores in row["test"]] for metric in TITLES),
        ]
        parameters = f"{row['test'][0]['parameters']:,}"
        facts = [row["name"], parameters, f"{row['milliseconds']:.0f}"]
        lines.append(facts + [as_range(column) for column in columns])
    for name in FORECASTERS:
        scores = rows[0]["test"][0][name]
        lines.append(
            [name, *[""] * 6, f"{scores['mse_sum']:.3g}", f"{scores['ssim']:.3g}"]
        )
    print_table(heads, lines)


def by_speed(output: pathlib.Path, seeds: Sequence[int]) -> dict[str, list[list]]:
    """Return the MSE at each of SPEEDS by forecaster, a row for each seed."""
    pool = digits.pools("")["test"]
    models = {
        name: [trained.load(workdir_of(f"{name} {seed}", output)) for seed in seeds]
        for name in NETWORKS
    }
    scores = {name: [[] for _ in seeds] for name in NETWORKS}
    scores |= {name: [[]] for name in ("persistence", "advected")}
    for speed in SPEEDS:
        films = moving_mnist.Generated(pool, SPLITS.index("test"), SEQUENCES, speed)
        frames = np.stack([films[n] for n in range(SEQUENCES)])[..., None] / 255.0
        frames = frames.astype(np.float32)
        past, target = frames[:, :PAST], frames[:, PAST:]
        for name, rows in scores.items():
            for row, model in zip(rows, models.get(name, [None]), strict=True):
                ahead = (
                    model.forecast(past, steps=target.shape[1])
                    if model
                    else FORECASTERS[name](past, target.shape[1])
                )
                row.append(float(images.mse_sum(np.asarray(ahead), target).mean()))
    return scores


def draw(
    by_metric: Mapping[str, Mapping[str, Sequence[Curve]]],
    speeds: Mapping[str, list[list]],
):
    """Draw both metrics by step and by second, and MSE by speed."""
    set_style()
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
                    moments = [getattr(validation, field) for validation in curve]
                    scores = [validation.score for validation in curve]
                    panel.plot(moments, scores, color=COLOURS[name], linewidth=1.2)
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
