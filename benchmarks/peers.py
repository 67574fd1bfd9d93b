"""ADRNet beside the CNN, a UNet and FNO on shallow water, for the same minutes.

    python benchmarks/peers.py [--minutes 2 7] [--seed 0] [--output runs/peers]

Every network trains as `configs/shallow_water.py` has it, the first minutes on the
coarse grid, the others on the fine one: the same frames, base, flux form, noise and
forecasts fed back. On the coarse grid each tries two optimisers; the one whose
validation is better goes on. Each run has one core of its own, as many at a time as
there are cores. Scores are nRMSE on the test split. Started again, it goes on with what
is missing. Writes peers.json and peers.svg.
"""

import argparse
import json
import pathlib
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from etils import epath
from one_core import train_all, workdir_of

from adr_jax.evaluation.run_files import read_results
from adr_jax.training import parallel

NETWORKS = {
    "ADRNet": {"model.name": "adrnet"},
    "CNN": {"model.name": "cnn"},
    # With about as many parameters as these two; FNO is of PDEBench's size.
    "UNet": {"model.name": "unet", "model.channels": 8},
    "FNO": {"model.name": "fno"},
}
OPTIMIZERS = {
    "muon": {"train.optimizer": "muon", "train.learning_rate": 1e-2},
    "adamw": {"train.optimizer": "adamw", "train.learning_rate": 2e-3},
}
SAME = {"train.schedule": "cosine", "train.validate_every": 150}
COARSE = {"config": "configs/shallow_water.py:coarse"}
FINE = {
    "config": "configs/shallow_water.py:fine",
    "train.feedback": 3,
    "train.checkpoint_every": 25,
    "eval.protocols": "('one_step', 'rollout')",
}
COLOURS = {"ADRNet": "#d55e00", "CNN": "#999999", "UNet": "#0072b2", "FNO": "#cc79a7"}
COLOURS |= {"persistence": "#000000", "extrapolation": "#009e73"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes", type=float, nargs=2, default=(2.0, 7.0), help="of each run"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, default="runs/peers")
    arguments = parser.parse_args()
    chosen = choose_optimizers(arguments)
    rows = train_on(chosen, arguments)
    minutes = " and ".join(f"{m:g}" for m in arguments.minutes)
    print(f"\n{minutes} minutes a run, {parallel.describe_devices()}")
    print_table(rows)
    content = {"arguments": str(arguments), "rows": rows}
    text = json.dumps(content, indent=1)
    (arguments.output / "peers.json").write_text(text + "\n")
    figure = arguments.output / "peers.svg"
    draw(rows).savefig(figure, metadata={"Date": None})
    print(figure)


def choose_optimizers(arguments: argparse.Namespace) -> dict[str, str]:
    """The better optimiser of each network after its minutes on the coarse grid."""
    same = SAME | COARSE | {"train.minutes": arguments.minutes[0]}
    runs = {
        f"{network} {optimizer}": same
        | fields
        | OPTIMIZERS[optimizer]
        | {"seed": arguments.seed}
        for network, fields in NETWORKS.items()
        for optimizer in OPTIMIZERS
    }
    curves = train_all(runs, arguments.output)

    def best(network: str, optimizer: str) -> float:
        return min(passed.score for passed in curves[f"{network} {optimizer}"])

    return {
        network: min(OPTIMIZERS, key=lambda optimizer: best(network, optimizer))
        for network in NETWORKS
    }


def train_on(chosen: Mapping[str, str], arguments: argparse.Namespace) -> list[dict]:
    """Each network on the fine grid from its coarse run, at half the rate."""
    runs = {}
    for network, optimizer in chosen.items():
        fields = SAME | FINE | NETWORKS[network] | OPTIMIZERS[optimizer]
        fields["train.learning_rate"] /= 2
        fields["train.minutes"] = arguments.minutes[1]
        coarse = workdir_of(f"{network} {optimizer}", arguments.output)
        runs[f"{network} fine"] = fields | {
            "train.start_from": coarse,
            "seed": arguments.seed,
        }
    curves = train_all(runs, arguments.output)
    rows = []
    for name, curve in curves.items():
        network = name.removesuffix(" fine")
        path = workdir_of(name, arguments.output) / "results.json"
        results = read_results(epath.Path(path))
        rows.append(
            {
                "network": network,
                "optimizer": chosen[network],
                "parameters": results["parameters"],
                "steps": curve[-1].step,
                "protocols": results["protocols"],
            }
        )
    return rows


def print_table(rows: Sequence[Mapping]) -> None:
    """A row for each network, then the baselines."""
    print(
        "| network | parameters | optimiser | steps, fine | one step | rollout "
        f"| step 10 | 50 | 91 |\n{'|---' * 9}|"
    )
    for row in rows:
        facts = [row["network"], f"{row['parameters']:,}", row["optimizer"]]
        facts.append(f"{row['steps']:,}")
        print(f"| {' | '.join(facts + scores(row['protocols'], 'model'))} |")
    for who in ("persistence", "extrapolation"):
        cells = scores(rows[0]["protocols"], who)
        print(f"| {who} | | | | {' | '.join(cells)} |")


def scores(protocols: Mapping, who: str) -> list[str]:
    """nRMSE of one step, of the rollout and of three of its steps."""
    rollout = protocols["rollout"][who]
    steps = [rollout["nrmse_by_step"][step - 1] for step in (10, 50, 91)]
    values = [protocols["one_step"][who]["nrmse"], rollout["nrmse"], *steps]
    return [f"{value:.2e}" for value in values]


def draw(rows: Sequence[Mapping]):
    """nRMSE of the rollout, step by step."""
    plt.rcParams |= {"font.size": 9, "svg.hashsalt": "adr_jax"}
    figure, panel = plt.subplots(figsize=(5.5, 3.2), layout="tight")
    lines = {row["network"]: row["protocols"]["rollout"]["model"] for row in rows}
    baselines = rows[0]["protocols"]["rollout"]
    lines |= {who: baselines[who] for who in ("persistence", "extrapolation")}
    for name, of in lines.items():
        errors = of["nrmse_by_step"]
        steps = range(1, 1 + len(errors))
        panel.plot(steps, errors, color=COLOURS[name], label=name)
    panel.set(xlabel="step of the rollout", ylabel="nRMSE, test split", yscale="log")
    panel.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


if __name__ == "__main__":
    main()
