"""Made-up frames of which the motion is known, and faults to spoil them with."""

from collections.abc import Callable

import numpy as np

CELLS, FRAMES = 64, 10
UNIFORM = (2.3, -1.4)  # cells a frame
SHORTEST = 8  # wavelength, in cells


def moved(waves: np.ndarray, step: tuple[float, float], count: int) -> list[np.ndarray]:
    """Return the frames of a periodic field of these waves, moved exactly."""
    rows, columns = (np.fft.fftfreq(n) for n in waves.shape)
    phase = -2j * np.pi * (rows[:, None] * step[0] + columns * step[1])
    return [np.real(np.fft.ifft2(waves * np.exp(phase * t))) for t in range(count)]


def frequencies(cells: int) -> np.ndarray:
    """Return the length of each wave vector, in waves a cell, as `fft2` orders them."""
    along = np.fft.fftfreq(cells)
    return np.hypot(along[:, None], along)


def uniform(generator: np.random.Generator) -> np.ndarray:
    """Return frames of a smooth periodic field of standard deviation 1, moved evenly.

    (FRAMES, CELLS, CELLS), float32.
    """
    length = frequencies(CELLS)
    smooth = (length <= 1 / SHORTEST) & (length > 0)
    waves = smooth * np.fft.fft2(generator.normal(size=(CELLS, CELLS)))
    frames = moved(waves, UNIFORM, FRAMES)
    return (np.stack(frames) / np.std(frames)).astype(np.float32)


def rain(cells: int, step: tuple[float, float], count: int) -> np.ndarray:
    """Return frames of smooth noise above a threshold, in dBZ, moved exactly."""
    length = frequencies(cells)
    smooth = np.where(length > 0, np.maximum(length, 1 / cells) ** -1.5, 0)
    noise = np.random.default_rng(0).normal(size=(cells, cells))
    waves = smooth * np.exp(-((8 * length) ** 2) / 2) * np.fft.fft2(noise)
    frames = moved(waves, step, count)
    unit = np.std(frames[0])
    return np.stack([15 * np.maximum(x / unit - 0.3, 0) for x in frames], dtype="f4")


def noisy(frames: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return frames + generator.normal(0, 1 / 3, frames.shape).astype(np.float32)


def gappy(frames: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.where(generator.random(frames.shape) < 0.25, np.float32(np.nan), frames)


def broken(value: float | None) -> Callable[..., np.ndarray]:
    """Return a fault: the last frame but one is constant, or a copy for None."""

    def spoil(frames: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        frames[-2] = frames[-3] if value is None else value
        return frames

    return spoil


# Each changes the frames it is given.
FAULTS: dict[str, Callable[..., np.ndarray]] = {
    "clean": lambda frames, _: frames,
    "noise of a third": noisy,
    "a quarter missing": gappy,
    "an empty frame": broken(np.nan),
    "a frame of zeros": broken(0.0),
    "a frozen frame": broken(None),
}
