"""Measure blocks against frame intervals, and where forecasts blow up.

    python benchmarks/experiments/time_steps.py [--minutes 1] [--seed 0]
        [--output runs/time_steps]

Networks of 1, 2 and 4 blocks have time steps h of 1, 1/2 and 1/4 of a frame interval.
They train on tracers in solid rotation, configs/synthetic.py:rotation, for the same
minutes, each on a core of its own. As many run at a time as there are cores. Then each
forecasts 60 frames of the same flows, also sampled at other intervals, with h
multiplied by the interval as `TrainedModel.at_interval` does. The table has the nRMSE
of the next frame. It also has the number of frames before the error exceeds 1, that of
a forecast of nothing, and 3, where it has blown up. All are medians over 16 flows.
Started again, it continues with what is missing. Writes time_steps.json and
time_steps.svg.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import matplotlib.pyplot as plt
import numpy as np
from one_core import train_all, workdir_of
from outcome import parser, print_setting, print_table, set_style, write

from adr_jax.data.tracers import synthetic
from adr_jax.evaluation.metrics import fields
from adr_jax.training import model as trained

SHAPE, CELLS, PAST, AHEAD = "rotation", 64, 10, 60
BLOCKS = (1, 2, 4)
INTERVALS = (0.5, 1.0, 2.0, 3.0)
FLOWS = 16
LOST, BLOWN_UP = 1.0, 3.0
COLOURS = {1: "#d55e00", 2: "#009e73", 4: "#0072b2"}


def main() -> None:
    arguments = parser(__doc__, "time_steps", minutes=1.0, seed=0).parse_args()
    runs = {
        f"blocks {blocks}": {
            "config": f"configs/synthetic.py:{SHAPE}",
            "model.num_blocks": blocks,
            "train.minutes": arguments.minutes,
            "seed": arguments.seed,
        }
        for blocks in BLOCKS
    }
    curves = train_all(runs, arguments.output)
    flows = {interval: frames_at(interval) for interval in INTERVALS}
    rows = []
    for blocks, name in zip(BLOCKS, runs, strict=True):
        model = trained.load(workdir_of(name, arguments.output))
        rows.append(
            {
                "blocks": blocks,
                "steps": curves[name][-1].step,
                "intervals": [score(model, at, flows[at]) for at in INTERVALS],
            }
        )
        print(f"{name} scored", flush=True)
    print_setting(arguments)
    print_scores(rows)
    write("time_steps", arguments, {"rows": rows}, draw(rows))


def frames_at(interval: float) -> np.ndarray:
    """Return flows of the test split, (FLOWS, PAST + AHEAD, cells, cells, 1)."""
    times = cast(range, interval * np.arange(PAST + AHEAD))  # need not be whole
    seeds = synthetic.TEST_SEEDS[:FLOWS]
    return np.stack([synthetic.tracer(SHAPE, CELLS, seed, times) for seed in seeds])


def score(model: trained.TrainedModel, interval: float, frames: np.ndarray) -> dict:
    """Return the nRMSE by step, the median over flows."""
    past, target = frames[:, :PAST], frames[:, PAST:]
    ahead = model.at_interval(interval).forecast(past, AHEAD)
    errors = fields.nrmse(ahead, target)[..., 0]
    return {"interval": interval, "nrmse": np.median(errors, axis=0).tolist()}


def holds(errors: Sequence[float], limit: float) -> str:
    """Return how many frames pass before the error exceeds a limit."""
    beyond = np.flatnonzero(~(np.asarray(errors) <= limit))
    return str(beyond[0]) if len(beyond) else f">{len(errors)}"


def print_scores(rows: Sequence[Mapping]) -> None:
    """Print the error of the next frame, and how long forecasts hold."""
    every = " / ".join(f"{at:g}" for at in INTERVALS)
    heads = ["blocks", "steps", *(f"next, every {at:g}" for at in INTERVALS)]
    heads += [f"frames to {LOST:g}, every {every}", f"to {BLOWN_UP:g}"]
    lines = []
    for row in rows:
        errors = [interval["nrmse"] for interval in row["intervals"]]
        cells = [row["blocks"], row["steps"], *(f"{e[0]:.3g}" for e in errors)]
        for limit in (LOST, BLOWN_UP):
            cells.append(" / ".join(holds(e, limit) for e in errors))
        lines.append(cells)
    print_table(heads, lines)


def draw(rows: Sequence[Mapping]):
    """Draw the nRMSE by step of the forecast, a panel for each interval."""
    set_style()
    figure, panels = plt.subplots(
        1, len(INTERVALS), figsize=(10.0, 3.0), layout="tight", sharey=True
    )
    for index, (panel, interval) in enumerate(zip(panels, INTERVALS, strict=True)):
        for row in rows:
            panel.plot(
                range(1, 1 + AHEAD),
                row["intervals"][index]["nrmse"],
                color=COLOURS[row["blocks"]],
                linewidth=1.2,
                label=str(row["blocks"]),
            )
        panel.set_title(f"a frame every {interval:g}", fontsize=9)
        panel.set_xlabel("step")
        panel.set_yscale("log")
        panel.set_ylim(5e-4, 10)
    panels[0].set_ylabel("nRMSE, median of flows")
    panels[-1].legend(
        title="blocks",
        frameon=False,
        fontsize=8,
        loc="center left",
        bbox_to_anchor=(1, 0.5),
    )
    return figure


if __name__ == "__main__":
    main()
