"""The choice of example forecasts, and their content."""

import numpy as np
import pytest
from etils import epath

from adr_jax.data.contract import Dataset
from adr_jax.evaluation import protocols
from adr_jax.evaluation.metrics.spectra import radial_spectrum
from adr_jax.evaluation.report import collecting, examples, pictures


class Frames:
    """Trajectories of random frames, a function of the index."""

    def __init__(self, lengths, frame_shape, hole=False, whole=False):
        self.lengths, self.frame_shape = lengths, frame_shape
        self.hole, self.whole = hole, whole

    def read(self, index, start, stop):
        rng = np.random.default_rng(index)
        shape = (self.lengths[index], *self.frame_shape)
        frames = rng.uniform(0, 1, shape)
        frames = np.rint(2 * frames) if self.whole else frames
        if self.hole:
            frames[:, :2] = np.nan
        return frames[start:stop].astype(np.float32)


def make_dataset(
    frame_shape=(8, 6, 1), metrics=("rmse",), channels=None, classes=(), **options
):
    lengths = [9] * 5
    return Dataset(
        name="random",
        trajectories=Frames(lengths, frame_shape, **options),
        splits={"test": np.arange(5)},
        states={},
        split_name="by hand",
        fingerprint="",
        channels=channels or tuple(f"c{n}" for n in range(frame_shape[-1])),
        classes=classes,
        metrics=metrics,
        data_range=(0.0, 2.0),
    )


class Model:
    """Persistence plus the last cell of the last frame.

    In both blocks the displacement of the first group is the last frame, and that of
    the second group twice the last frame.
    """

    moves = True

    def __init__(self):
        self.batches = []

    def forecast(self, frames, steps):
        self.batches.append(len(frames))
        last = frames[:, -1:]
        off = np.nan_to_num(last.reshape(len(last), -1)[:, -1])
        off = off.reshape(-1, *(1,) * (frames.ndim - 1))
        return np.repeat(np.nan_to_num(last) + off, steps, axis=1)

    def displacement(self, frames):
        by_block = self.block_displacements(frames)
        return None if by_block is None else by_block.mean(axis=-2).sum(axis=1)

    def block_displacements(self, frames):
        if not self.moves:
            return None
        last = frames[:, -1, ..., :1]
        axes = last.ndim - 2
        group = np.repeat(last[..., None], axes, axis=-1)
        groups = np.concatenate([group, 2 * group], axis=-2)
        return np.stack([groups, groups], axis=1)

    def shares(self, frames):
        if not self.moves:
            return None
        return np.tile([[0.5, 0.2, 0.3], [0.1, 0.2, 0.7]], (len(frames), 1, 1))


def collect(dataset, model=None, history=2, batch_size=2, names=("one_step",)):
    model = model or Model()
    scores = protocols.score(
        model.forecast,
        dataset,
        names,
        model_history=history,
        batch_size=batch_size,
    )
    stored = collecting.collect(
        model, dataset, scores, model_history=history, batch_size=batch_size
    )
    return stored, scores


@pytest.fixture
def long_protocol(monkeypatch):
    """Two frames in, seven out, a window of each trajectory."""
    protocol = protocols.Protocol(history=2, horizon=7, stride=0)
    monkeypatch.setitem(protocols.PROTOCOLS, "long", protocol)
    return ("one_step", "long")


@pytest.mark.slow
def test_median_best_and_worst_window_of_the_longest_horizon_are_stored(long_protocol):
    dataset = make_dataset()
    stored, scores = collect(dataset, names=long_protocol)
    assert (stored.protocol, stored.total, stored.metric) == ("long", 5, "rmse")
    windows = protocols.PROTOCOLS["long"].windows(dataset, "test", 2)
    frames = windows.read(np.arange(5))
    forecast = Model().forecast(frames[:, :2], 7)
    errors = np.sqrt(np.mean(np.square(forecast - frames[:, 2:]), axis=(2, 3, 4)))
    order = np.argsort(errors.mean(axis=1)).tolist()
    assert scores["long"]["best_median_worst"] == [order[0], order[2], order[4]]
    roles = dict(zip(stored.windows.tolist(), stored.roles, strict=True))
    assert stored.windows[:3].tolist() == [order[2], order[0], order[4]]
    for window, role in ((order[2], "median"), (order[0], "best"), (order[4], "worst")):
        assert role in roles[window].split(", ")
    assert "first" in roles[0]
    np.testing.assert_allclose(stored.scores, errors.mean(1)[stored.windows], rtol=1e-6)
    np.testing.assert_allclose(stored.scores_at, errors[stored.windows], rtol=1e-6)
    assert stored.steps.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_pictures_are_the_frames(long_protocol):
    dataset = make_dataset()
    stored, _ = collect(dataset, names=long_protocol)
    frames = (
        protocols.PROTOCOLS["long"].windows(dataset, "test", 2).read(stored.windows)
    )
    target, forecast = frames[:, 2:], Model().forecast(frames[:, :2], 7)
    # Values are rounded to 4096 shades of a range of at most 1.
    for row, expected in enumerate((target, forecast, forecast - target)):
        atol = 2 / pictures.SHADES
        np.testing.assert_allclose(stored.pictures[:, row], expected, rtol=0, atol=atol)
    np.testing.assert_allclose(stored.ground, frames[0, 1, ..., 0], rtol=0, atol=1e-3)
    spectrum = radial_spectrum(target[:, [0, 3, 6]].astype(float)).mean(axis=0)
    np.testing.assert_allclose(stored.spectra[0], spectrum, rtol=1e-6)
    assert stored.spectra_steps.tolist() == [1, 4, 7]


def test_motion_is_that_before_each_step(long_protocol, monkeypatch):
    monkeypatch.setattr(collecting, "ARROWS", 4)
    dataset = make_dataset()
    stored, _ = collect(dataset, names=long_protocol)
    assert stored.spacing == 2  # 8 rows, 4 arrows
    frames = (
        protocols.PROTOCOLS["long"].windows(dataset, "test", 2).read(stored.windows)
    )
    # Groups u and 2 u with mean 1.5 u, in two blocks: 3 u in total.
    seen = frames[:, 1:-1, 1::2, 1::2, 0]
    np.testing.assert_allclose(stored.net_motion[..., 0], 3 * seen, rtol=1e-6)
    np.testing.assert_allclose(stored.motion[1, :, :, 1, 0], 2 * seen[0, 0], rtol=1e-6)
    shares = [[0.5, 0.2, 0.3], [0.1, 0.2, 0.7]]
    np.testing.assert_allclose(stored.shares, shares, rtol=1e-12)  # means of equals


def test_batches_are_as_large_as_those_of_the_scores():
    model = Model()
    collect(make_dataset(), model, batch_size=4)
    # Seven windows of each of five trajectories make batches of four and three. The
    # last batch is that of the stored windows.
    assert set(model.batches[:-1]) == {4, 3}
    assert model.batches[-1] == 4


def test_a_forecast_of_nan_is_the_worst():
    class Broken(Model):
        def forecast(self, frames, steps):
            ahead = super().forecast(frames, steps)
            lost = frames[:, -1, 0, 0, 0] > 0.95
            ahead[lost] = np.nan
            return ahead

    stored, _ = collect(make_dataset(), Broken())
    worst = ["worst" in role for role in stored.roles].index(True)
    assert np.isnan(stored.scores[worst])
    assert np.isnan(stored.pictures[worst, 1:]).all()


def test_a_single_window_is_called_only(long_protocol):
    dataset = make_dataset()
    dataset.splits["test"] = np.array([3])
    stored, _ = collect(dataset, names=long_protocol)
    assert stored.roles == ("only",) and stored.windows.tolist() == [0]


def test_without_transport_nothing_moves():
    model = Model()
    model.moves = False
    stored, _ = collect(make_dataset(), model)
    assert stored.net_motion is stored.motion is stored.shares is None
    assert stored.pictures is not None


@pytest.mark.slow
@pytest.mark.parametrize("space", [(12,), (4, 3, 5)], ids=["1-D", "3-D"])
def test_other_dimensions_have_scores_and_spectra(space):
    stored, _ = collect(make_dataset((*space, 1)))
    assert stored.pictures is None and stored.motion is None
    assert stored.space == space
    assert np.isfinite(stored.spectra).all() and stored.shares is not None


def test_missing_cells_stay_missing():
    stored, _ = collect(make_dataset(hole=True))
    assert np.isnan(stored.pictures[:, [0, 2], :, :2]).all()
    assert np.isfinite(stored.pictures[:, 1]).all()
    assert np.isfinite(stored.pictures[:, :, :, 2:]).all()
    assert np.isnan(stored.spectra[0]).all()


def test_labels_and_scores_of_classes_are_shown_as_labels():
    classes = ("clear", "low", "high")
    of_labels = make_dataset(
        metrics=("accuracy",), channels=("class",), classes=classes, whole=True
    )
    stored, _ = collect(of_labels)
    assert stored.kind == "classes" and stored.classes == classes
    assert set(np.unique(stored.pictures[:, :2])) <= {0.0, 1.0, 2.0}
    wrong = stored.pictures[:, 0] != stored.pictures[:, 1]
    np.testing.assert_array_equal(stored.pictures[:, 2], wrong)
    assert stored.spectra is None
    by_channel = make_dataset((8, 6, 3), ("accuracy",), classes, classes)
    stored, _ = collect(by_channel)
    assert stored.classes == classes
    assert stored.pictures.shape[-1] == 1
    frames = protocols.PROTOCOLS["one_step"].windows(by_channel, "test", 2)
    expected = frames.read(stored.windows)[:, 2:].argmax(axis=-1)
    np.testing.assert_array_equal(stored.pictures[:, 0, ..., 0], expected)


def test_colours_are_colours():
    stored, _ = collect(make_dataset((8, 6, 3), channels=("red", "green", "blue")))
    assert stored.kind == "colour" and stored.pictures.shape[-1] == 3


def test_large_grids_are_averaged_over_observed_cells(monkeypatch):
    monkeypatch.setattr(pictures, "SIDE", 4)
    target = np.arange(2.0 * 9).reshape(1, 1, 9, 2, 1)
    target[0, 0, :3, 0] = np.nan  # the left half of the first square is missing
    target[0, 0, 3:6] = np.nan
    made = pictures.pictures(target, np.nan_to_num(target) + 1, "field")
    assert made.shape == (1, 3, 1, 3, 1, 1)
    assert made[0, 0, 0, 0, 0, 0] == pytest.approx((1 + 3 + 5) / 3, abs=0.01)
    assert np.isnan(made[0, 0, 0, 1, 0, 0]) and np.isfinite(made[0, 1]).all()
    assert made[0, 2, 0, 2, 0, 0] == pytest.approx(1.0, abs=1e-3)


def test_rounding_is_by_the_range_of_each_variable():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1, 1, 8, 8, 2)) * [1.0, 1e-5] + [1e5, 0.0]
    made = pictures.pictures(values, values + [1e-3, 1e-9], "field")
    ranges = np.ptp(values, axis=(0, 1, 2, 3))
    for row, expected in ((0, values), (2, [1e-3, 1e-9])):
        off = np.abs(made[:, row] - expected).max(axis=(0, 1, 2, 3))
        # Half a shade; float32 has 1e5 to within 4e-3.
        assert (off <= ranges / pictures.SHADES + [4e-3, 0]).all()


def test_examples_are_read_as_written(tmp_path, long_protocol):
    stored, _ = collect(make_dataset(), names=long_protocol)
    path = epath.Path(tmp_path) / "figures" / "samples.npz"
    stored.write(path)
    again = examples.read(path)
    for name, value in vars(stored).items():
        other = getattr(again, name)
        assert type(other) is type(value), name
        np.testing.assert_array_equal(other, value)
    assert [file.name for file in path.parent.iterdir()] == ["samples.npz"]
    assert examples.read(path.with_name("absent.npz")) is None
