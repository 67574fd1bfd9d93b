"""Whole runs: one that resumes bit for bit, and some that learn for minutes.

A folder of one's own holds them, and is gone afterwards. Data that are made are kept
under ADR_JAX_DATA, or data/ without it.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np
from etils import epath
from gpu_timing import Row

from adr_jax.data.moving_mnist import digits
from adr_jax.errors import InputError
from adr_jax.training import configuration, loop, results
from adr_jax.training.model import load
from adr_jax.training.run.checkpoint import Checkpoints
from adr_jax.training.setup import open_data

Sections = Mapping[str, Mapping[str, Any]]

# Steps at which one run stops, and the end of both.
STOP, END = 3, 6
# What trains for seconds, to see that it works.
SMALL = {
    "model": {"channels": 4, "num_blocks": 1},
    "train": {"steps": 2, "minutes": 0.0, "batch_size": 2, "validation_windows": 2},
}
# A few cells tell only dams of this shape apart.
WATER = {"cells": 16, "frames": 101, "trajectories": 40, "shape": "off_centre"}

UNET = {
    "name": "unet",
    "channels": 6,
    "head": "frames",
    "motions": "one",
    "frames_in": 4,
    "frames_out": 1,
}
DIGITS: dict[str, dict[str, Any]] = {"ADRNet, two objects": {}, "UNet": UNET}
DIGITS_MINUTES, WATER_MINUTES = 1.0, 2.0
# Seconds of all training, and a guess at those of compilation, data and scores.
TRAINING, BESIDES = 240.0, 180.0


def resume(small: bool, seconds: float) -> Iterator[Row]:
    """Compare a run that stopped and went on with one that did not."""
    size = SMALL["model"] if small else {}
    config = configuration.named("synthetic:vortex").override(
        data={"cells": 16 if small else 64},
        # A push in each block: the sums whose order is at stake.
        model={"head": "extrapolation", "transport": "push", "frames_out": 1, **size},
        train={"schedule": "constant", "validation_windows": 2, "minutes": 0.0},
    )
    with tempfile.TemporaryDirectory() as folder:
        stopped, whole = (epath.Path(folder) / name for name in ("stopped", "whole"))
        start = time.perf_counter()
        for workdir, steps in ((stopped, STOP), (stopped, END), (whole, END)):
            lasting = config.override(train={"steps": steps})
            loop.train(lasting, workdir, open_data(lasting))
        found, expected = (_state(workdir) for workdir in (stopped, whole))
        leaves = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
        differ = sum(not np.array_equal(a, b) for a, b in leaves)
    yield {
        "what": f"{END} steps, stopped after {STOP}, against {END} at once",
        "arrays that differ": differ,
        "of": len(jax.tree.leaves(expected)),
        "seconds": time.perf_counter() - start,
    }


def _state(workdir: epath.Path) -> Any:
    """Return the state of a run's last checkpoint."""
    checkpoints = Checkpoints(workdir / "checkpoints", keep=3)
    restored = checkpoints.restore()
    checkpoints.close()
    assert restored is not None
    return restored[0]


def learn(small: bool, seconds: float) -> Iterator[Row]:
    """Train on moving digits, if there are any, and on shallow water.

    Where there are fewer `seconds` than all of it takes, the minutes shrink.
    """
    share = min(1.0, max(0.1, (seconds - BESIDES) / TRAINING))
    if small:
        yield {"what": "Moving MNIST is left out: its test takes a CPU minutes"}
    else:
        yield from _digits(share * DIGITS_MINUTES)
    # As configs/shallow_water.py:fine, but from fresh parameters.
    options = {"minutes": share * WATER_MINUTES, "start_from": ""}
    sections: dict[str, dict[str, Any]] = {"train": options}
    if small:
        sections |= SMALL | {"data": WATER, "train": options | SMALL["train"]}
    found = _trained("shallow_water:fine", sections)
    facts = {
        f"nRMSE of {protocol}": found["protocols"][protocol]["model"]["nrmse"]
        for protocol in ("one_step", "rollout")
    }
    yield {"what": "shallow water", **facts, **_effort(found)}


def _digits(minutes: float) -> Iterator[Row]:
    try:
        digits.pools("")
    except InputError as error:
        yield {"what": "Moving MNIST is left out", "reason": str(error)}
        return
    for name, model in DIGITS.items():
        sections = {"model": model, "train": {"minutes": minutes}}
        found = _trained("moving_mnist", sections)
        score = found["protocols"]["moving_mnist"]["model"]
        facts = {metric: score[metric] for metric in ("mse_sum", "ssim")}
        yield {"what": f"Moving MNIST, {name}", **facts, **_effort(found)}


def _trained(name: str, sections: Sections) -> dict[str, Any]:
    """Train by a configuration and return what results.json would hold."""
    config = configuration.named(name).override(eval={"batch_size": 64}, **sections)
    dataset = open_data(config)
    with tempfile.TemporaryDirectory() as folder:
        loop.train(config, epath.Path(folder), dataset)
        return results.evaluate(load(folder), dataset)


def _effort(found: Mapping[str, Any]) -> dict[str, float]:
    """Return the steps of the best parameters, and the seconds of training."""
    return {"best step": found["step"], "seconds": found["train_seconds"]}
