"""Displacements as arrows, and the shares of advection, diffusion and reaction.

Displacements are in cells, `[..., 0]` down the rows and `[..., 1]` along the columns.
An arrow starts in the middle of its cell.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.report.examples import Examples
from adr_jax.evaluation.report.films import Film, still
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.report.sections import LeftOut
from adr_jax.evaluation.report.words import extent, lead_time, quantity

NO_TRANSPORT = "the network has no displacements"
NO_TERMS = "the network has no advection, diffusion and reaction"
# The length in gaps that 98 % of the arrows stay below; a gap is the distance between
# neighbouring arrows.
LONGEST = 1.5
# Arrows shorter than this share of a gap are not drawn: they show no direction.
SHORTEST = 0.2
# The unit of SVG paths is a gap divided by this.
PARTS = 40
# Groups of a block that are shown, those with the largest displacements.
GROUPS = 16


class Arrows(NamedTuple):
    """One panel: a title, an SVG path, and the longest displacement in words."""

    title: str
    path: str
    longest: str


class Block(NamedTuple):
    """One block: the mean of its displacements, and each group by itself."""

    mean: Arrows
    # Largest displacements first; empty for a single group.
    groups: Sequence[Arrows]
    num_groups: int
    scale: str


class Motion(NamedTuple):
    """The displacements in one example, as the template shows them."""

    ground: Film
    space: tuple[int, ...]
    # The unit of the paths, in cells.
    unit: float
    sample: str
    # What moves the frame, then each block if there are several.
    means: Sequence[Arrows]
    blocks: Sequence[Block]
    scale: str


def motion(examples: Examples, data: Mapping) -> Motion:
    """Draw what moves the frame, and of blocks what each and each of its groups moves.

    Raises:
      LeftOut: the network has none, or space is not two-dimensional.
    """
    if len(examples.space) != 2:
        raise LeftOut(f"arrows are drawn in two dimensions, not {len(examples.space)}")
    if examples.net_motion is None or examples.ground is None:
        raise LeftOut(NO_TRANSPORT)
    total = examples.net_motion[0, 0]
    by_group = [] if examples.motion is None else examples.motion
    means = [block.mean(axis=2) for block in by_group]
    gap = cells_per_gap([*means, total])

    def arrows(title: str, displacement: np.ndarray, gap: float) -> Arrows:
        path = arrow_path(displacement, examples.spacing, gap)
        lengths = np.linalg.norm(displacement, axis=-1)
        longest = lengths[np.isfinite(lengths)].max(initial=0.0)
        return Arrows(title, path, f"{numeral(longest, 2)} cells")

    blocks = []
    for index, (mean, block) in enumerate(zip(means, by_group, strict=True), 1):
        block_gap = cells_per_gap([block])
        groups = [
            arrows(f"group {group + 1}", block[:, :, group], block_gap)
            for group in _by_size(block)[:GROUPS]
        ]
        blocks.append(
            Block(
                arrows(f"block {index}", mean, gap),
                groups if len(groups) > 1 else [],
                block.shape[2],
                scale_text(block_gap, data),
            )
        )
    block_means = [block.mean for block in blocks] if len(blocks) > 1 else []
    return Motion(
        # High values are drawn dark; bright cells of a photograph stay bright.
        still(-examples.ground if examples.kind == "colour" else examples.ground),
        examples.space,
        examples.spacing / PARTS,
        examples.roles[0].split(",")[0],
        [arrows("net motion", total, gap), *block_means],
        blocks,
        scale_text(gap, data),
    )


def shares(examples: Examples) -> list[list[float]]:
    """Return the shares of advection, diffusion and reaction in per cent, by block.

    Raises:
      LeftOut: the network has no such terms.
    """
    if examples.shares is None:
        raise LeftOut(NO_TERMS)
    return (100 * examples.shares).tolist()


def cells_per_gap(displacements: Sequence[Float[np.ndarray, "*shape 2"]]) -> float:
    """Return the displacement, in cells, of an arrow that is one gap long.

    It is chosen so that 98 % of the arrows are shorter than LONGEST gaps.
    """
    lengths = np.concatenate(
        [np.linalg.norm(field, axis=-1).ravel() for field in displacements]
    )
    lengths = lengths[np.isfinite(lengths)]
    long = float(np.percentile(lengths, 98)) if lengths.size else 0.0
    return long / LONGEST or 1.0


def scale_text(cells: float, data: Mapping) -> str:
    """Describe a displacement in cells a step, and in the data's units if known."""
    text = f"{numeral(cells, 2)} cells a step"
    size, interval = data.get("cell_size"), data.get("frame_interval")
    _, unit = quantity(size) or (0, "")
    if not unit:
        return text
    return f"{text}, {extent(cells, size)} in {lead_time(1, interval) or 'a step'}"


def arrow_path(
    displacement: Float[np.ndarray, "r c 2"], spacing: int, gap: float
) -> str:
    """Draw arrows as one SVG path: for each a shaft and the two lines of its head.

    Args:
      displacement: the displacement of each arrow, in cells.
      spacing: the distance between neighbouring arrows, in cells of the grid.
      gap: the displacement of an arrow as long as that distance, in cells.
    """
    path = []
    middle = (spacing // 2 + 0.5) / spacing  # of the first cell with an arrow
    for (row, column), length in np.ndenumerate(np.linalg.norm(displacement, axis=-1)):
        if not SHORTEST * gap < length < math.inf:
            continue
        x, y = (round(PARTS * (index + middle)) for index in (column, row))
        dy, dx = PARTS / gap * displacement[row, column]
        head = min(0.4, 0.3 * gap / length)
        left = _pair(-head * (dx + dy / 2), -head * (dy - dx / 2))
        to_tip = _pair(head * (dx + dy / 2), head * (dy - dx / 2))
        right = _pair(-head * (dx - dy / 2), -head * (dy + dx / 2))
        path.append(f"M{x} {y}l{_pair(dx, dy)}l{left}m{to_tip}l{right}")
    return "".join(path)


def _pair(x: float, y: float) -> str:
    return f"{round(x)}{' ' if round(y) >= 0 else ''}{round(y)}"


def _by_size(block: Float[np.ndarray, "r c groups 2"]) -> list[int]:
    """Return the indices of the groups, largest displacements first."""
    sizes = np.nan_to_num(np.square(block).mean(axis=(0, 1, 3)))
    return np.argsort(-sizes, kind="stable").tolist()
