"""ADRNet beside the CNN, a UNet and FNO on shallow water, for the same minutes.

    python benchmarks/experiments/peers.py [--minutes 4] [--seed 0]
        [--output runs/peers]

Every network trains as `configs/shallow_water.py:coarse` has it, on water of 64 x 64
cells and 51 frames: the same frames in and out, base, flux form and noise, with either
of two optimisers and a cosine schedule. Each run has one core of its own, as many at a
time as there are cores; the number of its steps is what fits into the minutes by the
rate of its first ones. Scores are nRMSE on the test split. Started again, it goes on
with what is missing. Writes peers.json and peers.svg.
"""

import argparse
import itertools
import json
import pathlib
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from etils import epath
from one_core import Curve, train_all, workdir_of

from adr_jax.evaluation.workdir import read_results
from adr_jax.training.devices import host

NETWORKS = {
    "ADRNet": {"model.name": "adrnet"},
    "CNN": {"model.name": "cnn"},
    # With about as many parameters as these two; FNO is of PDEBench's size.
    "UNet": {"model.name": "unet", "model.channels": 8},
    "FNO": {"model.name": "fno"},
}
OPTIMIZERS = {
    # Of what is no kernel, such as FNO's spectral weights, muon is Adam at its rate.
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
COLOURS = {"ADRNet": "#d55e00", "CNN": "#999999", "UNet": "#0072b2", "FNO": "#cc79a7"}
COLOURS |= {"persistence": "#000000", "extrapolation": "#009e73"}
DASHES = dict(zip(OPTIMIZERS, ("-", "--"), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=4.0, help="of each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, default="runs/peers")
    arguments = parser.parse_args()
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
    print(f"\n{arguments.minutes:g} minutes a run, {host.describe_devices()}")
    print_table(rows)
    content = {"arguments": str(arguments), "rows": rows}
    text = json.dumps(content, indent=1)
    (arguments.output / "peers.json").write_text(text + "\n")
    figure = arguments.output / "peers.svg"
    draw(rows).savefig(figure, metadata={"Date": None})
    print(figure)


def row_of(network: str, optimizer: str, curve: Curve, workdir: pathlib.Path) -> dict:
    """What a run took and how its best parameters by validation score."""
    results = read_results(epath.Path(workdir))
    return {
        "network": network,
        "optimizer": optimizer,
        "parameters": results["parameters"],
        "steps": curve[-1].step,
        "seconds": curve[-1].seconds,
        "protocols": results["protocols"],
    }


def print_table(rows: Sequence[Mapping]) -> None:
    """A row for each run, then the baselines."""
    steps = " | ".join(f"step {step}" for step in STEPS)
    print(
        "| network | parameters | optimiser | steps | seconds | one step | rollout "
        f"| {steps} |\n{'|---' * (7 + len(STEPS))}|"
    )
    for row in rows:
        facts = [row["network"], f"{row['parameters']:,}", row["optimizer"]]
        facts += [f"{row['steps']:,}", f"{row['seconds']:.0f}"]
        print(f"| {' | '.join(facts + scores(row['protocols'], 'model'))} |")
    for who in ("persistence", "extrapolation"):
        cells = scores(rows[0]["protocols"], who)
        print(f"| {who} | | | | | {' | '.join(cells)} |")


def scores(protocols: Mapping, who: str) -> list[str]:
    """NRMSE of one step, of the rollout and of some of its steps."""
    rollout = protocols["rollout"][who]
    steps = [rollout["nrmse_by_step"][step - 1] for step in STEPS]
    values = [protocols["one_step"][who]["nrmse"], rollout["nrmse"], *steps]
    return [f"{value:.2e}" for value in values]


def draw(rows: Sequence[Mapping]):
    """NRMSE of the rollout, step by step."""
    plt.rcParams |= {"font.size": 9, "svg.hashsalt": "adr_jax"}
    figure, panel = plt.subplots(figsize=(6.5, 3.4), layout="tight")

    def line(protocols: Mapping, who: str, label: str, dash: str, colour: str) -> None:
        errors = protocols["rollout"][who]["nrmse_by_step"]
        steps = range(1, 1 + len(errors))
        panel.plot(steps, errors, dash, color=colour, label=label)

    for row in rows:
        network, optimizer = row["network"], row["optimizer"]
        label = f"{network}, {optimizer}"
        line(row["protocols"], "model", label, DASHES[optimizer], COLOURS[network])
    for who in ("persistence", "extrapolation"):
        line(rows[0]["protocols"], who, who, ":", COLOURS[who])
    panel.set(xlabel="step of the rollout", ylabel="nRMSE, test split", yscale="log")
    panel.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


if __name__ == "__main__":
    main()
