"""The lines that `data inspect` prints of a file, and the command."""

import re
import shlex

import h5py
import numpy as np
import pytest

from adr_jax.__main__ import main
from adr_jax.data.own import inspection
from adr_jax.data.own.inspection import describe
from adr_jax.data.own.sequences import open_sequences
from adr_jax.errors import InputError


@pytest.fixture
def drifting(tmp_path, generator):
    """Write noise that moves by (2, -3) cells a frame, 5 % of it missing."""
    scene = generator.normal(size=(160, 160)) + 4
    views = [
        scene[60 - 2 * k : 100 - 2 * k, 20 + 3 * k : 64 + 3 * k] for k in range(30)
    ]
    rain = np.stack(views).astype("f4")
    rain[generator.random(rain.shape) < 0.05] = np.nan
    path = tmp_path / "rain of may.h5"
    with h5py.File(path, "w") as file:
        file["rain"], file["snow"] = rain, rain
        file["rain"].attrs["units"] = "g/m3"
        file["lat"], file["lon"] = np.arange(40) * 2.0, np.arange(44) * 2.0
        file["lat"].attrs["units"] = file["lon"].attrs["units"] = "km"
        file["time"] = 600 * np.arange(30)
        file["time"].attrs["units"] = "seconds since 2000-01-01"
    return path


@pytest.mark.slow
def test_it_says_what_it_sees(drifting):
    text = "\n".join(describe(drifting, "rain"))
    for words in (
        "rain (float32, 30 x 40 x 44): units g/m3",
        "read as: rain, axes tyx: 30 frames of 40 rows x 44 columns",
        "cell size: 2 km",
        "frame interval: 600 seconds",
        "unit: g/m3",
        "values of 30 frames:",
        "mean 4.0",
    ):
        assert words in text, words
    motion = re.search(r"rows (\S+) .*columns (\S+) ", text)
    # As in the tests of the estimate itself, which has windows to look through.
    assert [float(cells) for cells in motion.groups()] == pytest.approx(
        [2, -3], abs=0.15
    )
    missing = float(text.partition(" % missing")[0].rpartition(" ")[2])
    assert missing == pytest.approx(5, abs=0.5)  # of 52,800 values


def test_the_command_names_what_has_to_be_named(drifting, capsys):
    main(["data", "inspect", str(drifting), "--variable", "rain"])
    command = capsys.readouterr().out.splitlines()[-1]
    assert shlex.split(command) == [
        "python",
        "train.py",
        "--config=configs/own.py",
        f"--config.data.path={drifting}",
        "--config.data.variable=rain",
        "--config.data.axes=tyx",
    ]


def test_several_variables_are_listed_before_the_question(drifting, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["data", "inspect", str(drifting)])
    assert "several arrays that may be meant, rain" in str(stop.value.code)
    assert "snow (float32, 30 x 40 x 44)" in capsys.readouterr().out


@pytest.mark.slow
def test_errors_of_the_simplest_forecasts_are_told(tmp_path):
    times, rows, columns = np.meshgrid(*map(np.arange, (24, 24, 40)), indexing="ij")
    humps = np.exp(-((rows - 12) ** 2 + (columns - 8 - times) ** 2) / 12)
    np.save(tmp_path / "f.npy", humps)
    sequences = open_sequences(tmp_path / "f.npy", axes="tyx")
    changes = inspection.Changes.measure(sequences)
    # The hump moves on as it did: carried along, only interpolation is left to err.
    assert changes.advected < 0.3 * changes.extrapolation
    assert changes.extrapolation < 0.5 * changes.persistence
    text = "\n".join(describe(tmp_path / "f.npy", axes="tyx"))
    assert f"{changes.advected:.3g} of the last frame carried along its motion" in text


@pytest.mark.slow
def test_times_with_a_gap_are_told(tmp_path, generator):
    times = np.delete(np.arange(31), 12)
    np.savez(tmp_path / "f.npz", rain=generator.normal(size=(30, 9, 9)), time=times)
    text = "\n".join(describe(tmp_path / "f.npz"))
    assert "frame interval: 1.0" in text
    assert "note: 2 stretches with gaps of time between" in text


@pytest.mark.slow
def test_an_extreme_is_asked_about_until_it_is_named(tmp_path, generator, capsys):
    values = generator.normal(size=(30, 9, 9))
    values[:, 2, 3] = -999
    np.save(tmp_path / "f.npy", values)
    main(["data", "inspect", str(tmp_path / "f.npy")])
    assert "asked about: -999 is stored in 30 of the cells" in capsys.readouterr().out
    main(["data", "inspect", str(tmp_path / "f.npy"), "--fill", "-999"])
    named = capsys.readouterr().out
    assert "asked about" not in named
    assert "--config.data.fill=-999" in named.splitlines()[-1]


@pytest.mark.parametrize("frames", [1, 2])
def test_too_few_frames_to_see_motion(frames, tmp_path, generator):
    np.save(tmp_path / "f.npy", generator.normal(size=(frames, 9, 9)))
    text = "\n".join(describe(tmp_path / "f.npy", axes="tyx"))
    assert "motion: no frame has structure" in text


def test_a_file_of_nothing_but_gaps(tmp_path):
    np.save(tmp_path / "f.npy", np.full((30, 9, 9), np.nan))
    with pytest.raises(InputError, match="every value looked at is missing"):
        list(describe(tmp_path / "f.npy"))


def test_pdebench_layout(water_file):
    text = "\n".join(describe(water_file))
    assert "PDEBench's layout, 40 trajectories of 16 frames of 16 x 16 x 1" in text
    assert "cell size: 0.3125" in text
