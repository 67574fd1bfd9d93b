"""Does the network see the wind? Learned displacements beside the data's motion.

    python benchmarks/experiments/motion.py [--data FOLDER] [--minutes 1.5] [--seed 0]
        [--only NAME ...] [--windows 16] [--output runs/motion]

Each set of benchmarks/experiments/datasets.py whose motion is known or can be seen
trains as in benchmarks/experiments/advection.py, for the same minutes on one core of
its own. What a network moves in a frame is the sum of its blocks' displacements, one
for each group of channels. They are compared with the true velocity where it is known
(runs of `configs/synthetic.py` and `configs/ocean.py`), elsewhere with optical flow
(TV-L1) between the last two frames of the history, in three forms: the mean over
groups; that of the group which fits best; and the best linear combination of all of
them. The last two are chosen and fitted on the first half of the windows, and all is
scored on the second. Beside them are the motion that `adr_jax.estimate_motion`
measures, untrained, and the mean of the reference over the first half of the windows,
which needs no network and no look at the history. Scores, where the reference moves by
a tenth of a cell a frame or more: the median angle to it in degrees, and the median
length over its length; and the cosine between both fields over all these cells. Started
again, it goes on with what is missing. Writes motion.json and motion.png, the last
window of each set.
"""

import argparse
import json
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from advection import fields_of
from one_core import train_all, workdir_of
from skimage.registration import optical_flow_tvl1

import adr_jax
from adr_jax import data
from adr_jax.data.contract import Dataset
from adr_jax.data.tracers import synthetic
from adr_jax.errors import InputError
from adr_jax.training import model as trained
from adr_jax.training.devices import host

NAMES = (
    *(f"synthetic_{shape}" for shape in synthetic.SHAPES),
    *("ocean", "satellite", "radar"),
)
LEAST = 0.1  # cells a frame, below which a direction means little
DRAWN = "groups combined"
ARROWS = 14  # along the longer side


class Motion(NamedTuple):
    """Motion in some windows of a run's test split, in cells a frame."""

    frame: np.ndarray  # the last one of each history, (windows, y, x)
    reference: np.ndarray  # (windows, y, x, 2)
    candidates: dict[str, np.ndarray]  # by name, like reference


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = os.environ.get("ADR_JAX_TEST_DATA")
    parser.add_argument("--data", default=usual, metavar="FOLDER", help="real samples")
    parser.add_argument("--minutes", type=float, default=1.5, help="of each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--windows", type=int, default=16, help="from the test split")
    parser.add_argument("--output", type=pathlib.Path, default="runs/motion")
    arguments = parser.parse_args()
    runs = {name: fields_of(name, arguments) for name in arguments.only}
    runs = {name: of | {"seed": arguments.seed} for name, of in runs.items() if of}
    train_all(runs, arguments.output)
    print(f"\n{arguments.minutes:g} minutes a run, {host.describe_devices()}")
    print("| set | of | angle | length | cosine |\n|---|---|---|---|---|")
    found, rows = {}, []
    for name in runs:
        run = trained.load(workdir_of(name, arguments.output))
        found[name] = motion_of(run, arguments.windows)
        rows += rows_of(name, found[name])
    text = json.dumps({"arguments": str(arguments), "rows": rows}, indent=1)
    (arguments.output / "motion.json").write_text(text + "\n")
    figure = arguments.output / "motion.png"
    draw(found).savefig(figure, dpi=120)
    print(figure)


def motion_of(run: trained.TrainedModel, count: int) -> Motion:
    """Return what the run moves, what moves, and what the frames show."""
    data.prepare(run.config.data)
    dataset = data.load(run.config.data)
    past = run.config.data.history
    places = spread(dataset, past, count)
    frames = np.stack(
        [dataset.trajectories.read(n, start, start + past) for n, start in places]
    )
    moved = run.displacement(frames)
    if moved is None:
        raise InputError(f"{run.workdir} moves nothing: it has no transport")
    groups = np.moveaxis(moved.sum(axis=1), -2, 0)  # (groups, windows, y, x, 2)
    reference = reference_of(run, dataset, places, frames)
    half = count // 2
    there = moves(reference[:half])
    known = reference[:half][there]
    bases = groups[:, :half][:, there]  # (groups, cells, 2)
    best = np.argmin(np.mean(np.square(bases - known), axis=(1, 2)))
    weights, *_ = np.linalg.lstsq(bases.reshape(len(groups), -1).T, known.ravel())
    measured = adr_jax.estimate_motion(frames, boundary=run.config.model.boundary)
    usual = np.mean(reference[:half], axis=0)
    candidates = {
        "mean of groups": groups.mean(axis=0),
        "best group": groups[best],
        DRAWN: np.tensordot(weights, groups, 1),
        "measured": np.asarray(measured),
        "mean of the reference": np.broadcast_to(usual, reference.shape),
    }
    return Motion(frames[:, -1, ..., 0], reference, candidates)


def spread(dataset: Dataset, past: int, count: int) -> list[tuple[int, int]]:
    """Trajectory and first frame of histories spread evenly over the test split."""
    places = [
        (int(number), start)
        for number in dataset.splits["test"]
        for start in range(dataset.trajectories.lengths[number] - past)
    ]
    return [places[k] for k in np.linspace(0, len(places) - 1, count).astype(int)]


def reference_of(
    run: trained.TrainedModel,
    dataset: Dataset,
    places: Sequence[tuple[int, int]],
    frames: np.ndarray,
) -> np.ndarray:
    """The true velocity in the last frame, or the flow from the one before."""
    config = run.config.data
    velocities = data.source(dataset.name).velocities
    if velocities is not None:
        last = config.history - 1
        return velocities(config, [(n, start + last) for n, start in places])
    return np.stack([optical_flow(*film[-2:, ..., 0]) for film in frames])


def optical_flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far content moves from one frame to the next, in cells, (y, x, 2)."""
    unit = max(float(np.nanstd(after)), 1e-6)
    flow = optical_flow_tvl1(np.nan_to_num(before) / unit, np.nan_to_num(after) / unit)
    return np.moveaxis(flow, 0, -1)


def moves(reference: np.ndarray) -> np.ndarray:
    """Where there is a motion to compare with; not where it is not known (NaN)."""
    return np.linalg.norm(reference, axis=-1) >= LEAST


def rows_of(name: str, motion: Motion) -> list[dict]:
    """Scores of the second half of the windows, printed as they come."""
    scored = slice(len(motion.frame) // 2, None)
    reference = motion.reference[scored]
    there = moves(reference)
    rows = []
    for candidate, of in motion.candidates.items():
        scores = score(of[scored][there], reference[there])
        row = dict(zip(("angle", "length", "cosine"), scores, strict=True))
        rows.append({"set": name, "of": candidate} | row)
        angle, length, cosine = scores
        cells = (f"{angle:.0f}", f"{length:.2f}", f"{cosine:.2f}")
        print(f"| {name} | {candidate} | {' | '.join(cells)} |", flush=True)
    return rows


def score(of: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """Median angle, median ratio of lengths, cosine of the whole; (cells, 2) both."""
    sizes = [np.linalg.norm(v, axis=-1) for v in (of, reference)]
    cosine = np.sum(of * reference, -1) / np.maximum(sizes[0] * sizes[1], 1e-9)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    whole = np.sum(of * reference) / np.sqrt(
        max(np.sum(np.square(of)), 1e-12) * np.sum(np.square(reference))
    )
    length = np.median(sizes[0] / sizes[1])
    return float(np.median(angle)), float(length), float(whole)


def draw(found: dict[str, Motion]):
    """The last frame of each run's last window, under both motions."""
    plt.rcParams |= {"font.size": 9}
    columns = min(4, len(found))
    rows = -(-len(found) // columns)
    figure, panels = plt.subplots(
        *(rows, columns),
        **{"figsize": (3 * columns, 3 * rows), "layout": "constrained"},
        squeeze=False,
    )
    for panel in panels.flat:
        panel.set_axis_off()
    for panel, (name, motion) in zip(panels.flat, found.items(), strict=False):
        frame = motion.frame[-1]
        north_up = "lower" if name == "ocean" else "upper"  # its row 0 is the south
        panel.imshow(frame, cmap="gray_r", alpha=0.5, origin=north_up)
        step = max(1, max(frame.shape) // ARROWS)
        y, x = np.mgrid[tuple(slice(step // 2, n, step) for n in frame.shape)]
        drawn = {
            "true, or by optical flow": (motion.reference[-1], "#000000"),
            "network, groups combined": (motion.candidates[DRAWN][-1], "#d55e00"),
        }
        # A fast arrow of the reference spans the gap to its neighbour.
        fast = np.nanquantile(np.linalg.norm(motion.reference[-1], axis=-1), 0.95)
        for label, (of, colour) in drawn.items():
            v = of[y, x]
            panel.quiver(
                *(x, y, v[..., 1], v[..., 0]),
                **{"angles": "xy", "scale_units": "xy", "scale": fast / step},
                **{"color": colour, "width": 0.006, "label": label},
            )
        panel.set_title(name.replace("_", " "), fontsize=9)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
