"""`describe --target`, with the CPU devices of this machine in place of chips."""

import re

import jax
import pytest

from adr_jax.__main__ import main
from adr_jax.training.devices import targets
from adr_jax.training.devices.chips import TPUS

# ml_collections loads configuration files in a way that Python 3.15 will drop.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning"),
]
FIELDS = {
    "data.cells": 16,
    "model.channels": 4,
    "model.num_blocks": 1,
    "train.feedback": 1,
    "train.validation_frames": 2,
}
SMALL = ("--depth=1", *(f"--config.{name}={value}" for name, value in FIELDS.items()))


@pytest.fixture
def shown(monkeypatch, capsys, tmp_path):
    """Return a function that describes a run on two devices of so much memory."""
    monkeypatch.setenv("ADR_JAX_DATA", str(tmp_path))

    def show(name, memory, *flags, peaks=TPUS["v5e"]):
        here = targets.Target("here", jax.devices(), memory, peaks)
        monkeypatch.setattr(targets, "find", lambda _: here)
        main(["describe", f"--config={name}", "--target=here", *SMALL, *flags])
        return capsys.readouterr().out

    return show


def number(pattern, text):
    return float(re.search(pattern, text)[1])


def test_a_run_on_chips(shown):
    text = shown("shallow_water:small", 2e8, "--config.train.batch_size=3")
    assert (
        "here: 2 chips of 0.186 GiB; batch 4, 2 a chip, since 2 cannot share 3" in text
    )
    step = text.partition("training step, train.feedback=1: fits")[2]
    assert number(r"(\S+) GFLOP of products", step) > 0
    assert "at its peaks: products" in step
    # Gradients of all parameters, the loss with its count, and how many ask to stop.
    parameters = number(r"parameters: (\d+)", text.replace(",", ""))
    sums = number(r"all-reduce (\S+) MB", step)
    assert sums == pytest.approx(4e-6 * (parameters + 3), rel=0.01)
    assert "forecast of 2 frames: fits" in text
    batch, rows, size = re.search(
        r"largest batch: at least (\d+), (\d+) a chip, which takes (\S+) GiB", text
    ).groups()
    assert int(batch) == 2 * int(rows) > 4
    assert 0.8 * 2e8 < float(size) * 2**30 < 2e8
    for change in ("model.remat=True", "train.accumulate=2"):
        assert re.search(rf"{change}: \S+ GiB in place of \S+ GiB", text)


def test_a_run_that_does_not_fit(shown):
    text = shown("shallow_water:small", 1e4, "--config.train.feedback=0", peaks=None)
    assert "training step: does not fit, it takes 0.00" in text
    assert "largest batch: not one row a chip fits" in text
    assert "at its peaks" not in text


def test_bad_targets_are_one_line(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["describe", "--config=quickstart", "--target=v5e:3x3"])
    message = str(stop.value.code)
    assert message.startswith(
        "error: --target v5e:3x3 is not known; known are v5e: 1x1"
    )
    assert "\n" not in message
