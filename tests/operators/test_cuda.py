"""The flag that some versions of JAX need on NVIDIA GPUs."""

import importlib.metadata
import os
import re
import subprocess
import sys
import warnings

import jax.numpy as jnp
import pytest

from adr_jax import __main__, push
from adr_jax.commands import train
from adr_jax.operators import cuda


@pytest.fixture
def compiler(monkeypatch):
    """Return a function that pretends a version of the CUDA compiler, or none."""
    real = importlib.metadata.version

    def pretend(version, flags=""):
        def find(package):
            if package not in cuda.COMPILERS:
                return real(package)
            if version and package == "jax-cuda13-pjrt":
                return version
            raise importlib.metadata.PackageNotFoundError

        monkeypatch.setattr(importlib.metadata, "version", find)
        monkeypatch.setenv("XLA_FLAGS", flags)
        cuda.warn_of_slow_sums.cache_clear()

    yield pretend
    cuda.warn_of_slow_sums.cache_clear()


@pytest.mark.parametrize(
    ("version", "slow"),
    [
        (None, False),
        ("0.10.1", False),
        ("0.10.2", True),
        ("0.11.0", True),
        ("0.11.3.dev1", True),
        ("0.12.0.1", False),
    ],
)
def test_the_flag_is_set_where_it_is_needed(compiler, version, slow):
    compiler(version)
    assert cuda.lacks_flag() == slow
    cuda.set_flag()
    assert os.environ["XLA_FLAGS"] == (cuda.FLAG if slow else "")
    assert not cuda.lacks_flag()


def test_flags_of_the_user_stay(compiler):
    compiler("0.10.2", "--xla_gpu_deterministic_ops=true")
    cuda.set_flag()
    cuda.set_flag()
    both = f"--xla_gpu_deterministic_ops=true {cuda.FLAG}"
    assert os.environ["XLA_FLAGS"] == both
    own = "--xla_backend_extra_options=-nvptx-fma-level=0"
    compiler("0.10.2", own)
    cuda.set_flag()
    assert os.environ["XLA_FLAGS"] == own
    assert cuda.lacks_flag()


def test_commands_set_it(compiler, capsys):
    compiler("0.10.2")
    with pytest.raises(SystemExit):
        __main__.main(["report", "--workdir=absent"])
    assert not cuda.lacks_flag()
    compiler("0.10.2")
    with pytest.raises(SystemExit, match="absent.py"):
        train.main(["train.py", "--config=absent.py"])
    assert not cuda.lacks_flag()


def test_push_alone_warns_once(compiler, monkeypatch):
    monkeypatch.setattr("adr_jax.operators.advection.platform", lambda: "gpu")
    x, u = jnp.ones((3, 4, 1)), jnp.ones((3, 4, 2))
    compiler("0.10.2")
    with pytest.warns(UserWarning, match=cuda.FLAG) as caught:
        push(x, u)
        push(x, u)
    (warning,) = caught
    assert warning.filename == __file__
    for version, flags in (("0.12.0", ""), ("0.10.2", cuda.FLAG)):
        compiler(version, flags)
        with warnings.catch_warnings(action="error"):
            push(x, u)


PUSH = """
import sys
from adr_jax.operators import cuda
if sys.argv[1] == "set":
    cuda.set_flag()
import jax, numpy as np
from adr_jax import push
from adr_jax.training.devices import targets
devices = targets.find("a100").devices
grid = 1, 2, 16, 16, 4
shapes = [jax.ShapeDtypeStruct(shape, np.float32) for shape in (grid, (*grid, 2))]
with jax.default_device(devices[0]):
    jax.pmap(push, devices=devices).lower(*shapes).compile()
"""


@pytest.mark.slow
def test_the_flag_makes_sums_one_instruction(tmp_path):
    pytest.importorskip("jax_cuda13_plugin")

    def sums(flag):
        folder = tmp_path / flag
        dump = f"--xla_dump_to={folder} --xla_dump_emitter_re=.*"
        environment = os.environ | {
            "XLA_FLAGS": dump,
            "PYTHONWARNINGS": "ignore",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "0",
        }
        command = [sys.executable, "-c", PUSH, flag]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        text = "".join(file.read_text() for file in folder.glob("*.ptx"))
        return set(re.findall(r"atom\S*?\.(cas|add)\.", text))

    assert sums("set") == {"add"}
    assert sums("unset") == ({"cas"} if cuda.lacks_flag() else {"add"})
