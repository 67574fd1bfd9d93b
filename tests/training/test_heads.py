"""The head that "auto" stands for: the one whose base forecasts validation best."""

import dataclasses
import json

import numpy as np
import pytest
from etils import epath

from adr_jax.data.contract import Dataset
from adr_jax.options import Configuration
from adr_jax.training import heads


class Films:
    """Three films of 20 frames of 16 x 16 cells, of one kind."""

    lengths, frame_shape = (20, 20, 20), (16, 16, 1)

    def __init__(self, kind):
        t, y, x = np.meshgrid(np.arange(20), *[np.arange(16)] * 2, indexing="ij")
        self._frames = {
            "moves": np.exp(-((y - 8) ** 2 + (x - 3 - 0.6 * t) ** 2) / 6),
            "grows": 1e-4 * t * x * y + np.sin(y),
        }[kind][..., None].astype(np.float32)

    def read(self, index, start, stop):
        return self._frames[start:stop]


def dataset(kind):
    return Dataset(
        name=kind,
        trajectories=Films(kind),
        splits={
            s: np.array([k]) for k, s in enumerate(("train", "validation", "test"))
        },
        states={},
        split_name="by hand",
        fingerprint="",
        channels=("a",),
    )


AUTO = Configuration().override(
    data={"history": 4},
    model={"head": "auto", "frames_out": 30},
    train={"feedback": 2, "validation_frames": 5},
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "head"), [("moves", "advection"), ("grows", "extrapolation")]
)
def test_the_head_whose_base_is_best_is_taken(kind, head, tmp_path, capsys):
    found = heads.settle(AUTO, epath.Path(tmp_path), dataset(kind))
    assert found.model.head == head
    said = capsys.readouterr().out
    assert f"config.model.head=auto is {head}, whose base is best" in said
    if head == "advection":
        # Sixteen frames follow a history of four.
        assert (found.model.frames_out, found.train.feedback) == (16, 0)
    else:
        assert (found.model.frames_out, found.train.feedback) == (1, 2)


def test_one_that_is_named_is_kept(tmp_path):
    named = AUTO.override(model={"head": "persistence"})
    assert heads.settle(named, epath.Path(tmp_path), dataset("moves")) is named


def test_a_run_that_goes_on_keeps_its_own(tmp_path):
    before = dataclasses.asdict(AUTO.override(model={"head": "persistence"}))
    (tmp_path / "config.json").write_text(json.dumps(before))
    found = heads.settle(AUTO, epath.Path(tmp_path), dataset("moves"))
    assert found.model.head == "persistence"


@pytest.mark.slow
def test_one_frame_of_history_shows_no_motion(tmp_path):
    alone = AUTO.override(data={"history": 1})
    found = heads.settle(alone, epath.Path(tmp_path), dataset("moves"))
    assert found.model.head == "persistence"
