"""Compare where advection is when trained on clean and on poor observations.

    python benchmarks/experiments/poor_observations.py
        [--minutes 1.5] [--seeds 0 1] [--output runs/poor_observations]

Vortices of configs/synthetic.py, by the networks of advection.py: "frame" starts from
the last frame carried along the measured motion, "state" moves its hidden state by
displacements it learns, "neither" does neither.

Poor observations have noise of 0.1 standard deviations and lack a fifth of the cells,
in all histories of the training. Each run has a core of its own, and as many run at a
time as there are cores. Then all forecast the test split's next frames from histories
with noise and with gaps, as `evaluate --robustness` does. Started again, it continues
with what is missing. Writes poor_observations.json and poor_observations.svg.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from advection import COLOURS, of_way
from one_core import train_all, workdir_of
from outcome import as_range, parser, print_setting, print_table, set_style, write

from adr_jax import data
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.studies import robustness
from adr_jax.training import model as trained
from adr_jax.training import results

SET, CONFIG = "synthetic_vortex", "configs/synthetic.py:vortex"
WAYS = ("frame", "state", "neither")
OBSERVATIONS = {"clean": {}, "poor": {"data.noise": 0.1, "data.missing": 0.2}}
DASHES = {"clean": "--", "poor": "-"}


def main() -> None:
    options = parser(__doc__, "poor_observations", minutes=1.5, seeds=(0, 1))
    arguments = options.parse_args()
    same = {"config": CONFIG, "train.minutes": arguments.minutes}
    runs = {
        f"{way} {observations} {seed}": same | of_way(SET, way) | poor | {"seed": seed}
        for seed in arguments.seeds
        for way in WAYS
        for observations, poor in OBSERVATIONS.items()
    }
    train_all(runs, arguments.output)
    # By kind of corruption and by forecaster, a row of levels for each seed.
    scores: dict[str, dict[str, list]] = {kind: {} for kind in robustness.LEVELS}
    for name in runs:
        model = trained.load(workdir_of(name, arguments.output))
        result = results.robustness_of(model, data.load(model.config.data))
        group = name.rpartition(" ")[0]
        for kind, rows in scores.items():
            levels = {key: list(row.values()) for key, row in result[kind].items()}
            rows.setdefault(group, []).append(levels["model"])
            rows |= {baseline: [levels[baseline]] for baseline in FORECASTERS}
    print_setting(arguments)
    print(f"next frame, {result['metric']}, {result['samples']} windows of the test")
    for kind, rows in scores.items():
        print_scores(kind, rows)
    write("poor_observations", arguments, {"scores": scores}, draw(scores))


def print_scores(kind: str, scores: Mapping[str, list]) -> None:
    """Print a row for each forecaster, the range over seeds at each level."""
    print()
    print_table(
        ["trained on", *(f"{kind} {level:g}" for level in robustness.LEVELS[kind])],
        [
            [name, *(as_range(seeds) for seeds in zip(*rows, strict=True))]
            for name, rows in scores.items()
        ],
    )


def draw(scores: Mapping[str, Mapping[str, list]]):
    """Draw scores by level, a panel for each kind of corruption."""
    set_style()
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 3.0), layout="tight", sharey=True)
    for panel, (kind, rows) in zip(panels, scores.items(), strict=True):
        positions = np.arange(len(robustness.LEVELS[kind]))
        for way in WAYS:
            colour = COLOURS[way]
            for observations, dash in DASHES.items():
                seeds = np.array(rows[f"{way} {observations}"])
                ends = seeds.min(0), seeds.max(0)
                panel.fill_between(positions, *ends, color=colour, alpha=0.15, lw=0)
                label = f"{way}, trained on {observations}"
                panel.plot(positions, seeds.mean(0), dash, color=colour, label=label)
        baseline = rows["persistence"][0]
        panel.plot(positions, baseline, ":", color="#999999", label="persistence")
        panel.set_xticks(positions, [f"{level:g}" for level in robustness.LEVELS[kind]])
        panel.set_yscale("log")
    panels[0].set_xlabel("noise of the history, standard deviations")
    panels[1].set_xlabel("share of its cells lost")
    panels[0].set_ylabel("score of the next frame")
    beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    panels[1].legend(frameon=False, fontsize=8, **beside)
    return figure


if __name__ == "__main__":
    main()
