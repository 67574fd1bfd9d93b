"""The command `describe`."""

import pathlib

import jax
import numpy as np
import pytest

from adr_jax import models, shipped
from adr_jax.__main__ import main
from adr_jax.commands import describe
from adr_jax.training import command_line, configuration
from configs import shallow_water

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
WATER = "shallow_water:small"
SMALL = ("--config.data.cells=16", "--config.model.channels=4")

# ml_collections loads configuration files in a way that Python 3.15 will drop.
pytestmark = pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")


@pytest.fixture
def shown(monkeypatch, capsys, tmp_path):
    """Return a function that runs the command and returns its output."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("ADR_JAX_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")

    def show(name, *flags):
        main(["describe", f"--config={name}", *flags])
        assert list(tmp_path.glob("*.h5")) == []  # no data set was generated
        return capsys.readouterr().out

    return show


def rows(text):
    """Return the rows of the table by path: module, input, output."""
    lines = [line.split("│")[1:-1] for line in text.splitlines() if "│" in line]
    cells = [[cell.strip() for cell in line] for line in lines]
    return {path: row[:3] for path, *row in cells if row[0]}


def test_modules_parameters_and_reach(shown):
    text = shown(WATER, *SMALL)
    table = rows(text)
    embedded = "float32[1,16,16,4]"
    assert table["embed"] == ["PointwiseMLP", embedded, embedded]
    assert table["flux"] == ["Conv", embedded, "float32[1,16,16,2]"]
    paths = list(table)
    assert paths.index("embed") < paths.index("blocks") < paths.index("blocks/velocity")
    assert "blocks/velocity" not in rows(shown(WATER, *SMALL, "--depth=1"))
    (line,) = (line for line in text.splitlines() if line.startswith("parameters: "))
    # 4 frames seen as 4 channels, (4*4 + 4) + (4*4 + 4) + 4*4; fluxes for 2 axes.
    assert "embed 56, " in line and "flux 74" in line
    total = line.split()[1]
    assert f"Total Parameters: {total} " in text
    config = shallow_water.get_config("small").model
    config.channels = 4
    model = models.build(config, change_scale=(1.0,), output_scale=(1.0,))
    params = model.init(jax.random.key(0), np.zeros((1, 10, 16, 16, 1), np.float32))
    count = sum(leaf.size for leaf in jax.tree.leaves(params["params"]))
    assert int(total.replace(",", "")) == count
    # Two blocks of three convolutions and a diffusion step, and a convolution for flux.
    assert "reach: convolutions 9 cells, transport as far as it learns" in text


def test_cost_is_counted_over_all_blocks(shown):
    flops = []
    for blocks in (1, 3):
        text = shown(WATER, SMALL[0], f"--config.model.num_blocks={blocks}")
        flops.append(float(text.partition("one forecast: ")[2].split()[0]))
    # Blocks are most of the cost.
    assert 2 < flops[1] / flops[0] < 3


def test_the_frames_are_those_of_the_data(shown, tmp_path, generator):
    np.save(tmp_path / "film.npy", generator.normal(size=(30, 12, 20, 3)))
    flags = [f"--config.data.path={tmp_path / 'film.npy'}", "--config.data.axes=tyxc"]
    text = shown("own", *flags, "--config.model.channels=4")
    shapes = ["float32[1,4,12,20,3]", "float32[1,10,12,20,3]"]
    assert rows(text)[""] == ["ADRNet", *shapes]


def test_the_size_of_frames_is_a_flag_where_data_are_missing(shown, monkeypatch):
    flags = ["--config.model.channels=4", "--config.data.path=absent.npy"]
    with pytest.raises(SystemExit) as stop:
        shown("own", *flags)
    message = str(stop.value.code)
    assert "absent.npy: no such file" in message and "--frame_shape" in message
    text = shown("own", "--frame_shape", "9", "8", "7", "2", *flags)
    shapes = ["float32[1,4,9,8,7,2]", "float32[1,10,9,8,7,2]"]
    assert rows(text)[""] == ["ADRNet", *shapes]
    with pytest.raises(SystemExit) as stop:
        shown("own", "--frame_shape", "9", *flags)
    assert "--frame_shape 9: expected one to three" in str(stop.value.code)


@pytest.mark.parametrize("name", shipped.config_names())
def test_every_configuration_has_frames_without_its_data(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADR_JAX_DATA", str(tmp_path / "none"))
    file = command_line.read_config(name, [])
    shape = describe.known_frame_shape(configuration.read(file).data)
    assert len(shape) == 3


def test_a_workdir_has_its_configuration_and_frames(untrained, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    main(["describe", f"--workdir={untrained}"])
    assert "float32[1,4,16,16,1]" in rows(capsys.readouterr().out)[""]
    with pytest.raises(SystemExit, match="a configuration of its own"):
        main(["describe", f"--workdir={untrained}", "--config.model.channels=4"])


def test_errors_are_one_line(monkeypatch, capsys):
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
    config = shallow_water.get_config("small").model
    config.name = "fno"
    fno = models.build(config, change_scale=(1.0,), output_scale=(1.0,))
    assert describe.reach(fno) == "the whole field"
