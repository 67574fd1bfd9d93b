"""The estimate of motion, on fields whose motion is known exactly."""

import numpy as np
import pytest

from adr_jax.data.motion import phase_correlation


def moved_exactly(field, shift, width=0.0):
    """A periodic field moved by parts of cells, and smoothed: phases and amplitudes.

    Odd lengths have no wave that is its own mirror image, which could not be moved.
    """
    spectrum = np.fft.fftn(field, axes=(0, 1))
    for axis, cells in enumerate(shift):
        wave = 2 * np.pi * np.fft.fftfreq(field.shape[axis])
        change = np.exp(-1j * wave * cells - 0.5 * np.square(width * wave))
        spectrum *= change.reshape([-1 if k == axis else 1 for k in range(3)])
    return np.fft.ifftn(spectrum, axes=(0, 1)).real


@pytest.mark.parametrize("shift", [(0, 0), (3, -5), (-11, 2), (16, -17)], ids=str)
def test_whole_cells_of_noise_are_found(shift, generator):
    field = generator.normal(size=(40, 36, 1))
    moved = np.roll(field, shift, (0, 1))
    found = phase_correlation(field, moved, periodic=True)
    # Neighbours of the peak are equal up to what all other phases add, 1 / cells.
    np.testing.assert_allclose(found, shift, rtol=0, atol=0.02)


@pytest.mark.parametrize("width", [0, 1, 3])
@pytest.mark.parametrize("shift", [(0.3, 0.0), (-1.5, 2.25), (0.71, -3.4)], ids=str)
def test_parts_of_a_cell_are_found(shift, width, generator):
    noise = generator.normal(size=(49, 41, 1))
    before = moved_exactly(noise, (0, 0), width)
    after = moved_exactly(noise, shift, width)
    found = phase_correlation(before, after, periodic=True)
    # A smooth field has fewer waves that count, and a peak that is less of a Gaussian.
    np.testing.assert_allclose(found, shift, rtol=0, atol=0.05 + 0.05 * width)


def test_a_view_through_a_window(generator):
    """What leaves on one side and enters on the other is not taken for motion."""
    scene = generator.normal(size=(100, 100, 2))
    for axis in (0, 1):
        scene = sum(np.roll(scene, k, axis) for k in range(3))
    before, after = scene[20:68, 20:68], scene[17:65, 24:72]
    # The window fades the edges of both alike, which pulls a little towards none.
    np.testing.assert_allclose(
        phase_correlation(before, after), (3, -4), rtol=0, atol=0.15
    )


def test_smooth_things_seen_through_a_window(generator):
    """Edges that do not fit together would say that nothing moves."""
    scene = moved_exactly(generator.normal(size=(141, 141, 1)), (0, 0), width=4)
    before, after = scene[40:88, 40:88], scene[37:85, 44:92]
    # The fading stays where it is, which pulls towards none: by 0.8 cells at most over
    # eight seeds. Without it the estimate is none at all.
    found = phase_correlation(before, after)
    np.testing.assert_allclose(found, (3, -4), rtol=0, atol=1)


def test_every_wave_counts_alike(generator):
    """Broad light that stays outweighs in power what moves in it, not in waves."""
    things = generator.normal(size=(48, 48, 1))
    rows = np.linspace(-1, 1, 48)[:, None, None]
    light = 20 * np.exp(-(rows**2) - rows.swapaxes(0, 1) ** 2)
    before, after = things + light, np.roll(things, (3, -5), (0, 1)) + light
    found = phase_correlation(before, after, periodic=True)
    # The few waves of the light say zero, and pull a little.
    np.testing.assert_allclose(found, (3, -5), rtol=0, atol=0.5)


def test_missing_cells_do_not_hide_it(generator):
    field = generator.normal(size=(48, 48, 1))
    moved = np.roll(field, (2, -3), (0, 1))
    for frame in (field, moved):
        frame[generator.random(frame.shape) < 0.2] = np.nan
    found = phase_correlation(field, moved)
    np.testing.assert_allclose(found, (2, -3), rtol=0, atol=0.15)


@pytest.mark.parametrize("axes", [1, 3])
def test_other_numbers_of_axes(axes, generator):
    field = generator.normal(size=(*(24, 16, 20)[:axes], 1))
    moved = np.roll(field, (4, -2, 1)[:axes], tuple(range(axes)))
    found = phase_correlation(field, moved, periodic=True)
    np.testing.assert_allclose(found, (4, -2, 1)[:axes], rtol=0, atol=0.05)


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan])
def test_a_uniform_field_shows_nothing(value, generator):
    uniform = np.full((16, 16, 1), value)
    assert np.isnan(phase_correlation(uniform, uniform)).all()
    noise = generator.normal(size=(16, 16, 1))
    assert np.isnan(phase_correlation(uniform, noise)).all()


def test_the_storm_over_the_netherlands(real_data):
    import h5py

    with h5py.File(real_data / "radar" / "knmi_20100826_128.h5") as file:
        frames = file["dbz8"][...][..., None].astype(float)
    found = [phase_correlation(a, b) for a, b in zip(frames, frames[1:], strict=False)]
    # Measured by cross-correlation when the data were made: (-1.16, 3.71), sd 0.2.
    np.testing.assert_allclose(np.median(found, 0), (-1.16, 3.71), rtol=0, atol=0.3)
