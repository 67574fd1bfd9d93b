"""Compare ADRNet, the CNN, a UNet and FNO on shallow water for the same minutes.

    python benchmarks/experiments/peers.py [--minutes 4] [--seed 0]
        [--output runs/peers]

Every network trains by `configs/shallow_water.py:coarse`, on water of 64 x 64 cells and
51 frames. All have the same frames in and out, base, flux form and noise, and train
with either of two optimisers and a cosine schedule. Each run has one core of its own,
and as many run at a time as there are cores. The number of its steps is what fits into
the minutes by the rate of its first ones. Scores are nRMSE on the test split. Started
again, it continues with what is missing. Writes peers.json and peers.svg.
"""

import itertools
import pathlib
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from etils import epath
from one_core import CNN, Curve, train_all, workdir_of
from outcome import COLOURS, parser, print_setting, print_table, set_style, write

from adr_jax.evaluation.workdir import read_results

NETWORKS = {
    "ADRNet": {},
    "CNN": CNN,
    # With about as many parameters as these two; FNO is of PDEBench's size.
    "UNet": {"model.name": "unet", "model.channels": 8},
    "FNO": {"model.name": "fno"},
}
OPTIMIZERS = {
    # muon updates what is no kernel, such as FNO's spectral weights, by Adam.
    "muon": {"train.optimizer": "muon", "train.learning_rate": 1e-2},
    "adamw": {"train.optimizer": "adamw", "train.learning_rate": 2e-3},
}
SAME = {
    "config": "configs/shallow_water.py:coarse",
    "train.schedule": "cosine",
    "train.validate_every": 150,
    "eval.protocols": "('one_step', 'rollout')",
}
STEPS = (10, 20, 41)
COLOURS = COLOURS | {"FNO": "#cc79a7", "extrapolation": COLOURS["advected"]}
DASHES = dict(zip(OPTIMIZERS, ("-", "--"), strict=True))


def main() -> None:
    arguments = parser(__doc__, "peers", minutes=4.0, seed=0).parse_args()
    same = SAME | {"train.minutes": arguments.minutes, "seed": arguments.seed}
    kinds = list(itertools.product(NETWORKS, OPTIMIZERS))
    runs = {
        f"{network} {optimizer}": same | NETWORKS[network] | OPTIMIZERS[optimizer]
        for network, optimizer in kinds
    }
    curves = train_all(runs, arguments.output)
    rows = [
        row_of(*kind, curves[run], workdir_of(run, arguments.output))
        for kind, run in zip(kinds, runs, strict=True)
    ]
    print_setting(arguments)
    print_scores(rows)
    write("peers", arguments, {"rows": rows}, draw(rows))


def row_of(network: str, optimizer: str, curve: Curve, workdir: pathlib.Path) -> dict:
    """Return the cost of a run, and the scores of its best parameters."""
    results = read_results(epath.Path(workdir))
    return {
        "network": network,
        "optimizer": optimizer,
        "parameters": results["parameters"],
        "steps": curve[-1].step,
        "seconds": curve[-1].seconds,
        "protocols": results["protocols"],
    }


def print_scores(rows: Sequence[Mapping]) -> None:
    """Print a row for each run, then the baselines."""
    heads = ["network", "parameters", "optimiser", "steps", "seconds"]
    heads += ["one step", "rollout", *(f"step {step}" for step in STEPS)]
    lines = []
    for row in rows:
        facts = [row["network"], f"{row['parameters']:,}", row["optimizer"]]
        facts += [f"{row['steps']:,}", f"{row['seconds']:.0f}"]
        lines.append(facts + scores(row["protocols"], "model"))
    for name in ("persistence", "extrapolation"):
        lines.append([name, "", "", "", "", *scores(rows[0]["protocols"], name)])
    print_table(heads, lines)


def scores(protocols: Mapping, forecaster: str) -> list[str]:
    """Return the nRMSE of one step, of the rollout and of some of its steps."""
    one_step, rollout = (protocols[p][forecaster] for p in ("one_step", "rollout"))
    steps = [rollout["nrmse_by_step"][step - 1] for step in STEPS]
    values = [one_step["nrmse"], rollout["nrmse"], *steps]
    return [f"{value:.2e}" for value in values]


def draw(rows: Sequence[Mapping]):
    """Draw the nRMSE of the rollout by step."""
    set_style()
    figure, panel = plt.subplots(figsize=(6.5, 3.4), layout="tight")

    def line(protocols: Mapping, forecaster: str, label: str, dash: str, colour: str):
        errors = protocols["rollout"][forecaster]["nrmse_by_step"]
        steps = range(1, 1 + len(errors))
        panel.plot(steps, errors, dash, color=colour, label=label)

    for row in rows:
        network, optimizer = row["network"], row["optimizer"]
        label = f"{network}, {optimizer}"
        line(row["protocols"], "model", label, DASHES[optimizer], COLOURS[network])
    for name in ("persistence", "extrapolation"):
        line(rows[0]["protocols"], name, name, ":", COLOURS[name])
    panel.set(xlabel="step of the rollout", ylabel="nRMSE, test split", yscale="log")
    panel.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


if __name__ == "__main__":
    main()
