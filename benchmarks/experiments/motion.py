"""Compare what moves the frame in trained networks with the motion in the data.

    python benchmarks/experiments/motion.py [--data FOLDER] [--minutes 1.5] [--seed 0]
        [--only NAME ...] [--windows 16] [--output runs/motion]

The sets are those of benchmarks/experiments/datasets.py whose motion is known or can be
seen. Each trains in the moving frame, as in benchmarks/experiments/advection.py, for
the same minutes on one core of its own.

The reference is the true velocity where it is known, in runs of `configs/synthetic.py`
and `configs/ocean.py`. Elsewhere it is optical flow (TV-L1) between the last two frames
of the history. Compared with it are:

- what moves the frame in the network, `TrainedModel.displacement`: the motion measured
  in the history, and the correction that is learned;
- the measured motion alone;
- the mean of the reference over the first half of the windows, which needs neither a
  network nor the history.

All is scored on the second half of the windows, where the reference moves by a tenth of
a cell a frame or more. Scores are the median angle to it in degrees, the median length
over its length, and the cosine between both fields over all these cells. Started again,
it continues with what is missing. Writes motion.json and motion.png, the last window of
each set.
"""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from advection import fields_of
from motion_scores import compare, has_motion
from one_core import train_all, workdir_of
from outcome import parser, print_row, print_setting, print_table, run, set_style, write
from skimage.registration import optical_flow_tvl1

import adr_jax
from adr_jax import data
from adr_jax.data.contract import Dataset
from adr_jax.data.tracers import synthetic
from adr_jax.errors import InputError
from adr_jax.evaluation.protocols import without_missing
from adr_jax.training import model as trained

NAMES = (
    *(f"synthetic_{shape}" for shape in synthetic.SHAPES),
    *("ocean", "satellite", "radar"),
)
DRAWN = "network"
ARROWS = 14  # along the longer side


class Motion(NamedTuple):
    """Motion in some windows of a run's test split, in cells a frame."""

    frame: np.ndarray  # the last of each history, (windows, y, x)
    reference: np.ndarray  # (windows, y, x, 2)
    candidates: dict[str, np.ndarray]  # by name, like reference


def main() -> None:
    options = parser(__doc__, "motion", minutes=1.5, seed=0, data=True)
    options.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    options.add_argument("--windows", type=int, default=16, help="from the test split")
    arguments = options.parse_args()
    runs = {name: fields_of(name, arguments) for name in arguments.only}
    runs = {
        name: fields | {"seed": arguments.seed}
        for name, fields in runs.items()
        if fields
    }
    train_all(runs, arguments.output)
    print_setting(arguments)
    print_table(["set", "of", "angle", "length", "cosine"], [])
    motions, rows = {}, []
    for name in runs:
        model = trained.load(workdir_of(name, arguments.output))
        motions[name] = motion_of(model, arguments.windows)
        rows += rows_of(name, motions[name])
    write("motion", arguments, {"rows": rows}, draw(motions), "png")


def motion_of(model: trained.TrainedModel, count: int) -> Motion:
    """Return the reference and the candidates in windows of the test split."""
    options = model.config.data
    data.prepare(options)
    dataset = data.load(options)
    past = options.history
    starts = spread(dataset, past, count)
    frames = np.stack(
        [dataset.trajectories.read(k, start, start + past) for k, start in starts]
    )
    moved = model.displacement(frames)
    if moved is None:
        raise InputError(f"{model.workdir} has no displacements")
    reference = reference_of(model, dataset, starts, frames)
    seen = without_missing(frames[:, -model.config.model.frames_in :])
    measured = adr_jax.estimate_motion(seen, boundary=model.config.model.boundary)
    usual = np.mean(reference[: count // 2], axis=0)
    candidates = {
        DRAWN: moved,
        "measured": np.asarray(measured),
        "mean of the reference": np.broadcast_to(usual, reference.shape),
    }
    return Motion(frames[:, -1, ..., 0], reference, candidates)


def spread(dataset: Dataset, past: int, count: int) -> list[tuple[int, int]]:
    """Return trajectory and first frame of histories, even over the test split."""
    starts = [
        (int(index), start)
        for index in dataset.splits["test"]
        for start in range(dataset.trajectories.lengths[index] - past)
    ]
    return [starts[k] for k in np.linspace(0, len(starts) - 1, count).astype(int)]


def reference_of(
    model: trained.TrainedModel,
    dataset: Dataset,
    starts: Sequence[tuple[int, int]],
    frames: np.ndarray,
) -> np.ndarray:
    """Return the true velocity in the last frame, or the flow from the one before."""
    options = model.config.data
    velocities = data.source(dataset.name).velocities
    if velocities is not None:
        last = options.history - 1
        return velocities(options, [(k, start + last) for k, start in starts])
    return np.stack([optical_flow(*film[-2:, ..., 0]) for film in frames])


def optical_flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return how far content moves between two frames, in cells, (y, x, 2)."""
    unit = max(float(np.nanstd(after)), 1e-6)
    flow = optical_flow_tvl1(np.nan_to_num(before) / unit, np.nan_to_num(after) / unit)
    return np.moveaxis(flow, 0, -1)


def rows_of(name: str, motion: Motion) -> list[dict]:
    """Score the second half of the windows; print each row."""
    scored = slice(len(motion.frame) // 2, None)
    reference = motion.reference[scored]
    mask = has_motion(reference)
    rows = []
    for candidate, u in motion.candidates.items():
        angle, length, cosine = compare(u[scored][mask], reference[mask])
        scores = {"angle": angle, "length": length, "cosine": cosine}
        rows.append({"set": name, "of": candidate, **scores})
        cells = (f"{angle:.0f}", f"{length:.2f}", f"{cosine:.2f}")
        print_row([name, candidate, *cells])
    return rows


def draw(motions: dict[str, Motion]):
    """Draw the last frame of each run's last window, under both motions."""
    set_style()
    columns = min(4, len(motions))
    rows = -(-len(motions) // columns)
    figure, panels = plt.subplots(
        *(rows, columns),
        **{"figsize": (3 * columns, 3 * rows), "layout": "constrained"},
        squeeze=False,
    )
    for panel in panels.flat:
        panel.set_axis_off()
    for panel, (name, motion) in zip(panels.flat, motions.items(), strict=False):
        frame = motion.frame[-1]
        origin = "lower" if name == "ocean" else "upper"  # its row 0 is the south
        panel.imshow(frame, cmap="gray_r", alpha=0.5, origin=origin)
        step = max(1, max(frame.shape) // ARROWS)
        y, x = np.mgrid[tuple(slice(step // 2, n, step) for n in frame.shape)]
        drawn = {
            "true, or by optical flow": (motion.reference[-1], "#000000"),
            "what moves the frame": (motion.candidates[DRAWN][-1], "#d55e00"),
        }
        # A fast arrow of the reference spans the gap to its neighbour.
        fast = np.nanquantile(np.linalg.norm(motion.reference[-1], axis=-1), 0.95)
        for label, (u, colour) in drawn.items():
            v = u[y, x]
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
    run(main)
