"""Windows, batches, statistics: pure functions of the data, the seed and the step."""

import ast
import dataclasses
import importlib
import pathlib

import numpy as np
import pytest

import adr_jax
from adr_jax import data
from adr_jax.data import normalisation
from adr_jax.data.batches import prefetch, read_batch, turn, window_indices
from adr_jax.data.contract import SPLITS, Dataset, merge_splits, split_in_time
from adr_jax.data.normalisation import Statistics
from adr_jax.data.windows import Windows, pad_rows
from adr_jax.errors import InputError
from configs import base

CONFIGS = sorted(pathlib.Path(base.__file__).parent.glob("[a-z]*.py"))


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
        splits={name: np.array(indices, int) for name, indices in splits.items()},
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
    starts = [windows[index][0, 0, 0, 0] for index in range(len(windows))]
    assert starts == [0, 2, 4, 200, 202, 204]


def test_a_window_longer_than_the_trajectory_is_refused(dataset):
    with pytest.raises(InputError, match="8 frames does not fit .* which have 7"):
        Windows(dataset, "train", length=8)


def test_an_empty_split_is_refused(dataset):
    with pytest.raises(InputError, match="test split of counting .* is empty"):
        Windows(dataset, "test", length=3)


def test_every_window_comes_once_in_an_epoch_whatever_the_batch_size():
    for batch_size in (1, 3, 4, 7, 30):
        indices = np.concatenate(
            [window_indices(5, step, batch_size, 10) for step in range(30)]
        )
        for epoch in range(len(indices) // 10):
            assert sorted(indices[10 * epoch : 10 * epoch + 10]) == list(range(10))


def test_batch_order_depends_on_seed_and_epoch():
    first, second = window_indices(0, 0, 20, 20), window_indices(0, 1, 20, 20)
    assert first.tolist() != second.tolist()
    assert first.tolist() != window_indices(1, 0, 20, 20).tolist()
    assert first.tolist() == window_indices(0, 0, 20, 20).tolist()


def test_a_batch_is_a_function_of_seed_and_step(dataset):
    windows = Windows(dataset, "train", length=4)
    batch = read_batch(windows, 3, 11, batch_size=5)
    again = read_batch(windows, 3, 11, batch_size=5)
    np.testing.assert_array_equal(batch.frames, again.frames)
    assert batch.frames.shape == (5, 4, 2, 3, 2)
    assert batch.row.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("rows", "padded"), [(1, 4), (3, 4), (4, 4), (5, 8)])
def test_rows_are_padded_with_the_last(rows, padded):
    array = np.arange(2 * rows).reshape(rows, 2)
    found = pad_rows(array, 4)
    assert found.shape == (padded, 2) and found.dtype == array.dtype
    np.testing.assert_array_equal(found[:rows], array)
    np.testing.assert_array_equal(found[rows:], np.tile(array[-1], (padded - rows, 1)))


def test_prefetch_keeps_the_order_and_reports_errors():
    assert list(prefetch(lambda step: step * step, range(3, 7))) == [9, 16, 25, 36]
    assert list(prefetch(lambda step: step, range(0))) == []

    def fails_at_five(step):
        if step == 5:
            raise InputError("frame 5 is damaged")
        return step

    with pytest.raises(InputError, match="frame 5"):
        list(prefetch(fails_at_five, range(3, 7)))


def test_each_process_reads_its_rows_of_the_same_batch(dataset):
    windows = Windows(dataset, "train", length=4)
    whole = read_batch(windows, 3, 11, batch_size=6)
    for rows in (slice(0, 3), slice(1, 6, 2)):
        part = read_batch(windows, 3, 11, batch_size=6, rows=rows)
        np.testing.assert_array_equal(part.frames, whole.frames[rows])
        assert part.row.tolist() == list(range(6))[rows]


def test_a_frame_at_a_drawn_lead_follows_the_history(dataset):
    windows = Windows(dataset, "train", length=4)  # three frames and the next
    batch = read_batch(windows, 3, 11, batch_size=40, longest_lead=3)
    assert batch.frames.shape == (40, 4, 2, 3, 2)
    first, second, third, ahead = batch.frames[:, :, 0, 0, 0].T  # they are numbered
    np.testing.assert_array_equal(second, first + 1)
    np.testing.assert_array_equal(third, first + 2)
    np.testing.assert_array_equal(ahead, third + batch.lead)
    # Trajectories have seven frames: none is read beyond its end.
    farthest = np.minimum(3, 6 - third % 100)
    assert (batch.lead >= 1).all() and (batch.lead <= farthest).all()
    assert set(batch.lead) == {1, 2, 3}


def test_a_whole_window_has_all_frames_to_the_longest_lead(dataset):
    windows = Windows(dataset, "train", length=6)  # three frames and three leads
    batch = read_batch(windows, 3, 11, batch_size=40, longest_lead=3, whole=True)
    first = batch.frames[:, :1, 0, 0, 0]
    numbers = batch.frames[:, :, 0, 0, 0]
    np.testing.assert_array_equal(numbers, first + np.arange(6))
    assert set(batch.lead) == {1, 2, 3}


def test_leads_are_a_function_of_seed_step_and_row(dataset):
    windows = Windows(dataset, "train", length=4)
    drawing = {"batch_size": 6, "longest_lead": 3}
    whole = read_batch(windows, 3, 11, **drawing)
    part = read_batch(windows, 3, 11, rows=slice(1, 6, 2), **drawing)
    np.testing.assert_array_equal(part.lead, whole.lead[1:6:2])
    np.testing.assert_array_equal(part.frames, whole.frames[1:6:2])
    other = read_batch(windows, 3, 12, **drawing)
    assert (other.lead != whole.lead).any()


def test_shorter_trajectories_give_fewer_windows_or_none(dataset):
    class Uneven(Counting):
        lengths = (5, 7, 3)

    uneven = Dataset(**{**vars(dataset), "trajectories": Uneven()})
    windows = Windows(uneven, "train", length=4)
    assert [windows[n][0, 0, 0, 0] for n in range(len(windows))] == [0, 1]
    with pytest.raises(InputError, match="6 frames does not .* which have 5"):
        Windows(uneven, "train", length=6)


def test_turning_takes_vectors_along(generator):
    # A field whose vector channels are the gradient of its first one stays that.
    height = generator.normal(size=(2, 8, 8))

    def with_gradient(height):
        slopes = [(np.roll(height, -1, k) - np.roll(height, 1, k)) / 2 for k in (1, 2)]
        return np.stack([height, *slopes], axis=-1)

    seen = set()
    for seed in range(40):
        out = turn(
            with_gradient(height), "rotations", [(1, 2)], np.random.default_rng(seed)
        )
        np.testing.assert_array_equal(out, with_gradient(out[..., 0]))
        seen.add(out[..., 0].tobytes())
    assert len(seen) == 8  # all the symmetries of the square


def test_flips_exchange_no_axes(generator):
    frames = generator.normal(size=(1, 2, 3, 1))
    for seed in range(10):
        out = turn(frames, "flips", [], np.random.default_rng(seed))
        assert out.shape == frames.shape


@pytest.mark.parametrize("name", data.NAMES)
def test_a_field_that_a_set_does_not_read_is_refused(name):
    """Those it reads are not: what it then says, if anything, is its own."""
    other = {"path": "x.h5", "trajectories": 3, "shape": "mixed", "cells": 24}
    other |= {"variable": "x", "axes": "tyx", "frames": 5}
    config = base.get_config().data
    config.name = name
    read = data.source(name).fields
    for field, value in other.items():
        config.update({field: value})
        if field not in read:
            message = rf"config.data.{field} is .* {name} does not read it, but .*leave"
            with pytest.raises(InputError, match=message):
                data.prepare(config)
            with pytest.raises(InputError, match=message):
                data.load(config)
            config.update({field: data.OPTIONAL[field]})


@pytest.mark.parametrize("name", data.NAMES)
def test_a_source_states_what_the_configuration_may_hold(name):
    source = data.source(name)
    assert source.split_names and source.licence
    assert set(source.fields) <= set(data.OPTIONAL)
    assert bool(source.shapes) == ("shape" in source.fields)


def test_no_other_wing_compares_the_name_of_a_data_set():
    package = pathlib.Path(adr_jax.__file__).parent
    wings = [p for p in package.rglob("*.py") if package / "data" not in p.parents]
    for path in wings:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                compared = {
                    getattr(leaf, "value", None)
                    for comparator in node.comparators
                    for leaf in ast.walk(comparator)
                    if isinstance(leaf, ast.Constant)
                }
                assert not compared & {*data.NAMES}, f"{path}:{node.lineno}"


def test_what_counts_as_not_set_is_what_the_base_has():
    fields = base.get_config().data
    assert {field: fields[field] for field in data.OPTIONAL} == data.OPTIONAL


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configurations_set_no_field_in_vain(path):
    config = importlib.import_module(f"configs.{path.stem}").get_config().data
    read = data.source(config.name).fields
    for field in {*data.OPTIONAL} - {*read}:
        assert config[field] == data.OPTIONAL[field], field


@pytest.mark.parametrize(
    ("name", "fields", "shape"),
    [
        ("shallow_water", {"cells": 24}, (24, 24, 1)),
        ("cloud_sample", {"cells": 24}, (24, 24, 1)),
        ("cloud_sample", {"cells": 24, "variable": "classes"}, (24, 24, 4)),
        ("cloudcast", {"cells": 24, "variable": "classes"}, (24, 24, 4)),
        ("moving_mnist", {"cells": 64}, (64, 64, 1)),
        ("kitti", {"split": "dmvfn"}, (256, 832, 3)),
        ("radar", {"crop": 24}, (24, 24, 1)),
        ("radar", {}, None),
        ("satellite", {}, None),
    ],
)
def test_the_options_say_the_shape_of_absent_frames(name, fields, shape, tmp_path):
    config = base.get_config().data
    config.update(name=name, root=str(tmp_path), **fields)
    if shape:
        assert data.frame_shape(config) == shape
    else:
        with pytest.raises(InputError, match="path is empty"):
            data.frame_shape(config)
    config.path = "absent.h5"
    with pytest.raises(InputError, match="absent.h5"):
        data.frame_shape(config)


def test_a_shape_that_cannot_be_is_no_shape_of_absent_frames(tmp_path):
    config = base.get_config().data
    config.update(name="moving_mnist", root=str(tmp_path), cells=24)
    with pytest.raises(InputError, match="Moving MNIST has 64"):
        data.frame_shape(config)


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


def test_shares_of_classes_are_at_unit_scale_as_they_are(dataset):
    of_classes = dataclasses.replace(dataset, classes=dataset.channels)
    assert of_classes.has_class_channels
    statistics = Statistics.of(of_classes)
    assert statistics.mean == (0.0, 0.0)
    assert statistics.std == (1.0, 1.0)
    assert statistics.first_difference == (1.0, 1.0)  # from frame to frame


def test_statistics_leave_missing_cells_out(dataset):
    class Gappy(Counting):
        def read(self, index, start, stop):
            frames = np.array(super().read(index, start, stop))
            frames[:, 0, 0] = np.nan
            return frames

    gappy = Dataset(**{**vars(dataset), "trajectories": Gappy()})
    assert Statistics.of(gappy) == Statistics.of(dataset)


def test_statistics_of_long_trajectories_are_those_of_their_parts(dataset, monkeypatch):
    whole = Statistics.of(dataset)
    for chunk in (1, 2, 3):
        monkeypatch.setattr(normalisation, "CHUNK", chunk)
        # Sums in another order: float64.
        for name, values in vars(Statistics.of(dataset)).items():
            assert values == pytest.approx(vars(whole)[name], rel=1e-12), name


def test_statistics_of_a_huge_split_are_those_of_an_even_sample(dataset, monkeypatch):
    class Long(Counting):
        lengths = (10_000, 7, 30_000)
        looked_at = 0

        def read(self, index, start, stop):
            self.looked_at += stop - start
            return super().read(index, start, stop)

    long = dataclasses.replace(dataset, trajectories=Long())
    monkeypatch.setattr(normalisation, "CHUNK", 10)
    whole = Statistics.of(long)
    monkeypatch.setattr(normalisation, "VALUES", 2000 * 2 * 3 * 2)  # 2000 frames
    long.trajectories.looked_at = 0
    sample = Statistics.of(long)
    # And the two frames before each chunk, for differences.
    assert 2000 <= long.trajectories.looked_at <= 2000 * 1.2
    assert sample == Statistics.of(long)
    # One chunk of each 200 frames of a line: off by 100 of 30,000 frames at most.
    assert sample.mean == pytest.approx(whole.mean, rel=0.01)
    assert sample.std == pytest.approx(whole.std, rel=0.01)
    step, true_step = (
        each.first_difference[0] * each.std[0] for each in (sample, whole)
    )
    assert step == pytest.approx(true_step, rel=1e-9) == pytest.approx(1.0)


def test_frames_too_large_for_a_chunk_are_read_one_by_one(dataset, monkeypatch):
    lengths = []

    class Watched(Counting):
        def read(self, index, start, stop):
            lengths.append(stop - start)
            return super().read(index, start, stop)

    whole = Statistics.of(dataset)
    monkeypatch.setattr(normalisation, "CHUNK_VALUES", 5)
    watched = dataclasses.replace(dataset, trajectories=Watched())
    assert Statistics.of(watched).std == pytest.approx(whole.std, rel=1e-12)
    assert max(lengths) == 1 + 2  # with those before it


@pytest.mark.parametrize("frames", [10, 91, 92, 1000])
@pytest.mark.parametrize("gap", [0, 3])
def test_stretches_of_time_leave_out_their_gaps_and_nothing_else(frames, gap):
    spans = split_in_time(frames, (0.5, 0.3, 0.2), gap)
    assert (spans[0][0], spans[-1][1]) == (0, frames)
    assert [b[0] - a[1] for a, b in zip(spans[:-1], spans[1:], strict=True)] == [
        gap
    ] * 2
    for (start, stop), share in zip(spans, (0.5, 0.3, 0.2), strict=True):
        # Both ends are rounded.
        assert stop - start == pytest.approx(share * (frames - 2 * gap), abs=1)


def test_parts_are_merged_split_by_split():
    parts = {"test": ["e"], "train": ["a", "b", "c"], "validation": []}
    merged, indices = merge_splits(parts)
    assert merged == ["a", "b", "c", "e"]
    assert {split: indices[split].tolist() for split in SPLITS} == {
        "train": [0, 1, 2],
        "validation": [],
        "test": [3],
    }
