"""How far things move from one frame to the next."""

import numpy as np
from jaxtyping import Float

# Width, in cells, of the peak that is fitted: half a cell to each side is enough to
# find its top between cells, and little enough to tell two motions apart.
PEAK_WIDTH = 1.0


def phase_correlation(
    before: Float[np.ndarray, "*space channels"],
    after: Float[np.ndarray, "*space channels"],
    *,
    periodic: bool = False,
) -> Float[np.ndarray, " axes"]:
    """The one displacement, in cells, that best carries `before` to `after`.

    A shift turns the phases of a field's waves and nothing else: with their amplitudes
    divided out, the inverse transform is a peak at the shift. Here the peak is made a
    Gaussian, so a parabola through the logarithms of its top and its neighbours finds
    the place between cells. Waves of almost no amplitude, whose phases are noise, count
    in proportion to it.

    Args:
      before: a frame; NaN is missing. All channels move together.
      after: the frame that follows.
      periodic: whether the field goes on at its other side. If not, it is faded out
        towards the edges, for what enters there would be mistaken for motion.

    Returns:
      (axes,): positive toward larger index, up to half of each axis; NaN where a frame
      is uniform or unknown.

    Source: Kuglin and Hines, "The phase correlation image alignment method", IEEE
    Conf. on Cybernetics and Society (1975); the fit between cells is the usual one.
    """
    axes = tuple(range(before.ndim - 1))
    spectra = [
        np.fft.fftn(_prepared(field, periodic), axes=axes) for field in (before, after)
    ]
    cross = np.sum(np.conj(spectra[0]) * spectra[1], axis=-1)
    size = np.abs(cross)
    if not size.max() > 0:
        return np.full(len(axes), np.nan)
    phases = cross / (size + size.mean())
    for axis in axes:
        wave = 2 * np.pi * np.fft.fftfreq(cross.shape[axis])
        shape = [-1 if axis == k else 1 for k in axes]
        phases = phases * np.exp(-0.5 * np.square(PEAK_WIDTH * wave)).reshape(shape)
    peaks = np.fft.ifftn(phases).real
    top = tuple(map(int, np.unravel_index(np.argmax(peaks), peaks.shape)))
    return np.array([_between_cells(peaks, top, axis) for axis in axes])


def _prepared(field: np.ndarray, periodic: bool) -> np.ndarray:
    """Without its mean and what is unknown, and without edges unless periodic."""
    axes = tuple(range(field.ndim - 1))
    known = ~np.isnan(field)
    count = np.maximum(known.sum(axes), 1)
    field = np.where(known, field.astype(np.float64), 0.0)
    field = np.where(known, field - field.sum(axes) / count, 0.0)
    if not periodic:
        for axis in axes:
            shape = [-1 if axis == k else 1 for k in range(field.ndim)]
            # Without its zeros at both ends, which would lose two cells.
            field = field * np.hanning(field.shape[axis] + 2)[1:-1].reshape(shape)
    return field


def _between_cells(peaks: np.ndarray, top: tuple[int, ...], axis: int) -> float:
    """Where the peak has its top along an axis, from minus to plus half its length."""
    length = peaks.shape[axis]
    place = top[axis]
    around = [(place + offset) % length for offset in (-1, 0, 1)]
    values = [peaks[(*top[:axis], index, *top[axis + 1 :])] for index in around]
    offset = 0.0
    if min(values) > 0 and length > 2:
        before, here, after = np.log(values)
        curvature = before - 2 * here + after
        if curvature < 0:
            offset = 0.5 * (before - after) / curvature
    centred = (place + length // 2) % length - length // 2
    return float(centred + offset)
