"""The command `forecast`: its output has the layout of its input.

The model's forecast is known: the last frame plus 100 for each step.
"""

from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from PIL import Image

from adr_jax.__main__ import main
from adr_jax.commands import forecast
from adr_jax.data.own.sequences import open_sequences
from adr_jax.evaluation.report.animation import MILLISECONDS
from configs import own

HISTORY = 4
STEPS = 3


class Model:
    """A stand-in for a trained model."""

    def __init__(self, frame_shape, channels):
        self.frame_shape = frame_shape
        self.config = own.get_config()
        self.config.data.history = HISTORY
        self.record = {"step": 7, "channels": channels}
        self.statistics = SimpleNamespace(std=[1e3] * frame_shape[-1])

    def forecast(self, frames, steps):
        assert frames.shape[1:] == (HISTORY, *self.frame_shape)
        ahead = 100 * np.arange(1, steps + 1, dtype=np.float32)
        ahead = ahead.reshape(-1, *[1] * len(self.frame_shape))
        return np.nan_to_num(frames[:, -1:]) + ahead


@pytest.fixture
def use(tmp_path, monkeypatch):
    """Return a function that puts a model of some frames into the workdir."""

    def use_model(frame_shape, channels=("rain",), **data):
        model = Model(frame_shape, channels)
        model.config.data.update(data)
        (tmp_path / "config.json").write_text(model.config.to_json())
        monkeypatch.setattr(forecast, "load", lambda _: model)

    return use_model


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the command and returns its output path."""

    def run_command(source, output="out.h5", *flags):
        output = tmp_path / output
        arguments = f"forecast --workdir {tmp_path} --steps {STEPS} --output {output}"
        main([*arguments.split(), "--input", str(source), *flags])
        return output

    return run_command


def continued(frames):
    """Return the model's forecast of (trajectories, time, ...)."""
    ahead = 100 * np.arange(1, STEPS + 1).reshape(1, -1, *[1] * (frames.ndim - 2))
    return frames[:, -1:] + ahead


@pytest.mark.parametrize("suffix", ["h5", "npz"])
@pytest.mark.parametrize("axes", ["tyx", "xyt", "ntyxc", "cxnty"])
def test_the_order_of_axes_is_kept(axes, suffix, tmp_path, generator, use, run):
    sizes = {"n": 3, "t": 6, "y": 5, "x": 7, "c": 2}
    present = [letter for letter in "ntyxc" if letter in axes]
    frames = generator.normal(size=[sizes[a] for a in present]).astype(np.float32)
    order = [present.index(letter) for letter in axes]
    np.savez(tmp_path / "in.npz", rain=frames.transpose(order))
    channels = ("rain 0", "rain 1") if "c" in axes else ("rain",)
    use((5, 7, len(channels)), channels, axes=axes)
    output = run(tmp_path / "in.npz", f"out.{suffix}")
    expected = continued(frames) if "n" in axes else continued(frames[None])[0]
    with h5py.File(output) if suffix == "h5" else np.load(output) as file:
        # The same sums, in float32.
        np.testing.assert_allclose(
            file["rain"][...], expected.transpose(order), rtol=1e-6
        )


def test_coordinates_and_attributes_are_kept_and_time_continues(tmp_path, use, run):
    stored = np.arange(6 * 5 * 7, dtype=np.int16).reshape(6, 5, 7)
    with h5py.File(tmp_path / "in.nc", "w") as file:
        file.attrs["institution"] = "here"
        file["rain"] = stored
        file["rain"].attrs.update(
            {"units": "mm", "scale_factor": 0.5, "_FillValue": np.int16(-1)}
        )
        for axis, (name, step) in enumerate([("time", 300), ("lat", 2), ("lon", 3)]):
            file[name] = step * np.arange(stored.shape[axis])
            file[name].attrs["units"] = f"unit of {name}"
            file[name].make_scale(name)
            file["rain"].dims[axis].attach_scale(file[name])
    use((5, 7, 1))
    output = run(tmp_path / "in.nc", "out.nc")
    with h5py.File(output) as file:
        assert file.attrs["institution"] == "here"
        assert "3 frames after in.nc" in file.attrs["forecast"]
        rain = file["rain"]
        assert dict(rain.attrs)["units"] == "mm"
        assert not {"scale_factor", "_FillValue"} & set(rain.attrs)
        assert file["time"][...].tolist() == [1800, 2100, 2400]
        assert file["lon"][...].tolist() == [0, 3, 6, 9, 12, 15, 18]
        assert file["lat"].attrs["units"] == "unit of lat"
        assert [rain.dims[axis][0].name for axis in range(3)] == [
            "/time",
            "/lat",
            "/lon",
        ]
        np.testing.assert_allclose(rain[...], continued(stored[None] * 0.5)[0])
    # What was written can itself be read, and continued.
    again = open_sequences(output)
    assert (again.axes, again.unit) == ("tyx", "mm")
    assert again.coordinates["t"].step_in_words == "300 unit of time"


def test_dates_of_an_npz(tmp_path, generator, use, run):
    days = np.arange("2024-02-24", "2024-03-01", dtype="M8[D]")
    frames = generator.normal(size=(6, 5, 7)).astype(np.float32)
    np.savez(tmp_path / "in.npz", rain=frames, time=days)
    use((5, 7, 1), axes="tyx")
    with np.load(run(tmp_path / "in.npz", "out.npz")) as file:
        assert str(file["time"]) == "['2024-03-01' '2024-03-02' '2024-03-03']"
    with h5py.File(run(tmp_path / "in.npz", "out.h5")) as file:
        assert file["time"].attrs["units"] == "seconds since 1970-01-01"
        assert np.array(file["time"][0], "M8[s]") == np.datetime64("2024-03-01")


@pytest.mark.parametrize("suffix", ["h5", "npz"])
def test_pdebench_layout(suffix, water_file, use, run):
    use((16, 16, 1), ("h",), name="shallow_water")
    output = run(water_file, f"out.{suffix}")
    with (
        h5py.File(water_file) as before,
        h5py.File(output) if suffix == "h5" else np.load(output) as after,
    ):
        for key in ("0000", "0039"):
            stored = before[f"{key}/data"][...][None]
            np.testing.assert_allclose(
                after[f"{key}/data"][...], continued(stored)[0], rtol=1e-6
            )
            grid = before[f"{key}/grid/x"][...]
            np.testing.assert_array_equal(after[f"{key}/grid/x"][...], grid)
            # Fifteen steps of 1/15, in float32.
            times = 1 + np.arange(1, 4) / 15
            found = after[f"{key}/grid/t"][...]
            np.testing.assert_allclose(found, times, rtol=0, atol=2e-7)


def test_images(tmp_path, generator, use, run):
    folder = tmp_path / "frames"
    folder.mkdir()
    stored = generator.integers(0, 255, (6, 9, 8)).astype(np.uint8)
    for index, frame in enumerate(stored):
        Image.fromarray(frame).save(folder / f"{index}.png")
    use((9, 8, 1), ("frames",))
    with np.load(run(folder, "out.npz")) as file:
        np.testing.assert_array_equal(file["frames"], continued(stored[None])[0])


def test_a_cell_that_is_never_observed_stays_missing(tmp_path, use, run):
    frames = np.ones((8, 6, 5), np.float32)
    frames[:, 1, 2] = np.nan  # ever
    frames[-1, 3, 3] = np.nan  # at last
    frames[:4, 4, 4] = np.nan  # before the history
    np.save(tmp_path / "in.npy", frames)
    use((6, 5, 1), ("frames",), axes="tyx")
    with np.load(run(tmp_path / "in.npy", "out.npz")) as file:
        missing = np.argwhere(np.isnan(file["frames"]))
    assert missing.tolist() == [[step, 1, 2] for step in range(STEPS)]


@pytest.mark.parametrize("blown", [1e14, np.nan])
def test_a_forecast_that_blows_up_is_told_and_not_written(
    blown, tmp_path, generator, use, run, capsys, monkeypatch
):
    films = tmp_path / "films.npz"
    np.savez(films, rain=generator.normal(size=(3, 6, 8, 10)).astype(np.float32))
    use((8, 10, 1), axes="ntyx")

    def forecast_of(model, frames, steps):
        ahead = np.repeat(frames[:, -1:], steps, axis=1)
        ahead[1, 2:, 0, 0] = blown
        return ahead

    monkeypatch.setattr(Model, "forecast", forecast_of)
    with pytest.raises(SystemExit) as stop:
        run(films)
    assert stop.value.code == 3
    told = capsys.readouterr().err
    assert f"frame 3 of the forecast has {blown:.3g}" in told
    assert "forecast fewer --steps" in told
    assert not (tmp_path / "out.h5").exists()


def test_an_animation(tmp_path, generator, use, run):
    for channels in (1, 3):
        frames = generator.normal(size=(6, 9, 12, channels))
        np.save(tmp_path / "in.npy", frames)
        names = ("frames",) if channels == 1 else ("frames 0", "frames 1", "frames 2")
        use((9, 12, channels), names, axes="tyxc")
        gif = tmp_path / f"out{channels}.gif"
        run(tmp_path / "in.npy", f"out{channels}.h5", "--gif", str(gif))
        with Image.open(gif) as image:
            shown = 0
            for index in range(image.n_frames):  # equal ones are one, shown longer
                image.seek(index)
                shown += image.info["duration"]
            assert shown == (HISTORY + STEPS) * MILLISECONDS
            assert image.size[0] == 12 * 29  # 9 rows of 29 pixels are 256 or more


@pytest.fixture
def refused(tmp_path, capsys, run):
    """Return the one line of a failing command, which must leave no file."""

    def error_of(source, output="out.h5", *flags):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SystemExit) as stop:
            run(source, output, *flags)
        message = capsys.readouterr().err or str(stop.value.code)
        assert len(message.strip().splitlines()) == 1
        assert sorted(tmp_path.rglob("*")) == before
        return message

    return error_of


def save(path, array):
    np.save(path, array)
    return path


UNFIT = {
    "too few": (lambda f: f[:3], "has 3 frames; the model starts from 4"),
    "an axis more": (lambda f: f[..., None], "has 4 axes, 6 x 9 x 8 x 1, but config"),
    "another space": (lambda f: f[:, 0], "has 2 axes"),
    "complex": (lambda f: f * 1j, "frames (complex128, 6 x 9 x 8)"),
    "missing": (lambda f: f * np.nan, "last 4 frames of trajectory 0 are missing"),
    "infinite": (lambda f: f + np.inf, "infinite"),
    "none": (lambda f: f[:0], "is empty"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_frames_that_do_not_fit_the_model(name, tmp_path, generator, use, refused):
    spoil, message = UNFIT[name]
    use((9, 8, 1), ("frames",), axes="tyx")
    frames = generator.normal(size=(6, 9, 8))
    assert message in refused(save(tmp_path / "in.npy", spoil(frames)))


def test_other_channels_and_variables_are_refused(
    tmp_path, generator, use, refused, run
):
    frames = generator.normal(size=(6, 9, 8, 2))
    np.savez(tmp_path / "in.npz", wind=frames)
    use((9, 8, 1), ("wind",), axes="tyxc")
    message = refused(tmp_path / "in.npz")
    assert "9 x 8 cells, 2 channels, the model was trained on 9 x 8 cells, 1" in message
    use((9, 8, 2), ("rain 0", "rain 1"), axes="tyxc")
    assert "has wind 0, wind 1, the model" in refused(tmp_path / "in.npz")
    use((9, 8, 2), ("rain 0", "rain 1"), axes="tyxc", variable="rain")
    assert "has no array 'rain'; it has wind" in refused(tmp_path / "in.npz")
    assert run(tmp_path / "in.npz", "out.h5", "--variable", "wind").exists()


def test_nan_is_refused_where_cells_cannot_be_missing(
    tmp_path, water_file, use, refused
):
    path = tmp_path / "in.h5"
    path.write_bytes(water_file.read_bytes())
    with h5py.File(path, "a") as file:
        file["0031/data"][14, 3, 3] = np.nan
    use((16, 16, 1), ("h",), name="shallow_water")
    assert "'0031/data' has NaN or infinity, frame 14" in refused(path)


def test_bad_outputs_are_refused(tmp_path, generator, use, refused, monkeypatch):
    use((9, 8, 1), ("frames",), axes="tyx")
    path = save(tmp_path / "in.npy", generator.normal(size=(6, 9, 8)))
    (tmp_path / "there.h5").write_text("mine")
    assert "there.h5 exists; name another" in refused(path, "there.h5")
    assert (tmp_path / "there.h5").read_text() == "mine"
    assert "no folder" in refused(path, "nowhere/out.h5")
    assert "expected a name in .npz, .h5" in refused(path, "out.npy")
    assert "expected a name in .gif" in refused(path, "out.h5", "--gif", "out.png")
    assert "--steps is 0; expected 1 or more" in refused(path, "out.h5", "--steps", "0")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(forecast.writer.h5py, "File", full)
    assert "cannot be written (No space left on device)" in refused(path, "out.h5")


def test_another_resolution_is_noted(
    tmp_path, generator, use, run, capsys, monkeypatch
):
    use((9, 8, 1), ("frames",), axes="tyx")
    monkeypatch.setattr(Model, "forecast", lambda _, f, steps: f[:, :steps])
    run(save(tmp_path / "in.npy", generator.normal(size=(6, 18, 16))))
    printed = capsys.readouterr().out
    assert "note: the model was trained on 9 x 8 cells" in printed


def test_a_gap_before_the_end_of_a_short_trajectory(tmp_path, generator, use, run):
    values, times = generator.normal(size=(2, 20, 5, 7)), [*range(10), *range(50, 60)]
    fields = {"rain": values, "time": times, "trajectory_lengths": [20, 12]}
    np.savez(tmp_path / "f.npz", **fields)
    use((5, 7, 1), axes="ntyx")
    with pytest.raises(SystemExit, match="a gap in time 2 frames before the end"):
        run(tmp_path / "f.npz")


def test_a_gap_before_the_end_is_told(tmp_path, generator, use, run):
    times = [*range(10), 50, 51]
    np.savez(tmp_path / "f.npz", rain=generator.normal(size=(12, 5, 7)), time=times)
    use((5, 7, 1), axes="tyx")
    with pytest.raises(SystemExit, match="a gap in time 2 frames before the end"):
        run(tmp_path / "f.npz")
