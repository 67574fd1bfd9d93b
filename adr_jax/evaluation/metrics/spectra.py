"""How much of a field, and of an error, there is at which wave number."""

import numpy as np
from jaxtyping import Float

from adr_jax.evaluation.metrics import cells


def radial_spectrum(
    frames: Float[np.ndarray, "samples steps *space channels"],
) -> Float[np.ndarray, "samples steps wavenumbers channels"]:
    """The mean square of each frame, shared among wave numbers: their sum is all of it.

    Entry k holds the waves of wave number k up to, not including, k + 1, whatever their
    direction; wave numbers are those along the longest side of the frame, in waves per
    side. A frame with a missing cell has no spectrum: NaN.
    """
    axes = cells.space(frames)
    shape = [frames.shape[axis] for axis in axes]
    # An angle that is exact in theory must not fall short of its integer by rounding.
    sides = (np.fft.fftfreq(n, 1 / max(shape)) for n in shape)
    waves = np.meshgrid(*sides, indexing="ij")
    shells = np.floor(np.sqrt(sum(np.square(k) for k in waves)) + 1e-9).astype(int)
    power = np.square(np.abs(np.fft.fftn(frames, axes=axes) / np.prod(shape)))
    lines = np.moveaxis(power, -1, 2).reshape(-1, shells.size)
    sums = [np.bincount(shells.ravel(), line) for line in lines]
    shared = np.reshape(sums, (*frames.shape[:2], frames.shape[-1], -1))
    return np.moveaxis(shared, -1, 2)
