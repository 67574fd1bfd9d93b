"""Arrows: direction, length and scale."""

import re

import numpy as np
import pytest
from report_files import make_examples

from adr_jax.evaluation.report import arrows
from adr_jax.evaluation.report.sections import LeftOut


def drawn(path: str) -> list[tuple[float, float, float, float]]:
    """Return each shaft, (x, y, dx, dy), in parts of a gap."""
    shafts = re.findall(r"M(\d+) (\d+)l(-?\d+) ?(-?\d+)l", path)
    assert len(shafts) == path.count("M")
    return [tuple(map(float, shaft)) for shaft in shafts]


@pytest.mark.parametrize(
    ("u", "expected"),
    [
        ((2.0, 0.0), (0, 40)),
        ((-2.0, 0.0), (0, -40)),
        ((0.0, 2.0), (40, 0)),
        ((0.0, -2.0), (-40, 0)),
        ((1.0, -3.0), (-60, 20)),
    ],
    ids=["down", "up", "right", "left", "down and left"],
)
def test_an_arrow_points_where_content_moves(u, expected):
    field = np.zeros((3, 4, 2))
    field[1, 2] = u
    # An arrow for every 6 cells: the first is that of the cell in row and column 3,
    # whose middle is 3.5 cells, 23.3 parts from the edge.
    ((x, y, dx, dy),) = drawn(arrows.arrow_path(field, spacing=6, gap=2.0))
    assert (x, y) == (round(40 * (2 + 3.5 / 6)), round(40 * (1 + 3.5 / 6)))
    assert (dx, dy) == expected


def test_a_head_lies_behind_the_tip_on_both_sides():
    path = arrows.arrow_path(np.array([[[0.0, 4.0]]]), spacing=1, gap=2.0)
    numbers = re.findall(r"-?\d+", path)
    _, _, dx, dy, *left = map(int, numbers[:6])
    again, right = [tuple(map(int, numbers[n : n + 2])) for n in (6, 8)]
    assert (dx, dy) == (80, 0)
    assert left[0] < 0 and right[0] == left[0] and right[1] == -left[1] != 0
    assert again == (-left[0], -left[1])  # back to the tip


def test_short_and_undefined_arrows_are_not_drawn():
    field = np.full((2, 3, 2), np.nan)
    field[0] = (0.1, 0.0), (np.inf, 1.0), (0.0, 0.0)
    field[1, 0] = (0.0, 1.0)
    assert len(drawn(arrows.arrow_path(field, spacing=1, gap=1.0))) == 1


def test_nearly_all_arrows_are_no_longer_than_one_and_a_half_gaps():
    lengths = np.linspace(0, 3, 1000)
    field = np.stack([lengths, np.zeros(1000)], axis=-1)
    gap = arrows.cells_per_gap([field])
    assert gap == pytest.approx(0.98 * 3 / 1.5, rel=1e-3)  # of 98 in a hundred
    assert arrows.cells_per_gap([np.zeros((4, 2))]) == 1.0
    assert arrows.cells_per_gap([np.full((4, 2), np.nan)]) == 1.0


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"cell_size": "2 km", "frame_interval": "5 min"}, ", 3 km in 5 min"),
        ({"cell_size": "2 km"}, ", 3 km in a step"),
        ({"cell_size": 0.25, "frame_interval": 0.1}, ""),
        ({}, ""),
    ],
    ids=["both", "no interval", "no unit", "unknown"],
)
def test_a_displacement_in_words(data, text):
    assert arrows.scale_text(1.5, data) == f"1.5 cells a step{text}"


def test_groups_are_sorted_by_size_and_a_single_one_is_left_out():
    motion = np.zeros((1, 2, 2, 20, 2))
    motion[0, 0, 0, :, 0] = np.arange(20)
    (block,) = arrows.motion(make_examples(motion=motion), {}).blocks
    titles = [group.title for group in block.groups]
    assert titles == [f"group {n}" for n in range(20, 4, -1)] and block.num_groups == 20
    alone = arrows.motion(make_examples(motion=motion[:, :, :, -1:]), {})
    assert alone.blocks[0].groups == [] and len(alone.means) == 1


def test_blocks_share_a_scale():
    motion = np.zeros((2, 4, 4, 1, 2))
    motion[0, ..., 1], motion[1, ..., 1] = 1.0, 3.0
    net = np.broadcast_to(motion[:, :, :, 0].sum(axis=0), (3, 3, 4, 4, 2))
    examples = make_examples(motion=motion, net_motion=net)
    together, first, second = arrows.motion(examples, {}).means
    lengths = [drawn(mean.path)[0][2] for mean in (together, first, second)]
    assert lengths == [60, 15, 45]  # 4, 1 and 3 cells


def test_what_moves_the_frame_is_shown_without_blocks():
    net = np.zeros((3, 3, 4, 4, 2))
    net[0, 0, ..., 1] = 3.0
    drawn_motion = arrows.motion(make_examples(motion=None, net_motion=net), {})
    (mean,) = drawn_motion.means
    assert mean.longest == "3.0 cells" and not drawn_motion.blocks


def test_shares_and_motion_are_left_out_without_transport():
    examples = make_examples(shares=None, motion=None, net_motion=None)
    with pytest.raises(LeftOut, match="has no advection"):
        arrows.shares(examples)
    with pytest.raises(LeftOut, match="has no displacements"):
        arrows.motion(examples, {})
