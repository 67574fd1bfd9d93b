"""Moving MNIST: two handwritten digits that bounce off the walls of a square.

64 x 64 cells, 20 frames, 10 in and 10 out. A digit moves straight at 3.6 cells a frame,
in a random direction, and turns back at walls. Its position is cut to whole cells;
where digits overlap the brighter one shows. Source: Srivastava, Mansimov and
Salakhutdinov, "Unsupervised Learning of Video Representations using LSTMs",
arXiv 1502.04681.

No sequences are stored: each is a pure function of a seed, made when it is read. Test
uses the standard 10,000 where `mnist_test_seq.npy` (819 MB) lies in the data root.
`python -m adr_jax data download moving_mnist` fetches it and MNIST's digits.
"""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, UInt8

from adr_jax.data.contract import (
    SPLITS,
    Dataset,
    Segments,
    Source,
    data_file,
    merge_splits,
)
from adr_jax.data.files.fingerprint import fingerprint
from adr_jax.data.files.reading import reading
from adr_jax.data.moving_mnist import digits
from adr_jax.errors import InputError
from adr_jax.options import DataOptions

TEST_FILE = "mnist_test_seq.npy"
CELLS, FRAMES, DIGITS = 64, 20, 2
# Cells that the corner of a digit can move along an axis, and that it moves in a frame.
ROOM = CELLS - digits.SIZE
SPEED = 0.1 * ROOM
# Sequences made for validation, and for test where its file is missing.
VALIDATION, TEST = 100, 500


def corners(
    generator: np.random.Generator, speed: float = SPEED
) -> Float[np.ndarray, "20 2 2"]:
    """Return the corner of each digit, (frame, digit, axis), in cells from 0 to ROOM.

    `speed` is in cells a frame. A digit that would pass a wall stops there and returns
    at the same speed.
    """
    position = generator.uniform(0, ROOM, (DIGITS, 2))
    angle = generator.uniform(0, 2 * np.pi, DIGITS)
    velocity = speed * np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    path = np.empty((FRAMES, DIGITS, 2))
    for frame in range(FRAMES):
        path[frame] = position
        ahead = position + velocity
        position = np.clip(ahead, 0, ROOM)
        velocity = np.where(position == ahead, velocity, -velocity)
    return path


def sequence(
    pool: UInt8[np.ndarray, "digits 28 28"],
    seed: tuple[int, ...],
    speed: float = SPEED,
) -> UInt8[np.ndarray, "20 64 64"]:
    """Return two moving digits; the seed draws them from the pool, and their path."""
    generator = np.random.default_rng(seed)
    chosen = pool[generator.integers(len(pool), size=DIGITS)]
    frames = np.zeros((FRAMES, CELLS, CELLS), np.uint8)
    path = corners(generator, speed).astype(int)
    for frame, positions in zip(frames, path, strict=True):
        for digit, (row, column) in zip(chosen, positions, strict=True):
            covered = frame[row : row + digits.SIZE, column : column + digits.SIZE]
            np.maximum(covered, digit, out=covered)
    return frames


@dataclasses.dataclass(frozen=True)
class Generated:
    """`count` sequences of digits of one pool; sequence n has the seed (stream, n)."""

    pool: np.ndarray
    stream: int
    count: int
    speed: float = SPEED

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        return sequence(self.pool, (self.stream, index), self.speed)


# Has (20, 64, 64) bytes at each index.
Sequences = Generated | np.ndarray


def load(config: DataOptions) -> Dataset:
    """Return the sequences of each split, `data.trajectories` of them to train.

    Splits:
      "distinct": no digit is in two splits, see `digits.pools`. Test is the file in
        data.path, or `mnist_test_seq.npy` where that lies in the root.
      "all": the file in data.path is test, and nothing else is needed.

    Raises:
      InputError: the digits or the file are absent or damaged, or data.cells is not 64.
    """
    if config.cells != CELLS:
        raise InputError(
            f"config.data.cells is {config.cells}; Moving MNIST has {CELLS}: set "
            f"config.data.cells={CELLS}"
        )
    parts = _parts(config)
    spans, splits = merge_splits(
        {
            split: [(sequences, index, 0, FRAMES) for index in range(len(sequences))]
            for split, sequences in parts.items()
        }
    )
    counts = {split: len(sequences) for split, sequences in parts.items()}
    contents = (
        sequences.pool if isinstance(sequences, Generated) else sequences[:, 0]
        for sequences in parts.values()
    )
    return Dataset(
        name="moving_mnist",
        trajectories=Segments(_read, spans, (CELLS, CELLS, 1)),
        splits=splits,
        states=counts,
        split_name=config.split,
        fingerprint=fingerprint([counts, *contents]),
        channels=("brightness",),
        metrics=("mse_sum", "mae_sum", "ssim", "psnr"),
        data_range=(0.0, 1.0),
    )


def _read(sequences: Sequences, index: int, start: int, stop: int) -> np.ndarray:
    """Return frames of one of the sequences, from 0 to 1."""
    return sequences[index][start:stop, ..., None] / np.float32(255)


def _parts(config: DataOptions) -> Mapping[str, Sequences]:
    """Return the sequences of each split."""
    file = data_file(config.root, config.path or TEST_FILE)
    test = _standard(file) if config.path or file.exists() else None
    if config.split == "all":
        if test is None:
            raise InputError(
                "data.split 'all' scores the sequences of a file: name it in data.path"
            )
        return {"train": test[:0], "validation": test[:0], "test": test}
    pools = digits.pools(config.root)
    counts = {"train": config.trajectories, "validation": VALIDATION, "test": TEST}
    parts = {
        split: Generated(pools[split], stream, counts[split])
        for stream, split in enumerate(SPLITS)
    }
    return parts if test is None else {**parts, "test": test}


def _standard(path: pathlib.Path) -> np.ndarray:
    """Return the sequences of a file in the layout of the standard one."""
    remedy = (
        "move it away, and fetch the public one by `python -m adr_jax data download "
        "moving_mnist`"
    )
    with reading(path, remedy):
        frames = np.lib.format.open_memmap(path, mode="r")
    if (
        frames.dtype != np.uint8
        or frames.ndim != 4
        or frames.shape[::2] != (FRAMES, CELLS)
        or frames.shape[3] != CELLS
    ):
        raise InputError(
            f"{path}: {frames.dtype} of shape {frames.shape}; expected uint8, "
            f"({FRAMES}, sequences, {CELLS}, {CELLS}), as mnist_test_seq.npy has it: "
            "write it anew in that layout"
        )
    return frames.swapaxes(0, 1)


SOURCE = Source(
    load,
    split_names=("distinct", "all"),
    fields=("path", "trajectories", "cells"),
    licence="generated by adr_jax from MNIST's digits, CC BY-SA 3.0",
    frame_shape=lambda config: (CELLS, CELLS, 1) if config.cells == CELLS else None,
)
