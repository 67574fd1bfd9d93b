"""Moving MNIST: digits that keep their speed and their walls, made from seeds."""

import numpy as np
import pytest

from adr_jax.data.contract import SPLITS
from adr_jax.data.moving_mnist import digits
from adr_jax.data.moving_mnist import source as moving_mnist
from adr_jax.errors import InputError
from configs import base


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Return the data section of a root without files; fifteen digits are made."""
    images = np.random.default_rng(0).integers(1, 256, (15, 28, 28), np.uint8)
    pools = {split: images[k::3] for k, split in enumerate(SPLITS)}
    monkeypatch.setattr(digits, "pools", lambda root: pools)
    config = base.get_config().data
    config.update(root=str(tmp_path), cells=64, trajectories=30)
    return config


def write_test_file(path, shape=(20, 3, 64, 64), dtype=np.uint8):
    frames = np.random.default_rng(1).integers(0, 256, shape).astype(dtype)
    np.save(path, frames)
    return frames


def paths():
    """Return the corners of 100 sequences, (sequence, frame, digit, axis)."""
    return np.stack(
        [moving_mnist.corners(np.random.default_rng(seed)) for seed in range(100)]
    )


def test_digits_stay_inside():
    corners = paths()
    assert corners.min() >= 0
    assert corners.max() <= 64 - 28
    # Only a test if walls are met, all four of them.
    assert np.all(corners.min(axis=(0, 1, 2)) == 0)
    assert np.all(corners.max(axis=(0, 1, 2)) == 64 - 28)


def test_away_from_walls_digits_move_straight_at_3_6_cells_per_frame():
    corners = paths()
    moves = np.diff(corners, axis=1)
    free = np.all((corners > 0) & (corners < 64 - 28), axis=-1)
    free = free[:, 1:] & free[:, :-1]
    speeds = np.hypot(*np.moveaxis(moves, -1, 0))
    # Rounding of positions up to 36.
    np.testing.assert_allclose(speeds[free], 3.6, rtol=1e-12)
    straight = free[:, 1:] & free[:, :-1]
    turns = np.abs(np.diff(moves, axis=1)).max(axis=-1)
    assert turns[straight].max() < 1e-12
    angles = np.arctan2(*np.moveaxis(moves, -1, 0))[:, 0]
    # Random directions: each quarter of the circle has some of 200.
    assert np.histogram(angles, bins=4, range=(-np.pi, np.pi))[0].min() > 20


def test_walls_turn_the_motion_across_them_and_nothing_else():
    corners = paths()
    moves = np.diff(corners, axis=1)
    at_wall = (corners == 0) | (corners == 64 - 28)
    turned = moves[:, 1:] * moves[:, :-1] < 0
    np.testing.assert_array_equal(turned, at_wall[:, 1:-1])
    # Moves that no wall cuts short are of one size along each axis, to rounding.
    sizes = np.abs(moves)
    largest = np.broadcast_to(sizes.max(axis=1, keepdims=True), sizes.shape)
    whole = ~at_wall[:, 1:]
    np.testing.assert_allclose(sizes[whole], largest[whole], atol=1e-12)


def test_frames_are_the_brighter_of_both_digits_and_black_elsewhere(monkeypatch):
    positions = np.zeros((20, 2, 2))
    positions[:, 0] = (3.9, 5.2)  # cut to 3 and 5
    positions[:, 1] = (10, 20)
    monkeypatch.setattr(moving_mnist, "corners", lambda generator, speed: positions)
    pool = np.random.default_rng(0).integers(1, 256, (1, 28, 28), np.uint8)
    frames = moving_mnist.sequence(pool, (0,))
    expected = np.zeros((64, 64), np.uint8)
    expected[3:31, 5:33] = pool[0]
    expected[10:38, 20:48] = np.maximum(expected[10:38, 20:48], pool[0])
    np.testing.assert_array_equal(frames, np.broadcast_to(expected, (20, 64, 64)))


def test_a_sequence_is_a_function_of_its_split_and_number(data):
    first, again = moving_mnist.load(data), moving_mnist.load(data)
    starts = set()
    for split in SPLITS:
        for index in first.splits[split]:
            frames = first.trajectories.read(int(index), 0, 20)
            starts.add(frames[0].tobytes())
        np.testing.assert_array_equal(frames, again.trajectories.read(index, 0, 20))
    # No state in two splits, none repeated in one, and other motion in each.
    assert len(starts) == sum(first.states.values()) == 30 + 100 + 500
    pool = digits.pools("")["test"]
    moved = [moving_mnist.Generated(pool, stream, 9)[4] for stream in range(3)]
    assert len({frames.tobytes() for frames in moved}) == 3
    data.trajectories = 7
    fewer = moving_mnist.load(data)
    for split in SPLITS:
        indices = int(first.splits[split][3]), int(fewer.splits[split][3])
        np.testing.assert_array_equal(
            first.trajectories.read(indices[0], 0, 20),
            fewer.trajectories.read(indices[1], 0, 20),
        )


def test_splits_have_the_digits_of_their_pools(data):
    dataset = moving_mnist.load(data)
    pools = digits.pools("")
    for split in SPLITS:
        shown = {int(image.max()) for image in pools[split]}
        frames = dataset.trajectories.read(int(dataset.splits[split][0]), 0, 20)
        assert int(frames.max() * 255 + 0.5) in shown


def test_frames_are_bytes_over_255(data):
    dataset = moving_mnist.load(data)
    frames = dataset.trajectories.read(0, 4, 9)
    assert frames.shape == (5, 64, 64, 1)
    assert frames.dtype == np.float32
    made = moving_mnist.sequence(digits.pools("")["train"], (0, 0))
    np.testing.assert_array_equal(frames[..., 0], made[4:9] / np.float32(255))
    assert dataset.data_range == (0.0, 1.0)


def test_the_standard_file_is_the_test_split_where_it_lies_in_the_root(data, tmp_path):
    made = moving_mnist.load(data)
    frames = write_test_file(tmp_path / "mnist_test_seq.npy")
    dataset = moving_mnist.load(data)
    assert dataset.states == {"train": 30, "validation": 100, "test": 3}
    for position, index in enumerate(dataset.splits["test"]):
        np.testing.assert_array_equal(
            dataset.trajectories.read(int(index), 10, 20)[..., 0],
            frames[10:, position] / np.float32(255),
        )
    np.testing.assert_array_equal(
        dataset.trajectories.read(7, 0, 20), made.trajectories.read(7, 0, 20)
    )
    assert dataset.fingerprint != made.fingerprint


def test_a_named_file_alone_can_be_scored(data, tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "pools", None)  # not asked for
    write_test_file(tmp_path / "mine.npy", (20, 5, 64, 64))
    data.update(path="mine.npy", split="all")
    dataset = moving_mnist.load(data)
    assert {name: len(indices) for name, indices in dataset.splits.items()} == {
        "train": 0,
        "validation": 0,
        "test": 5,
    }
    data.path = ""
    with pytest.raises(InputError, match="name it in data.path"):
        moving_mnist.load(data)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((3, 20, 64, 64), np.uint8),  # sequences first
        ((20, 3, 32, 32), np.uint8),
        ((20, 64, 64), np.uint8),
        ((20, 3, 64, 64), np.float32),
    ],
    ids=str,
)
def test_a_test_file_of_another_layout_is_refused(data, tmp_path, shape, dtype):
    write_test_file(tmp_path / "mnist_test_seq.npy", shape, dtype)
    with pytest.raises(InputError, match=r"expected uint8, \(20, sequences, 64, 64\)"):
        moving_mnist.load(data)


def test_a_test_file_that_is_none_is_refused(data, tmp_path):
    path = tmp_path / "mnist_test_seq.npy"
    write_test_file(path)
    content = path.read_bytes()
    np.save(path, np.array([{}]), allow_pickle=True)
    for damaged in (content[:-1], content[:40], b"", b"PK\x03\x04", path.read_bytes()):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="seq.npy cannot be read .*move it away"):
            moving_mnist.load(data)
    data.path = "absent.npy"
    with pytest.raises(InputError, match="absent.npy cannot be read"):
        moving_mnist.load(data)


def test_another_size_is_refused(data):
    data.cells = 128
    with pytest.raises(InputError, match="config.data.cells=64"):
        moving_mnist.load(data)


def test_the_fingerprint_follows_the_digits(data, monkeypatch):
    before = moving_mnist.load(data)
    assert moving_mnist.load(data).fingerprint == before.fingerprint
    pools = {name: pool.copy() for name, pool in digits.pools("").items()}
    pools["validation"][0, 3, 3] ^= 1
    monkeypatch.setattr(digits, "pools", lambda root: pools)
    assert moving_mnist.load(data).fingerprint != before.fingerprint
