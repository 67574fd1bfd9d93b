"""Shipped configurations compiled for TPU v5e by libtpu, on a machine without one.

A step takes a minute or more to compile: ADR_JAX_TEST_CHIPS=all compiles every
configuration, without it one does.
"""

import os

import jax
import pytest

from adr_jax import data
from adr_jax.training import ahead, configuration
from adr_jax.training.devices import targets

pytest.importorskip("libtpu")
# ml_collections loads configuration files in a way that Python 3.15 will drop.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning"),
]
# The frames of those whose files alone have a size.
FRAMES = {"ocean": (41, 81, 1), "own": (128, 128, 1), "satellite": (256, 256, 1)}
NAMES = (
    *("quickstart", "shallow_water:fine", "radar", "cloudcast", "cloudcast:sample"),
    *("kitti", "kitti:dmvfn", "moving_mnist", "synthetic", "synthetic:rotation"),
    *FRAMES,
)


@pytest.fixture
def optimised():
    """Compile as users do."""
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("name", NAMES)
def test_the_step_fits_and_stays_on_the_chip(name, monkeypatch, tmp_path):
    if name != "quickstart" and os.environ.get("ADR_JAX_TEST_CHIPS") != "all":
        pytest.skip("set ADR_JAX_TEST_CHIPS=all to compile all configurations")
    monkeypatch.setenv("ADR_JAX_DATA", str(tmp_path))
    config = configuration.named(name)
    shape = FRAMES.get(name) or data.frame_shape(config.data)
    target = targets.find("v5e:2x2")
    program = ahead.rehearse(config, shape, target).compile_step()
    assert program.memory < target.memory
    assert program.host_transfers == []
    assert "f64[" not in program.text
    assert program.collectives["all-reduce"] > 0
