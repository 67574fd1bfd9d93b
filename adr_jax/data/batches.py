"""Training batches, a function of (seed, step), and what a network sees of them."""

import collections
import functools
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from adr_jax.data.missing import corrupt, fill_missing
from adr_jax.data.normalisation import Statistics
from adr_jax.data.windows import Windows
from adr_jax.options import DataOptions


class Batch(NamedTuple):
    """Training windows: frames (rows, length, *space, channels), physical units.

    A missing cell is NaN.
    """

    frames: np.ndarray
    # Index of each row in the global batch; with the step it determines the noise.
    row: np.ndarray
    # How many intervals ahead of its history a row's target is: 1, or drawn.
    lead: np.ndarray
    # Whether the process that read the row asks to stop; (rows,).
    stop: np.ndarray

    def asking_to_stop(self, wish: bool) -> "Batch":
        """Return the batch with the process's wish in each row."""
        return self._replace(stop=np.full(len(self.row), wish))


def observe(
    batch: Batch,
    statistics: Statistics,
    options: DataOptions,
    *,
    seed: int,
    step: Array,
    noise: Float[np.ndarray, " channels"] | float,
) -> tuple[Array, Array]:
    """Return normalised histories as the network sees them, and the frames after them.

    Histories get noise and gaps as the options say, the gaps are filled, and then get
    white noise of an amplitude between 0 and `noise` in each row. All of it is a
    function of the seed, the step and the row. NaN stays in the frames after them.
    """
    frames = statistics.normalise(jnp.asarray(batch.frames))
    history, ahead = frames[:, : options.history], frames[:, options.history :]
    step_key = jax.random.fold_in(jax.random.key(seed), step)
    row_keys = jax.vmap(lambda row: jax.random.fold_in(step_key, row))(batch.row)
    noise_keys, gap_keys = jnp.moveaxis(jax.vmap(jax.random.split)(row_keys), 1, 0)
    if options.noise or options.missing:
        poor = functools.partial(corrupt, noise=options.noise, missing=options.missing)
        history = jax.vmap(poor)(gap_keys, history)
    history = fill_missing(history)
    if np.any(noise):
        white = jax.vmap(lambda key, h: _noise(key, h.shape))(noise_keys, history)
        history = history + noise * white
    return history, ahead


def _noise(key: Array, shape: tuple[int, ...]) -> Array:
    """Draw white noise of an amplitude between 0 and 1."""
    size_key, noise_key = jax.random.split(key)
    size = jax.random.uniform(size_key, dtype=jnp.float32)
    return size * jax.random.normal(noise_key, shape, jnp.float32)


def window_indices(
    seed: int, step: int, batch_size: int, num_windows: int
) -> np.ndarray:
    """Return the windows of global batch `step`: resuming needs the step only.

    Batches are cut from one endless sequence, a new permutation of all windows after
    the other: none comes twice in an epoch, none is left out.
    """
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, positions = np.divmod(positions, num_windows)
    return np.array(
        [
            _permutation(seed, int(epoch), num_windows)[position]
            for epoch, position in zip(epochs, positions, strict=True)
        ]
    )


@functools.lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, num_windows: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(num_windows)


def read_batch(
    windows: Windows,
    seed: int,
    step: int,
    *,
    batch_size: int,
    augment: str = "none",
    longest_lead: int = 1,
    whole: bool = False,
    rows: slice = slice(None),
) -> Batch:
    """Read global batch `step`, or the `rows` of it that this process needs.

    With a `longest_lead` beyond 1, the last frame of a window is one of those that
    follow the others, drawn up to so many intervals ahead, as far as its trajectory
    goes. `whole` windows have all frames up to the longest lead already.
    """
    row = np.arange(batch_size, dtype=np.int32)[rows]
    chosen = window_indices(seed, step, batch_size, len(windows))[rows]
    lead = np.ones(len(row), np.int32)
    if longest_lead > 1:
        for k, (index, window) in enumerate(zip(row, chosen, strict=True)):
            generator = np.random.default_rng([seed, step, int(index), 1])
            longest = longest_lead
            if not whole:
                longest = min(longest, windows.farthest_lead(int(window)))
            lead[k] = generator.integers(1, longest, endpoint=True)
    frames = windows.read(chosen, None if whole else lead)
    if augment != "none":
        for k, index in enumerate(row):
            generator = np.random.default_rng([seed, step, int(index)])
            frames[k] = turn(frames[k], augment, windows.vectors, generator)
    return Batch(frames, row, lead, np.zeros(len(row), bool))


def turn(
    frames: Float[np.ndarray, "time *space channels"],
    augment: str,
    vectors: Sequence[tuple[int, ...]],
    generator: np.random.Generator,
) -> Float[np.ndarray, "time *space channels"]:
    """Turn frames by chance; the components of `vectors` turn with space.

    "flips" reverses axes of space by chance, "rotations" also exchanges the first two,
    which must be equally long: together, all rotations by right angles and mirrors.
    """
    axes = frames.ndim - 2
    for axis in range(axes):
        if generator.random() < 0.5:
            frames = np.flip(frames, 1 + axis).copy()
            for vector in vectors:
                frames[..., vector[axis]] *= -1
    if augment == "rotations" and axes > 1 and generator.random() < 0.5:
        frames = np.swapaxes(frames, 1, 2).copy()
        for first, second, *_ in vectors:
            frames[..., [first, second]] = frames[..., [second, first]]
    return frames


def prefetch(
    read: Callable[[int], Batch], steps: range, ahead: int = 2
) -> Generator[Batch, None, None]:
    """Yield `read(step)` for each step, the next `ahead` read while one is used."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = collections.deque()
        for step in steps:
            pending.append(reader.submit(read, step))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
