"""Time steps: blocks, splitting and frame interval, and where forecasts blow up.

    python benchmarks/experiments/time_steps.py [--minutes 1] [--seed 0]
        [--output runs/time_steps]

Networks of 1, 2 and 4 blocks, whose time step h is 1, 1/2 and 1/4 of a frame interval,
in three splittings, train on tracers in solid rotation, configs/synthetic.py:rotation,
for the same minutes, each on a core of its own, as many at a time as there are cores.
Then each forecasts 60 frames of the same flows, sampled at other intervals too, h
multiplied by the interval as `Run.at_interval` does. Told are nRMSE of the next frame,
and how many frames pass before it exceeds 1, that of a forecast of nothing, and 3, by
when it has blown up; the median over 16 flows. Started again, it goes on with what is
missing. Writes time_steps.json and time_steps.svg.
"""

import argparse
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import cast

import matplotlib.pyplot as plt
import numpy as np
from one_core import train_all, workdir_of

from adr_jax.data.tracers import synthetic
from adr_jax.evaluation.metrics import fields
from adr_jax.training import model as trained
from adr_jax.training.devices import host

SHAPE, CELLS, PAST, AHEAD = "rotation", 64, 4, 60
BLOCKS = (1, 2, 4)
# By the order of the first step's parts; Strang goes there and back.
SPLITTINGS = ("lie", "rda", "strang")
INTERVALS = (0.5, 1.0, 2.0, 3.0)
FLOWS = 16
LOST, BLOWN_UP = 1.0, 3.0
COLOURS = {1: "#d55e00", 2: "#009e73", 4: "#0072b2"}
DASHES = {"lie": "-", "rda": ":", "strang": "--"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="of each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, default="runs/time_steps")
    arguments = parser.parse_args()
    keys = [(blocks, splitting) for blocks in BLOCKS for splitting in SPLITTINGS]
    runs = {
        f"{blocks} {splitting}": {
            "config": f"configs/synthetic.py:{SHAPE}",
            "model.num_blocks": blocks,
            "model.splitting": splitting,
            "train.minutes": arguments.minutes,
            "seed": arguments.seed,
        }
        for blocks, splitting in keys
    }
    curves = train_all(runs, arguments.output)
    flows = {interval: frames_at(interval) for interval in INTERVALS}
    rows = []
    for (blocks, splitting), name in zip(keys, runs, strict=True):
        run = trained.load(workdir_of(name, arguments.output))
        rows.append(
            {
                "blocks": blocks,
                "splitting": splitting,
                "steps": curves[name][-1].step,
                "intervals": [score(run, at, flows[at]) for at in INTERVALS],
            }
        )
        print(f"{name} scored", flush=True)
    print(f"\n{arguments.minutes:g} minutes a run, {host.describe_devices()}")
    print_table(rows)
    text = json.dumps({"arguments": str(arguments), "rows": rows}, indent=1)
    (arguments.output / "time_steps.json").write_text(text + "\n")
    figure = arguments.output / "time_steps.svg"
    draw(rows).savefig(figure, metadata={"Date": None})
    print(figure)


def frames_at(interval: float) -> np.ndarray:
    """Flows of the test split, (FLOWS, PAST + AHEAD, cells, cells, 1)."""
    times = cast(range, interval * np.arange(PAST + AHEAD))  # need not be whole
    seeds = synthetic.TEST_SEEDS[:FLOWS]
    return np.stack([synthetic.tracer(SHAPE, CELLS, seed, times) for seed in seeds])


def score(run: trained.TrainedModel, interval: float, frames: np.ndarray) -> dict:
    """NRMSE by step, the median over flows."""
    past, target = frames[:, :PAST], frames[:, PAST:]
    ahead = run.at_interval(interval).forecast(past, AHEAD)
    errors = fields.nrmse(ahead, target)[..., 0]
    return {"interval": interval, "nrmse": np.median(errors, axis=0).tolist()}


def holds(errors: Sequence[float], limit: float) -> str:
    """How many frames pass before the error exceeds a limit."""
    beyond = np.flatnonzero(~(np.asarray(errors) <= limit))
    return str(beyond[0]) if len(beyond) else f">{len(errors)}"


def print_table(rows: Sequence[Mapping]) -> None:
    """The next frame at each interval, and how long forecasts hold."""
    heads = [f"next, every {at:g}" for at in INTERVALS]
    every = " / ".join(f"{at:g}" for at in INTERVALS)
    print(
        f"| blocks | splitting | steps | {' | '.join(heads)} "
        f"| frames to {LOST:g}, every {every} | to {BLOWN_UP:g} |\n"
        f"{'|---' * (5 + len(heads))}|"
    )
    for row in rows:
        errors = [of["nrmse"] for of in row["intervals"]]
        cells = [row["blocks"], row["splitting"], row["steps"]]
        cells += [f"{of[0]:.3g}" for of in errors]
        for limit in (LOST, BLOWN_UP):
            cells.append(" / ".join(holds(of, limit) for of in errors))
        print(f"| {' | '.join(map(str, cells))} |")


def draw(rows: Sequence[Mapping]):
    """NRMSE against the step of the forecast, an interval a panel."""
    plt.rcParams |= {"font.size": 9, "svg.hashsalt": "adr_jax"}
    figure, panels = plt.subplots(
        1, len(INTERVALS), figsize=(10.0, 3.0), layout="tight", sharey=True
    )
    for number, (panel, interval) in enumerate(zip(panels, INTERVALS, strict=True)):
        for row in rows:
            panel.plot(
                range(1, 1 + AHEAD),
                row["intervals"][number]["nrmse"],
                DASHES[row["splitting"]],
                color=COLOURS[row["blocks"]],
                linewidth=1.2,
                label=f"{row['blocks']} {row['splitting']}",
            )
        panel.set_title(f"a frame every {interval:g}", fontsize=9)
        panel.set_xlabel("step")
        panel.set_yscale("log")
        panel.set_ylim(1e-2, 30)
    panels[0].set_ylabel("nRMSE, median of flows")
    panels[-1].legend(
        title="blocks, splitting",
        frameon=False,
        fontsize=8,
        loc="center left",
        bbox_to_anchor=(1, 0.5),
    )
    return figure


if __name__ == "__main__":
    main()
