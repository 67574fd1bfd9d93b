"""Displacements as arrows, and the shares of the three terms.

Displacements are in cells, `[..., 0]` down the rows and `[..., 1]` along the columns;
an arrow starts in the middle of the cell whose displacement it is.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.report.examples import Samples
from adr_jax.evaluation.report.films import Film, still
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.sections import LeftOut
from adr_jax.evaluation.report.words import extent, lead_time, quantity

NO_TRANSPORT = "the network moves nothing by a displacement"
# Nearly all arrows are shorter than so many times the gap from one to the next.
LONGEST = 1.5
# Arrows shorter than this share of the gap show no direction.
SHORTEST = 0.2
# Paths are in whole parts of a gap.
PARTS = 40
# Groups of a block that are shown, those that move most.
GROUPS = 16


class Arrows(NamedTuple):
    """One panel: a title, an SVG path, and how far they move things."""

    title: str
    path: str
    longest: str


class Block(NamedTuple):
    """One block: the mean of its displacements, and each by itself."""

    mean: Arrows
    # In order of size, of how many; none where there is but one.
    groups: Sequence[Arrows]
    of: int
    scale: str


class Motion(NamedTuple):
    """The displacements in one sample, as the template shows them."""

    ground: Film
    space: tuple[int, ...]
    # What paths are in, in cells.
    unit: float
    sample: str
    # All blocks together, and each where there are several.
    means: Sequence[Arrows]
    blocks: Sequence[Block]
    scale: str


def motion(samples: Samples, data: Mapping) -> Motion:
    """The displacement of all blocks together, of each, and of each of its groups.

    Raises:
      LeftOut: the network has none, or space is not two-dimensional.
    """
    if samples.shares is None:
        raise LeftOut(NO_TRANSPORT)
    if samples.motion is None or samples.ground is None:
        raise LeftOut(f"arrows are drawn in two dimensions, not {len(samples.space)}")
    means = samples.motion.mean(axis=3)
    together = means.sum(axis=0)
    gap = cells_of_a_gap([means, together])

    def arrows(title: str, displacement: np.ndarray, gap: float) -> Arrows:
        path = arrow_path(displacement, samples.spacing, gap)
        lengths = np.linalg.norm(displacement, axis=-1)
        longest = lengths[np.isfinite(lengths)].max(initial=0.0)
        return Arrows(title, path, f"{numeral(longest, 2)} cells")

    blocks = []
    for number, (mean, block) in enumerate(zip(means, samples.motion, strict=True), 1):
        of_block = cells_of_a_gap([block])
        groups = [
            arrows(f"group {group + 1}", block[:, :, group], of_block)
            for group in _by_size(block)[:GROUPS]
        ]
        blocks.append(
            Block(
                arrows(f"block {number}", mean, gap),
                groups if len(groups) > 1 else [],
                block.shape[2],
                in_words(of_block, data),
            )
        )
    of_blocks = [block.mean for block in blocks] if len(blocks) > 1 else []
    return Motion(
        # Much is dark, but a photograph stays one.
        still(-samples.ground if samples.kind == "colour" else samples.ground),
        samples.space,
        samples.spacing / PARTS,
        samples.roles[0].split(",")[0],
        [arrows("all blocks together", together, gap), *of_blocks],
        blocks,
        in_words(gap, data),
    )


def shares(samples: Samples) -> list[list[float]]:
    """Of advection, diffusion and reaction in what each block changes, in per cent.

    Raises:
      LeftOut: the network has no such terms.
    """
    if samples.shares is None:
        raise LeftOut(NO_TRANSPORT)
    return (100 * samples.shares).tolist()


def cells_of_a_gap(displacements: Sequence[Float[np.ndarray, "*shape 2"]]) -> float:
    """What an arrow stands for that is as long as the gap to the next one, in cells."""
    lengths = [np.linalg.norm(of, axis=-1).ravel() for of in displacements]
    known = np.concatenate(lengths)
    known = known[np.isfinite(known)]
    most = float(np.percentile(known, 98)) if known.size else 0.0
    return most / LONGEST or 1.0


def in_words(cells: float, data: Mapping) -> str:
    """So many cells in a step, and what that is where the data say it."""
    text = f"{numeral(cells, 2)} cells a step"
    size, interval = data.get("cell_size"), data.get("frame_interval")
    _, unit = quantity(size) or (0, "")
    if not unit:
        return text
    return f"{text}, {extent(cells, size)} in {lead_time(1, interval) or 'a step'}"


def arrow_path(
    displacement: Float[np.ndarray, "r c 2"], spacing: int, gap: float
) -> str:
    """Arrows as an SVG path, each a shaft and the two strokes of its head.

    Its numbers are PARTS-th parts of the gap between two arrows, `spacing` cells.
    """
    path = []
    middle = (spacing // 2 + 0.5) / spacing  # of the first cell with an arrow
    for (row, column), length in np.ndenumerate(np.linalg.norm(displacement, axis=-1)):
        if not SHORTEST * gap < length < math.inf:
            continue
        x, y = (round(PARTS * (n + middle)) for n in (column, row))
        dy, dx = PARTS / gap * displacement[row, column]
        back = min(0.4, 0.3 * gap / length)
        left = _pair(-back * (dx + dy / 2), -back * (dy - dx / 2))
        again = _pair(back * (dx + dy / 2), back * (dy - dx / 2))
        right = _pair(-back * (dx - dy / 2), -back * (dy + dx / 2))
        path.append(f"M{x} {y}l{_pair(dx, dy)}l{left}m{again}l{right}")
    return "".join(path)


def _pair(x: float, y: float) -> str:
    return f"{round(x)}{' ' if round(y) >= 0 else ''}{round(y)}"


def _by_size(block: Float[np.ndarray, "r c groups 2"]) -> list[int]:
    """Groups, those first that move most."""
    sizes = np.nan_to_num(np.square(block).mean(axis=(0, 1, 3)))
    return np.argsort(-sizes, kind="stable").tolist()
