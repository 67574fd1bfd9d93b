"""Noise and gaps: ADRNet and the CNN, trained on clean and on poor observations.

    python benchmarks/experiments/poor_observations.py
        [--config configs/synthetic.py:vortex]
        [--minutes 1.5] [--seeds 0 1 2] [--output runs/poor_observations]

The CNN is the same network with a residual convolution in the place of transport. Poor
observations are noise of 0.1 standard deviations and a fifth of the cells lost, in all
histories of the training. Each run has a core of its own, as many run at a time as
there are cores. Then all forecast the test split's next frames from histories with
noise and with gaps, as `evaluate --robustness` does. Started again, it goes on with
what is missing. Writes poor_observations.json and poor_observations.svg.
"""

import argparse
import json
import pathlib
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from one_core import train_all, workdir_of

from adr_jax import data
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.studies import robustness
from adr_jax.training import model as trained
from adr_jax.training import results
from adr_jax.training.devices import host

NETWORKS = {"ADRNet": "adrnet", "CNN": "cnn"}
OBSERVATIONS = {"clean": {}, "poor": {"data.noise": 0.1, "data.missing": 0.2}}
COLOURS = {"ADRNet": "#d55e00", "CNN": "#0072b2"}
DASHES = {"clean": "--", "poor": "-"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="configs/synthetic.py:vortex")
    parser.add_argument("--minutes", type=float, default=1.5, help="of each run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=pathlib.Path, default="runs/poor_observations")
    arguments = parser.parse_args()
    same = {"config": arguments.config, "train.minutes": arguments.minutes}
    runs = {
        f"{name} {seen} {seed}": same | {"model.name": network, "seed": seed} | poor
        for seed in arguments.seeds
        for name, network in NETWORKS.items()
        for seen, poor in OBSERVATIONS.items()
    }
    train_all(runs, arguments.output)
    scores: dict[str, dict[str, list]] = {}
    for name in runs:
        run = trained.load(workdir_of(name, arguments.output))
        result = results.robustness_of(run, data.load(run.config.data))
        group = name.rpartition(" ")[0]
        for kind in robustness.LEVELS:
            of = scores.setdefault(kind, {})
            of.setdefault(group, []).append(list(result[kind]["model"].values()))
            of |= {who: [list(result[kind][who].values())] for who in FORECASTERS}
    print(f"\n{arguments.minutes:g} minutes a run, {host.describe_devices()}")
    print(f"next frame, {result['metric']}, {result['samples']} windows of the test")
    for kind, of in scores.items():
        print_table(kind, of)
    text = json.dumps({"arguments": str(arguments), "scores": scores}, indent=1)
    (arguments.output / "poor_observations.json").write_text(text + "\n")
    figure = arguments.output / "poor_observations.svg"
    draw(scores).savefig(figure, metadata={"Date": None})
    print(figure)


def print_table(kind: str, scores: Mapping[str, list]) -> None:
    """A row for each forecaster, the range over seeds at each level."""
    levels = [f"{kind} {level:g}" for level in robustness.LEVELS[kind]]
    print(f"\n| trained on | {' | '.join(levels)} |\n|---{'|---' * len(levels)}|")
    for who, rows in scores.items():
        ends = zip(np.min(rows, axis=0), np.max(rows, axis=0), strict=True)
        cells = [f"{a:.3g}" if a == b else f"{a:.3g} to {b:.3g}" for a, b in ends]
        print(f"| {who} | {' | '.join(cells)} |")


def draw(scores: Mapping[str, Mapping[str, list]]):
    """Score against level, a panel for each kind of corruption."""
    plt.rcParams |= {"font.size": 9, "svg.hashsalt": "adr_jax"}
    figure, panels = plt.subplots(1, 2, figsize=(7.5, 3.0), layout="tight", sharey=True)
    for panel, (kind, of) in zip(panels, scores.items(), strict=True):
        places = np.arange(len(robustness.LEVELS[kind]))
        for network, colour in COLOURS.items():
            for seen, dash in DASHES.items():
                rows = np.array(of[f"{network} {seen}"])
                panel.fill_between(
                    places, rows.min(0), rows.max(0), color=colour, alpha=0.15, lw=0
                )
                label = f"{network}, trained on {seen}"
                panel.plot(places, rows.mean(0), dash, color=colour, label=label)
        panel.plot(
            places, of["persistence"][0], ":", color="#999999", label="persistence"
        )
        panel.set_xticks(places, [f"{level:g}" for level in robustness.LEVELS[kind]])
        panel.set_yscale("log")
    panels[0].set_xlabel("noise of the history, standard deviations")
    panels[1].set_xlabel("share of its cells lost")
    panels[0].set_ylabel("score of the next frame")
    panels[0].legend(frameon=False, fontsize=8)
    return figure


if __name__ == "__main__":
    main()
