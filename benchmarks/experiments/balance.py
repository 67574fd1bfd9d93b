"""The balance of advection, diffusion and reaction: what it settles at, on five sets.

    python benchmarks/experiments/balance.py [--data FOLDER] [--minutes 1.25]
        [--seeds 0]
        [--only NAME ...] [--output runs/balance]

The sets and their training are those of benchmarks/experiments/advection.py, each with
the transport of its configuration; what changes is `model.balance`: the step sizes of
the three terms fixed, learned, or predicted from each state. Scores are those of the
validation split by the set's first metric. On windows of the test split: the factors
that the step sizes have settled at (1 at the start, between 0 and 2), and the shares of
what each term changes in the state, both as means over blocks. Started again, it goes
on with what is missing. Writes balance.json and balance.svg.
"""

import argparse
import json
import os
import pathlib
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from advection import NAMES, fields_of
from one_core import compare, train_all, workdir_of

from adr_jax import data
from adr_jax.data.windows import Windows
from adr_jax.evaluation.forecaster import normaliser
from adr_jax.models.blocks import BALANCES, TERMS, Balance
from adr_jax.training import model as trained
from adr_jax.training.devices import host

COLOURS = dict(zip(TERMS, ("#0072b2", "#009e73", "#d55e00"), strict=True))
WINDOWS = 16


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = os.environ.get("ADR_JAX_TEST_DATA")
    parser.add_argument("--data", default=usual, metavar="FOLDER", help="real samples")
    parser.add_argument("--minutes", type=float, default=1.25, help="of each run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=tuple(NAMES), default=list(NAMES))
    parser.add_argument("--output", type=pathlib.Path, default="runs/balance")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only:
        rows += rows_of(name, arguments)
    print(f"\n{arguments.minutes:g} minutes a run, {host.describe_devices()}")
    print_table(rows)
    text = json.dumps({"arguments": str(arguments), "rows": rows}, indent=1)
    (arguments.output / "balance.json").write_text(text + "\n")
    figure = arguments.output / "balance.svg"
    draw(rows).savefig(figure, metadata={"Date": None})
    print(figure)


def rows_of(name: str, arguments: argparse.Namespace) -> list[dict]:
    """One set's runs: scores as `compare` has them, and shares."""
    fields = fields_of(name, arguments)
    if fields is None:
        return []
    names = {
        balance: [f"{name} {balance} {seed}" for seed in arguments.seeds]
        for balance in BALANCES
    }
    runs = {
        run: fields | {"model.balance": balance, "seed": seed}
        for balance, of in names.items()
        for run, seed in zip(of, arguments.seeds, strict=True)
    }
    curves = train_all(runs, arguments.output)
    rows = compare(
        {balance: [curves[run] for run in of] for balance, of in names.items()}
    )
    for row in rows:
        of = [settled(workdir_of(run, arguments.output)) for run in names[row["name"]]]
        shares, factors = zip(*of, strict=True)
        row |= {"set": NAMES[name], "shares": np.mean(shares, axis=0).tolist()}
        row["factors"] = [np.mean(term).item() for term in zip(*factors, strict=True)]
        row["spread"] = [np.std(term).item() for term in zip(*factors, strict=True)]
    return rows


def settled(workdir: pathlib.Path) -> tuple[np.ndarray, list[np.ndarray]]:
    """Shares of the three terms and their factors, on windows spread over the test."""
    run = trained.load(workdir)
    windows = Windows(data.load(run.config.data), "test", run.config.data.history)
    frames = windows.read(np.linspace(0, len(windows) - 1, WINDOWS).astype(int))
    shares = run.shares(frames)
    assert shares is not None  # all of these networks transport
    return shares.mean(axis=(0, 1)), factors_of(run, frames)


def factors_of(run: trained.TrainedModel, frames: np.ndarray) -> list[np.ndarray]:
    """Those on the step size of each term, over blocks, channels and windows."""
    if run.config.model.balance == "fixed":
        return [np.ones(1)] * len(TERMS)
    _, sown = run.model.apply(
        run.params,
        normaliser(run.statistics, run.config.data.history)(frames),
        mutable=["intermediates"],
        capture_intermediates=lambda module, _: isinstance(module, Balance),
    )
    (of_blocks,) = sown["intermediates"]["blocks"]["balance"]["__call__"]
    return [np.asarray(term).ravel() for term in of_blocks]


def print_table(rows: Sequence[Mapping]) -> None:
    """Scores after equal seconds, lowest to highest; factors ± spread, and shares."""
    terms = [f"factor of {TERMS[0]}", *TERMS[1:], f"share of {TERMS[0]}", *TERMS[1:]]
    print(
        "| set | metric | balance | ms a step | rollout | first frame "
        f"| {' | '.join(terms)} |\n{'|---' * (6 + len(terms))}|"
    )
    for row in rows:
        cells = [row["set"], row["metric"], row["name"], f"{row['milliseconds']:.0f}"]
        for scores in zip(*row["after seconds"], strict=True):
            ends = dict.fromkeys(f"{end(scores):.3g}" for end in (min, max))
            cells.append(" to ".join(ends))
        of = zip(row["factors"], row["spread"], strict=True)
        cells += [f"{factor:.2f} ± {spread:.2f}" for factor, spread in of]
        cells += [f"{share:.0%}" for share in row["shares"]]
        print(f"| {' | '.join(cells)} |")


def draw(rows: Sequence[Mapping]):
    """A bar for each run: the shares of the three terms."""
    plt.rcParams |= {"font.size": 9, "svg.hashsalt": "adr_jax"}
    figure, panel = plt.subplots(figsize=(7.0, 0.25 * len(rows) + 1), layout="tight")
    ends = np.cumsum([row["shares"] for row in rows], axis=1)
    for number, term in enumerate(TERMS):
        start = ends[:, number - 1] if number else np.zeros(len(rows))
        width = ends[:, number] - start
        panel.barh(range(len(rows)), width, left=start, color=COLOURS[term], label=term)
    panel.set_yticks(range(len(rows)), [f"{row['set']}, {row['name']}" for row in rows])
    panel.invert_yaxis()
    panel.set(xlim=(0, 1), xlabel="share of what a block changes")
    panel.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


if __name__ == "__main__":
    main()
