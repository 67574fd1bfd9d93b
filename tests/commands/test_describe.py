"""`describe`: the model of a configuration, for frames as the data have them."""

import pathlib

import jax
import numpy as np
import pytest

from adr_jax import models
from adr_jax.__main__ import main
from adr_jax.commands import describe
from adr_jax.models.adrnet import ADRNet
from configs import quickstart

ROOT = pathlib.Path(__file__).parents[2]
SMALL = ("--config.data.cells=16", "--config.model.channels=4")

# ml_collections loads configuration files in a way that Python 3.15 will drop.
pytestmark = pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")


@pytest.fixture
def shown(monkeypatch, capsys, tmp_path):
    """What the command prints."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("ADR_JAX_DATA", str(tmp_path))

    def show(name, *flags):
        main(["describe", f"--config=configs/{name}.py", *flags])
        assert list(tmp_path.glob("*.h5")) == []  # nothing was made
        return capsys.readouterr().out

    return show


def row(text, path):
    """A row of the table without what aligns it."""
    (line,) = (line for line in text.splitlines() if line.split()[0] == path)
    return " ".join(line.split())


def test_modules_work_and_reach(shown, monkeypatch):
    traced = []
    features = ADRNet.features
    monkeypatch.setattr(
        ADRNet, "features", lambda self, z: traced.append(1) or features(self, z)
    )
    text = shown("quickstart", *SMALL)
    assert len(traced) == 3  # for the table, the forecast and the gradients
    # 4 frames seen as 4 channels, (4*4 + 4) + (4*4 + 4) + 4*4; fluxes for 2 axes.
    assert row(text, "embed") == (
        "embed PointwiseMLP 1 x 16 x 16 x 4 1 x 16 x 16 x 4 56"
    )
    assert row(text, "flux").endswith("1 x 16 x 16 x 4 1 x 16 x 16 x 2 74")
    paths = [line.split()[0] for line in text.splitlines()]
    assert paths.index("all") < paths.index("embed") < paths.index("blocks")
    assert paths.index("blocks") < paths.index("blocks/velocity")
    total = row(text, "all").split()[-1]
    assert f"parameters: {total}\n" in text
    config = quickstart.get_config().model
    config.channels = 4
    model = models.build(config, change_scale=(1.0,), output_scale=(1.0,))
    params = model.init(jax.random.key(0), np.zeros((1, 10, 16, 16, 1), np.float32))
    count = sum(leaf.size for leaf in jax.tree.leaves(params["params"]))
    assert int(total.replace(",", "")) == count
    # Two blocks of three convolutions and a diffusion step, and a convolution for flux.
    assert "reach: convolutions 9 cells, transport as far as it learns" in text


def test_work_is_counted_over_all_blocks(shown):
    flops = []
    for blocks in (1, 3):
        text = shown("quickstart", SMALL[0], f"--config.model.num_blocks={blocks}")
        flops.append(float(text.partition("one forecast: ")[2].split()[0]))
    # Blocks are most of the work.
    assert 2 < flops[1] / flops[0] < 3


def test_the_frames_are_those_of_the_data(shown, tmp_path, generator):
    np.save(tmp_path / "film.npy", generator.normal(size=(30, 12, 20, 3)))
    flags = [f"--config.data.path={tmp_path / 'film.npy'}", "--config.data.axes=tyxc"]
    text = shown("own", *flags, "--config.model.channels=4")
    assert "ADRNet 1 x 4 x 12 x 20 x 3 1 x 1 x 12 x 20 x 3" in row(text, "all")


def test_frames_of_data_that_are_not_there_have_to_be_said(shown, monkeypatch):
    flags = ["--config.model.channels=4", "--config.data.path=absent.npy"]
    with pytest.raises(SystemExit) as stop:
        shown("own", *flags)
    told = str(stop.value.code)
    assert "absent.npy: no such file" in told and "--frame_shape" in told
    text = shown("own", "--frame_shape", "9", "8", "7", "2", *flags)
    assert "ADRNet 1 x 4 x 9 x 8 x 7 x 2 1 x 1 x 9 x 8 x 7 x 2" in row(text, "all")
    with pytest.raises(SystemExit) as stop:
        shown("own", "--frame_shape", "9", *flags)
    assert "--frame_shape 9: expected one to three" in str(stop.value.code)


def test_what_is_wrong_is_said_in_a_line(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    for flags, message in (
        (["--config=configs/quickstart.py", "--config.model.chanels=4"], "chanels"),
        (["--config=configs/absent.py"], "absent.py"),
    ):
        with pytest.raises(SystemExit) as error:
            main(["describe", *flags])
        assert message in str(error.value)
    with pytest.raises(SystemExit):
        main(["report", "--workdir=x", "--colour=red"])
    assert "unrecognized arguments: --colour=red" in capsys.readouterr().err


def test_reach_of_networks_that_see_everything():
    config = quickstart.get_config().model
    config.name = "fno"
    fno = models.build(config, change_scale=(1.0,), output_scale=(1.0,))
    assert describe.reach(fno) == "the whole field"
