"""Moving MNIST: two handwritten digits that bounce off the walls of a square.

64 x 64 cells, 20 frames, 10 in and 10 out. A digit moves straight at 3.6 cells per
frame, in a random direction, and turns back at walls; its place is cut to whole cells,
and where digits overlap the brighter counts. Source: Srivastava, Mansimov and
Salakhutdinov, "Unsupervised Learning of Video Representations using LSTMs",
arXiv 1502.04681.

No sequences are stored: each is a pure function of a seed, made when it is read. For
test, the standard 10,000 are used where `mnist_test_seq.npy` (819 MB) lies in the data
root; `python -m adr_jax data download moving_mnist` fetches it, and MNIST's digits.
"""

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, UInt8
from ml_collections import ConfigDict

from adr_jax.data.contract import SPLITS, Dataset, data_file, numbered
from adr_jax.data.moving_mnist import digits
from adr_jax.errors import InputError

SPLIT_NAMES = ("distinct", "all")
FIELDS = ("path", "trajectories", "cells")
TEST_FILE = "mnist_test_seq.npy"
CELLS, FRAMES, DIGITS = 64, 20, 2
# How far the corner of a digit can move along an axis, and how far it does in a frame.
ROOM = CELLS - digits.SIZE
SPEED = 0.1 * ROOM
# Sequences made for validation, and for test where its file is missing.
VALIDATION, TEST = 100, 500


def corners(
    generator: np.random.Generator, speed: float = SPEED
) -> Float[np.ndarray, "20 2 2"]:
    """The corner of each digit, in cells: (frame, digit, axis), between 0 and ROOM.

    `speed` is in cells a frame. A digit that would pass a wall stops there, and comes
    back at its old speed.
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
    """Two digits of the pool in motion; the seed says which, and where."""
    generator = np.random.default_rng(seed)
    chosen = pool[generator.integers(len(pool), size=DIGITS)]
    frames = np.zeros((FRAMES, CELLS, CELLS), np.uint8)
    path = corners(generator, speed).astype(int)
    for frame, places in zip(frames, path, strict=True):
        for digit, (row, column) in zip(chosen, places, strict=True):
            covered = frame[row : row + digits.SIZE, column : column + digits.SIZE]
            np.maximum(covered, digit, out=covered)
    return frames


@dataclasses.dataclass(frozen=True)
class Made:
    """`count` sequences of digits of one pool; number n has the seed (stream, n)."""

    pool: np.ndarray
    stream: int
    count: int
    speed: float = SPEED

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> np.ndarray:
        return sequence(self.pool, (self.stream, number), self.speed)


# Gives (20, 64, 64) bytes by number.
Source = Made | np.ndarray


class MovingDigits:
    """Sequences by their places in a source (`dataset.Trajectories`), 0 to 1."""

    frame_shape = (CELLS, CELLS, 1)

    def __init__(self, places: Sequence[tuple[Source, int]]):
        self._places = places
        self.lengths = [FRAMES] * len(places)

    def read(self, index: int, start: int, stop: int) -> np.ndarray:
        """Frames `start` to `stop` of a sequence."""
        source, number = self._places[index]
        return source[number][start:stop, ..., None] / np.float32(255)


def prepare(config: ConfigDict) -> None:
    """Makes nothing: sequences are made when they are read."""


def load(config: ConfigDict) -> Dataset:
    """The sequences of each split, `data.trajectories` of them for training.

    Splits: "distinct", no digit in two of them, see `digits.pools`; test is the file in
    data.path, or `mnist_test_seq.npy`, if that lies in the root. "all": the file in
    data.path is test, and nothing else is needed.

    Raises:
      InputError: the digits or the file are absent or damaged, or data.cells is not 64.
    """
    if config.cells != CELLS:
        raise InputError(
            f"config.data.cells is {config.cells}; Moving MNIST has {CELLS}: set "
            f"config.data.cells={CELLS}"
        )
    sources = _sources(config)
    places, splits = numbered(
        {
            split: [(source, number) for number in range(len(source))]
            for split, source in sources.items()
        }
    )
    counts = {split: len(source) for split, source in sources.items()}
    digest = hashlib.sha256(str(counts).encode())
    for source in sources.values():
        content = source.pool if isinstance(source, Made) else source[:, 0]
        digest.update(content.tobytes())
    return Dataset(
        name="moving_mnist",
        trajectories=MovingDigits(places),
        splits=splits,
        states=counts,
        split_name=config.split,
        fingerprint=digest.hexdigest()[:16],
        channels=("brightness",),
        metrics=("mse_sum", "mae_sum", "ssim", "psnr"),
        data_range=(0.0, 1.0),
    )


def _sources(config: ConfigDict) -> Mapping[str, Source]:
    """Each split's sequences."""
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
    made = {
        split: Made(pools[split], stream, counts[split])
        for stream, split in enumerate(SPLITS)
    }
    return made if test is None else {**made, "test": test}


def _standard(path: pathlib.Path) -> np.ndarray:
    """The sequences of a file in the layout of the standard one, sequences first."""
    try:
        frames = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a readable .npy file ({error}); move it away, and fetch the "
            "public one by `python -m adr_jax data download moving_mnist`"
        ) from error
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
