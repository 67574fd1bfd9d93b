"""The command `export`: a file that needs only jax, for grids of any size."""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys

import jax
import numpy as np
import pytest

import adr_jax
from adr_jax.__main__ import main
from adr_jax.commands import export
from adr_jax.training.network import build_network

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "export.md"
AFTERWARDS = """
import sys
np.save("ahead.npy", forecast(history, 3))
print({"adr_jax", "flax", "h5py", "orbax"} & set(sys.modules))
"""


@pytest.mark.slow
def test_the_documented_code_runs_it_without_this_package(
    untrained, tmp_path, generator, capsys
):
    """Run another batch and grid than those of training, with a missing cell."""
    output = tmp_path / "step.bin"
    main(["export", "--workdir", str(untrained), "--output", str(output)])
    shapes = "(batch, 4, y, x, 1) to (batch, 1, y, x, 1)"
    assert f"{output}: {shapes}" in capsys.readouterr().out

    history = 1 + 0.1 * generator.normal(size=(3, 4, 21, 10, 1)).astype(np.float32)
    history[1, 3, 5, 5] = np.nan
    np.save(tmp_path / "history.npy", history)
    code = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    process = subprocess.run(
        [sys.executable, "-c", "\n".join(code) + AFTERWARDS],
        cwd=tmp_path,  # where this package is not to be found by accident
        env=os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip() == "set()"
    expected = adr_jax.load(untrained).forecast(history, steps=3)
    # The same sums in another order, over three steps of values about 1.
    ahead = np.load(tmp_path / "ahead.npy")
    np.testing.assert_allclose(ahead, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "space"),
    [
        ({"boundary": "reflect", "coordinates": True}, "y, x"),
        ({"name": "unet"}, "y, x"),
        ({"context": 2, "denoiser": True}, "y, x"),
        ({"boundary": "periodic"}, "16, 16"),
        ({"head": "advection", "frames_out": 2}, "16, 16"),
    ],
    ids=str,
)
def test_the_most_general_grid_is_exported(untrained, settings, space, generator):
    model = adr_jax.load(untrained)
    config = model.config.override(model=settings)
    network = build_network(config, model.statistics)
    params = jax.eval_shape(
        network.init, jax.random.key(0), np.zeros((1, 4, 16, 16, 1), np.float32)
    )
    params = {"params": jax.tree.map(lambda a: np.zeros(a.shape), params["params"])}
    other = dataclasses.replace(model, config=config, network=network, params=params)
    exported = export.export_step(other)
    assert str(exported.in_avals[0].shape) == f"(batch, 4, {space}, 1)"
    assert exported.platforms == ("cpu", "cuda", "tpu")


def test_an_output_that_exists_or_has_no_folder(untrained, tmp_path):
    (tmp_path / "mine.bin").write_text("mine")
    for name, message in (("mine.bin", "exists"), ("no/step.bin", "no folder")):
        with pytest.raises(SystemExit, match=message):
            flags = ["--workdir", str(untrained), "--output", str(tmp_path / name)]
            main(["export", *flags])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.bin"]


def test_without_flatbuffers_the_extra_is_named(untrained, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "flatbuffers", None)
    flags = ["--workdir", str(untrained), "--output", str(tmp_path / "step.bin")]
    with pytest.raises(SystemExit, match=r"pip install 'adr_jax\[export\]'"):
        main(["export", *flags])
