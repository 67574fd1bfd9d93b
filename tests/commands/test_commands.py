"""The command line: commands, their output and their errors."""

import importlib.metadata
import json
import os
import pathlib
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

import adr_jax
from adr_jax import data, shipped
from adr_jax.__main__ import main
from adr_jax.commands import evaluate
from adr_jax.evaluation.studies import resolution
from adr_jax.training import loop

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
QUICK = ["--config.train.steps=2", "--config.train.validate_every=2"]


def train(*flags, config="configs/shallow_water.py:small"):
    """Run train.py in a process of its own."""
    return subprocess.run(
        [sys.executable, "train.py", f"--config={config}", *flags],
        cwd=ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=600,
    )


def one_line(process):
    """Its error, if it is one line and nothing else, with a code other than 0."""
    assert process.returncode != 0
    assert "Traceback" not in process.stderr
    error = [line for line in process.stderr.splitlines() if line.strip()]
    assert len(error) == 1, process.stderr
    return error[0]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--config.train.stesp=1"], 'Did you mean "steps"'),
        (["--config.train.steps=abc"], "abc"),
        (["--config.train.steps=0"], "config.train.steps is 0; expected a number from"),
        (["--workdr=x"], "workdir"),
        (["--config.data.path=absent.h5"], "absent.h5: no such file"),
        (["stray"], "unexpected argument 'stray'"),
    ],
    ids=str,
)
def test_errors_of_train_are_one_line(flags, message, tmp_path):
    process = train(*flags, f"--workdir={tmp_path / 'run'}")
    assert message in one_line(process)


def test_a_missing_config():
    assert "configs/shalow.py" in one_line(train(config="configs/shalow.py"))


def test_train_evaluate_report(tmp_path, water_file, capsys):
    """The three commands in a row, from a shell."""
    workdir = tmp_path / "run"
    flags = [
        *QUICK,
        f"--workdir={workdir}",
        f"--config.data.path={water_file}",
        "--config.data.cells=16",
        "--config.model.channels=4",
        "--config.train.validation_windows=2",
    ]
    process = train(*flags)
    assert process.returncode == 0, process.stderr
    first = process.stdout.splitlines()[:2]
    assert first[0].startswith("PDEBench's radial dam break")
    assert first[1] == "2 steps of training; then come scores and a report"
    assert "split distinct: trajectories train" in process.stdout
    assert str(workdir / "report.html") in process.stdout

    again = train(*flags)
    assert again.returncode == 0
    assert "has its 2 steps" in again.stdout

    output = tmp_path / "scores.json"
    main(["evaluate", "--workdir", str(workdir), "--output", str(output)])
    assert "one_step: 10 frames in, 1 out" in capsys.readouterr().out
    stored = json.loads((workdir / "results.json").read_text())
    assert (
        json.loads(output.read_text())["protocols"].keys() == stored["protocols"].keys()
    )

    main(["report", "--workdir", str(workdir)])
    assert str(workdir / "report.html") in capsys.readouterr().out


@pytest.fixture(scope="module")
def finished(tmp_path_factory, make_config):
    workdir = tmp_path_factory.mktemp("runs") / "finished"
    config = make_config()
    config.train.steps = 2
    loop.train_and_evaluate(config, workdir)
    return workdir


def error_of(capsys, *arguments):
    """Return what a failing command prints, which must be one line."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    printed = capsys.readouterr().err
    message = printed or str(stop.value.code)
    assert stop.value.code != 0
    assert len(message.strip().splitlines()) == 1
    return message


def test_evaluate_scores_every_trajectory_of_a_file(
    finished, water_file, tmp_path, capsys
):
    output = tmp_path / "scores.json"
    main(
        f"evaluate --workdir {finished} {finished} --data {water_file} "
        f"--output {output}".split()
    )
    scores = json.loads(output.read_text())[str(finished)]
    assert scores["data"]["split"] == "all"
    assert scores["protocols"]["rollout"]["samples"] == 40
    printed = capsys.readouterr().out
    assert f"{water_file} is the file that {finished} was trained on" in printed
    assert "40 windows, split all" in printed


def test_evaluate_scores_by_other_protocols(finished, tmp_path):
    output = tmp_path / "scores.json"
    command = f"evaluate --workdir {finished} --output {output} --protocols one_step"
    card = (finished / "model_card.md").read_text()
    main(command.split())
    assert (finished / "model_card.md").read_text() == card  # all of its protocols
    assert json.loads(output.read_text())["protocols"].keys() == {"one_step"}


def test_evaluate_needs_a_protocol(finished, tmp_path, capsys):
    unscored = tmp_path / "unscored"
    shutil.copytree(finished, unscored)
    config = json.loads((unscored / "config.json").read_text())
    config["eval"]["protocols"] = []
    (unscored / "config.json").write_text(json.dumps(config))
    message = error_of(capsys, "evaluate", "--workdir", str(finished), str(unscored))
    assert f"{unscored}: its eval.protocols names none" in message
    assert "one_step" in message and "--protocols" in message
    message = error_of(
        capsys, "evaluate", "--workdir", str(unscored), "--protocols", "one_stop"
    )
    assert "one_stop" in message and "one_step" in message


def test_evaluate_puts_runs_side_by_side_and_opens_their_data_once(
    finished, tmp_path, capsys, monkeypatch
):
    again = tmp_path / "again"
    shutil.copytree(finished, again)
    load, opened = data.load, []
    monkeypatch.setattr(data, "load", lambda c: opened.append(c) or load(c))
    main(f"evaluate --workdir {finished} {again}".split())
    assert len(opened) == 1
    tables = capsys.readouterr().out.split("\n\n")
    joint = [table for table in tables if "all runs\n" in table]
    assert [table.split()[0] for table in joint] == ["one_step", "rollout"]
    for table in joint:
        title, header, *rows = table.strip().splitlines()
        assert title.endswith("on shallow_water, split distinct, all runs")
        baselines = ["persistence", "extrapolation", "advected"]
        names = [str(finished), str(again), *baselines]
        assert [row.split()[0] for row in rows] == names
        assert "ms/frame" in header and header.endswith("device")


def test_evaluate_robustness(finished, tmp_path, capsys):
    output = tmp_path / "scores.json"
    main(f"evaluate --workdir {finished} --robustness --output {output}".split())
    printed = capsys.readouterr().out
    scores = json.loads(output.read_text())["robustness"]
    assert scores["metric"] == "nrmse"
    assert list(scores["noise"]["model"]) == ["0", "0.01", "0.03", "0.1", "0.3"]
    assert list(scores["missing"]["persistence"]) == ["0", "0.05", "0.2", "0.5"]
    assert "by standard deviations of noise" in printed
    assert "by share missing" in printed


def test_evaluate_other_intervals_and_grids(finished, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(resolution, "CELLS", (16, 24))
    output = tmp_path / "scores.json"
    flags = f"evaluate --workdir {finished} --time_step --resolution --output {output}"
    main(flags.split())
    printed = capsys.readouterr().out
    scores = json.loads(output.read_text())
    assert list(scores["time_step"]["scores"]["scaled"]) == ["1", "2", "3"]
    assert list(scores["resolution"]["scores"]["model"]) == ["16", "24"]
    assert scores["resolution"]["ms_per_frame"]["model"]["24"] > 0
    for title in ("time step: nrmse", "resolution: nrmse", "resolution: ms/frame"):
        assert title in printed


def test_evaluate_growth(finished, tmp_path, capsys):
    output = tmp_path / "scores.json"
    main(f"evaluate --workdir {finished} --growth --output {output}".split())
    result = json.loads(output.read_text())["growth"]
    assert list(result["growth"]["last frame"]) == ["level", "16", "8", "4"]
    assert "growth: factor by which a forecast multiplies" in capsys.readouterr().out


def test_evaluate_on_a_file_has_no_other_grids(finished, water_file, capsys):
    flags = f"evaluate --workdir {finished} --resolution --data {water_file}"
    assert "leave --data out" in error_of(capsys, *flags.split())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("absent", "no such file"),
        ("truncated", "cannot be read"),
        ("not hdf5", "cannot be read"),
        ("no key", "'0000/data' is missing"),
        ("nan", "has NaN or infinity, frame 9"),
        ("other resolution", "8 x 8 cells, data.cells is 16"),
    ],
)
def test_evaluate_on_bad_files(finished, water_file, tmp_path, capsys, damage, message):
    path = tmp_path / "bad.h5"
    content = water_file.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "not hdf5":
        path.write_text("not HDF5")
    elif damage != "absent":
        path.write_bytes(content)
        with h5py.File(path, "a") as file:
            if damage == "no key":
                del file["0000/data"]
            elif damage == "nan":
                file["0003/data"][9, 4, 4] = float("nan")
            else:
                for key in file:
                    small = file[f"{key}/data"][:, ::2, ::2]
                    del file[f"{key}/data"]
                    file[f"{key}/data"] = small
    output = tmp_path / "scores.json"
    arguments = f"evaluate --workdir {finished} --data {path} --output {output}"
    assert message in error_of(capsys, *arguments.split())
    assert not output.exists()


def test_forecast_writes_what_the_model_forecasts(finished, water_file, tmp_path):
    output = tmp_path / "ahead.h5"
    main(
        f"forecast --workdir {finished} --input {water_file} --steps 3 "
        f"--output {output}".split()
    )
    with h5py.File(water_file) as past, h5py.File(output) as ahead:
        assert list(ahead) == list(past)
        frames = past["0007/data"][...]
        expected = adr_jax.load(finished).forecast(frames, steps=3)
        # Water about 1 deep; other batch sizes.
        np.testing.assert_allclose(ahead["0007/data"], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("evaluate --workdir {tmp}", "config.json is missing: train.py writes it"),
        ("report --workdir {tmp}", "config.json"),
        ("evaluate", "--workdir"),
        ("evalute --workdir {tmp}", "evalute"),
        (
            "data shallow_water --output {tmp}/f.h5 --cells 3",
            "cells: expected at least",
        ),
        ("data shallow_water --output {tmp}/f.h5 --height -1", "height: expected"),
        ("data shallow_water --output {tmp}/f.h5 --trajectories 0", "at least 1"),
    ],
)
def test_bad_arguments(arguments, message, tmp_path, capsys):
    arguments = arguments.format(tmp=tmp_path).split()
    assert message in error_of(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_data_makes_a_file_with_the_seeds_as_keys(tmp_path, capsys):
    path = tmp_path / "dams.h5"
    arguments = f"data shallow_water --output {path} --trajectories 3 --first_seed 7"
    main([*arguments.split(), "--shape=double", "--cells=16", "--frames=4"])
    with h5py.File(path) as file:
        assert list(file) == ["0007", "0008", "0009"]
        assert file["0008/data"].shape == (4, 16, 16, 1)
        assert file.attrs["shape"] == "double"
    assert "exists; name another" in error_of(capsys, *arguments.split())


def test_importing_the_operator_needs_only_jax():
    code = (
        "import sys, adr_jax; adr_jax.push; "
        "print({'flax', 'optax', 'h5py', 'orbax'} & set(sys.modules))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "set()"


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert not stop.value.code
    version = importlib.metadata.version("adr_jax")
    assert capsys.readouterr().out == f"adr_jax {version}\n"


def test_nothing_is_written_beside_the_shipped_weights(monkeypatch):
    written = []
    monkeypatch.setattr(evaluate, "write_model_card", lambda *a: written.append(a[1]))
    weights = shipped.find_workdir("shallow_water")
    evaluate._write_cards([(weights, {}), ("runs/mine", {})])
    assert [str(workdir) for workdir in written] == ["runs/mine"]
