"""Chips that are described only."""

import importlib.util
import subprocess
import sys

import pytest

from adr_jax.errors import InputError
from adr_jax.training.devices import targets


@pytest.mark.parametrize("name", ["v5e", "v5e:3x3", "v9", "h100:3", "", "a100:2x2"])
def test_an_unknown_target_lists_those_known(name):
    with pytest.raises(InputError, match=r"v5e: 1x1 .* 16x16.*v5p: .*a100, h100, h200"):
        targets.find(name)


@pytest.mark.parametrize(("name", "extra"), [("v6e:2x4", "tpu"), ("h200", "cuda")])
def test_a_missing_compiler_says_what_to_install(monkeypatch, name, extra):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=rf"pip install 'adr_jax\[{extra}\]'"):
        targets.find(name)


def test_slices_have_the_chips_of_their_name():
    pytest.importorskip("libtpu")
    for name, count in (("v5e:2x4", 8), ("v5p:2x2x1", 4), ("v6e:16x16", 256)):
        target = targets.find(name)
        assert len(target.devices) == count
        assert {device.platform for device in target.devices} == {"tpu"}


def test_gpus_have_the_number_after_their_name():
    pytest.importorskip("jax_cuda13_plugin")
    # The plugin is loaded before the first computation or not at all.
    program = """
from adr_jax.training.devices import targets
for name in ("a100", "h100:8", "h200:2"):
    devices = targets.find(name).devices
    print(len(devices), {device.platform for device in devices})
"""
    run = [sys.executable, "-c", program]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == ["1 {'gpu'}", "8 {'gpu'}", "2 {'gpu'}"]
