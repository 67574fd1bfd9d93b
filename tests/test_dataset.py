"""Windows, batches, statistics: pure functions of the data, the seed and the step."""

import numpy as np
import pytest

from adr_jax.data.dataset import Dataset
from adr_jax.data.statistics import Statistics
from adr_jax.data.windows import Windows, prefetch, read_batch, window_numbers
from adr_jax.errors import InputError


class Counting:
    """Three trajectories of seven frames whose numbers say where they come from."""

    frame_shape = (2, 3, 2)
    lengths = (7, 7, 7)

    def read(self, index, start, stop):
        frames = 100 * index + np.arange(start, stop, dtype=np.float32)
        return np.broadcast_to(
            frames[:, None, None, None], (stop - start, *self.frame_shape)
        )


@pytest.fixture
def dataset():
    splits = {"train": [0, 2], "validation": [1], "test": []}
    return Dataset(
        name="counting",
        trajectories=Counting(),
        splits={name: np.array(of, int) for name, of in splits.items()},
        states={},
        split_name="by hand",
        fingerprint="",
        channels=("a", "b"),
    )


def test_windows_cover_the_split_and_nothing_else(dataset):
    windows = Windows(dataset, "train", length=5)
    firsts = [window[0, 0, 0, 0] for window in map(windows.__getitem__, range(6))]
    assert len(windows) == 6
    assert firsts == [0, 1, 2, 200, 201, 202]
    assert windows[5][:, 1, 2, 1].tolist() == [202, 203, 204, 205, 206]


def test_stride_skips_starts(dataset):
    windows = Windows(dataset, "train", length=3, stride=2)
    starts = [windows[number][0, 0, 0, 0] for number in range(len(windows))]
    assert starts == [0, 2, 4, 200, 202, 204]


def test_a_window_longer_than_the_trajectory_is_refused(dataset):
    with pytest.raises(InputError, match="8 frames does not fit .* which have 7"):
        Windows(dataset, "train", length=8)


def test_an_empty_split_is_refused(dataset):
    with pytest.raises(InputError, match="test split of counting .* is empty"):
        Windows(dataset, "test", length=3)


def test_every_window_comes_once_in_an_epoch_whatever_the_batch_size():
    for batch_size in (1, 3, 4, 7, 30):
        numbers = np.concatenate(
            [window_numbers(5, step, batch_size, 10) for step in range(30)]
        )
        for epoch in range(len(numbers) // 10):
            assert sorted(numbers[10 * epoch : 10 * epoch + 10]) == list(range(10))


def test_batch_order_depends_on_seed_and_epoch():
    first, second = window_numbers(0, 0, 20, 20), window_numbers(0, 1, 20, 20)
    assert first.tolist() != second.tolist()
    assert first.tolist() != window_numbers(1, 0, 20, 20).tolist()
    assert first.tolist() == window_numbers(0, 0, 20, 20).tolist()


def test_a_batch_is_a_function_of_seed_and_step(dataset):
    windows = Windows(dataset, "train", length=4)
    batch = read_batch(windows, 3, 11, batch_size=5)
    again = read_batch(windows, 3, 11, batch_size=5)
    np.testing.assert_array_equal(batch.frames, again.frames)
    assert batch.frames.shape == (5, 4, 2, 3, 2)
    assert batch.row.tolist() == [0, 1, 2, 3, 4]


def test_prefetch_keeps_the_order_and_reports_errors():
    assert list(prefetch(lambda step: step * step, range(3, 7))) == [9, 16, 25, 36]
    assert list(prefetch(lambda step: step, range(0))) == []

    def fails_at_five(step):
        if step == 5:
            raise InputError("frame 5 is damaged")
        return step

    with pytest.raises(InputError, match="frame 5"):
        list(prefetch(fails_at_five, range(3, 7)))


def test_statistics_are_those_of_the_training_split_alone(dataset):
    statistics = Statistics.of(dataset)
    values = np.concatenate([np.arange(7.0), 200 + np.arange(7.0)])
    assert statistics.mean == pytest.approx([values.mean()] * 2)
    # Sums of squares in float64 lose 1e-12 here.
    assert statistics.std == pytest.approx([values.std()] * 2, rel=1e-9)
    assert statistics.first_difference == pytest.approx([1 / values.std()] * 2)
    # A line has no second difference: the scale stays usable.
    assert statistics.second_difference == (1.0, 1.0)


def test_a_constant_channel_is_not_divided_by_zero(dataset):
    class Constant(Counting):
        def read(self, index, start, stop):
            return np.full((stop - start, *self.frame_shape), 5.0, np.float32)

    constant = Dataset(**{**vars(dataset), "trajectories": Constant()})
    statistics = Statistics.of(constant)
    assert statistics.mean == (5.0, 5.0)
    assert statistics.std == statistics.first_difference == (1.0, 1.0)
