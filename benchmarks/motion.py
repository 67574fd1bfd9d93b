"""Does the network see the wind? Learned displacements beside the data's motion.

    python benchmarks/motion.py --workdir W [W2 ...] [--windows 16]

What a network moves in a frame is the sum of its blocks' displacements, one for each
group of channels. They are compared with the true velocity where it is known (runs of
`configs/synthetic.py`), elsewhere with optical flow (TV-L1) between the last two frames
of the history, in three forms: the mean over groups; that of the group which fits best,
chosen over all windows; and the best linear combination of all of them, fitted on the
first half of the windows and scored, as all else, on the second. Beside them is the one
motion that phase correlation finds, the same for all cells. Scores, where the reference
moves by a tenth of a cell a frame or more: the median angle to it in degrees, and the
median length over its length; and the correlation of components over the same cells.
"""

import argparse
import sys

import numpy as np
from skimage.registration import optical_flow_tvl1

from adr_jax import data
from adr_jax.data import synthetic
from adr_jax.data.motion import phase_correlation
from adr_jax.errors import InputError
from adr_jax.training import checkpoint

LEAST = 0.1  # cells a frame, below which a direction means little


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workdir", nargs="+", required=True)
    parser.add_argument("--windows", type=int, default=16, help="from the test split")
    arguments = parser.parse_args()
    print("| run | of | angle | length | correlation |\n|---|---|---|---|---|")
    for workdir in arguments.workdir:
        report(checkpoint.load(workdir), arguments.windows)


def report(run: checkpoint.Run, count: int) -> None:
    """Prints the rows of one run."""
    data.prepare(run.config.data)
    dataset = data.load(run.config.data)
    past = run.config.data.history
    places = [
        (int(number), start)
        for number in dataset.splits["test"]
        for start in range(dataset.trajectories.lengths[number] - past)
    ]
    places = [places[k] for k in np.linspace(0, len(places) - 1, count).astype(int)]
    frames = np.stack(
        [dataset.trajectories.read(n, start, start + past) for n, start in places]
    )
    moved = run.displacement(frames)
    if moved is None:
        raise InputError(f"{run.workdir} moves nothing: it has no transport")
    if dataset.name == "synthetic":
        shape, cells = run.config.data.shape, run.config.data.cells
        truth = [synthetic.velocity(shape, cells, seed) for seed, _ in places]
    else:
        truth = [optical_flow(*film[-2:, ..., 0]) for film in frames]
    reference = np.stack(truth)
    groups = np.moveaxis(moved.sum(axis=1), -2, 0)  # (groups, windows, y, x, 2)
    half = count // 2
    there = np.linalg.norm(reference, axis=-1) >= LEAST

    def apart(of):
        """Mean square distance in the first half."""
        return np.mean(np.square(of - reference)[:half][there[:half]])

    basis = groups[:, :half][:, there[:half]].reshape(len(groups), -1)
    weights, *_ = np.linalg.lstsq(
        basis.T, reference[:half][there[:half]].reshape(-1), rcond=None
    )
    whole = np.stack([phase_correlation(*film[-2:]) for film in frames])
    candidates = {
        "mean of groups": groups.mean(axis=0),
        "best group": min(groups, key=apart),
        "groups combined": np.tensordot(weights, groups, 1),
        "phase correlation": np.nan_to_num(whole)[:, None, None] + 0 * reference,
    }
    for name, of in candidates.items():
        scores = score(of[half:][there[half:]], reference[half:][there[half:]])
        angle, length, correlation = scores
        print(
            f"| {run.workdir} | {name} | {angle:.0f} | {length:.2f} "
            f"| {correlation:.2f} |"
        )


def optical_flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far content moves from one frame to the next, in cells, (y, x, 2)."""
    unit = max(float(np.nanstd(after)), 1e-6)
    flow = optical_flow_tvl1(np.nan_to_num(before) / unit, np.nan_to_num(after) / unit)
    return np.moveaxis(flow, 0, -1)


def score(of: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """Median angle, median ratio of lengths, correlation; (cells, 2) both."""
    sizes = [np.linalg.norm(v, axis=-1) for v in (of, reference)]
    cosine = np.sum(of * reference, -1) / np.maximum(sizes[0] * sizes[1], 1e-9)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    correlation = np.sum(of * reference) / np.sqrt(
        max(np.sum(np.square(of)), 1e-12) * np.sum(np.square(reference))
    )
    return float(np.median(angle)), float(np.median(sizes[0] / sizes[1])), correlation


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
