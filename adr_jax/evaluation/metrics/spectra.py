"""Radial spectra of fields and of errors."""

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.metrics import cells


def radial_spectrum(
    frames: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps wavenumbers channels"]:
    """Return the mean square of each frame by wave number; the sum is the mean square.

    Entry k holds the waves with wave numbers from k to below k + 1, in all directions.
    Wave numbers are in waves per longest side of the frame. The spectrum of a frame
    with a missing cell is NaN.
    """
    axes = cells.space(frames)
    shape = [frames.shape[axis] for axis in axes]
    # 1e-9: rounding must not put a whole wave number into the shell below.
    sides = (np.fft.fftfreq(n, 1 / max(shape)) for n in shape)
    waves = np.meshgrid(*sides, indexing="ij")
    shells = np.floor(np.sqrt(sum(np.square(k) for k in waves)) + 1e-9).astype(int)
    power = np.square(np.abs(np.fft.fftn(frames, axes=axes) / np.prod(shape)))
    lines = np.moveaxis(power, -1, 2).reshape(-1, shells.size)
    sums = [np.bincount(shells.ravel(), line) for line in lines]
    shared = np.reshape(sums, (*frames.shape[:2], frames.shape[-1], -1))
    return np.moveaxis(shared, -1, 2)
