"""Errors of fields against their formulas, worked out another way."""

import numpy as np
import pytest

from adr_jax.evaluation.metrics import fields, spectra


@pytest.fixture
def pair(generator):
    target = generator.normal(2.0, 1.0, (3, 4, 6, 5, 2)).astype(np.float32)
    return target + generator.normal(0, 0.1, target.shape).astype(np.float32), target


@pytest.fixture
def one(pair):
    """Forecast and target of sample 1, step 2, channel 1, in float64."""
    return [field[1, 2, ..., 1].astype(np.float64) for field in pair]


# All functions sum in float64, as the formulas here do.
exactly = {"rel": 1e-12}


def test_rmse_nrmse_and_vrmse(pair, one):
    forecast, target = one
    error = np.linalg.norm(forecast - target)
    assert fields.rmse(*pair)[1, 2, 1] == pytest.approx(error / np.sqrt(30), **exactly)
    expected = error / np.linalg.norm(target)
    assert fields.nrmse(*pair)[1, 2, 1] == pytest.approx(expected, **exactly)
    expected = error / np.sqrt(30) / np.std(target)
    assert fields.vrmse(*pair)[1, 2, 1] == pytest.approx(expected, **exactly)


def test_vrmse_of_the_mean_is_1(pair):
    target = pair[1].astype(np.float64)
    mean = np.broadcast_to(target.mean((2, 3), keepdims=True), target.shape)
    np.testing.assert_allclose(fields.vrmse(mean, target), 1.0, rtol=1e-12)


def test_mass_drift_sees_mass_and_not_shape(pair):
    _, target = pair
    # Summing float32 in another order, in float64, is exact to 1e-12.
    assert fields.mass_drift(target[:, :, ::-1], target).max() < 1e-12
    wide = target.astype(np.float64)
    np.testing.assert_allclose(fields.mass_drift(1.01 * wide, target), 0.01, rtol=1e-9)
    np.testing.assert_allclose(fields.mass_drift(0.99 * wide, target), 0.01, rtol=1e-9)


def test_division_by_zero_is_nan(pair):
    forecast, target = (field.copy() for field in pair)
    target[0, 0, ..., 0] = 0.0
    for metric in (fields.nrmse, fields.vrmse, fields.mass_drift):
        missing = np.isnan(metric(forecast, target))
        assert missing[0, 0, 0] and missing.sum() == 1


def test_nan_in_a_forecast_is_not_a_missing_cell(pair):
    forecast, target = (field.copy() for field in pair)
    forecast[1, 1, 0, 0, 1] = np.nan
    for metric in (fields.rmse, fields.vrmse, fields.mass_drift):
        lost = np.isnan(metric(forecast, target))
        assert lost[1, 1, 1] and lost.sum() == 1


def test_spectrum_shares_the_mean_square(generator):
    frames = generator.normal(1.0, 2.0, (2, 3, 12, 20, 2))
    spectrum = spectra.radial_spectrum(frames)
    power = np.square(frames).mean((2, 3))
    np.testing.assert_allclose(spectrum.sum(2), power, rtol=1e-12)  # Parseval
    # The mean is the wave of wave number 0.
    np.testing.assert_allclose(spectrum[:, :, 0], frames.mean((2, 3)) ** 2)


@pytest.mark.parametrize("waves", [(5, 0), (0, 7), (3, 4), (-4, 3), (2, 2)], ids=str)
def test_a_wave_has_its_wave_number(waves):
    # 3 and 4 waves make 5 in all, 2 and 2 make 2.8; the frame is 32 x 32.
    x, y = np.meshgrid(np.arange(32), np.arange(32), indexing="ij")
    phase = 2 * np.pi * (waves[0] * x + waves[1] * y) / 32
    spectrum = spectra.radial_spectrum(np.cos(phase)[None, None, ..., None])
    index = int(np.hypot(*waves))
    assert spectrum[0, 0, index, 0] == pytest.approx(0.5)
    assert spectrum.sum() == pytest.approx(0.5)


def test_wave_numbers_are_those_of_the_longest_side():
    # As long a wave along either side of 16 x 64: 16 cells.
    rows, columns = np.meshgrid(np.arange(16), np.arange(64), indexing="ij")
    for along in (rows, columns):
        wave = np.cos(2 * np.pi * along / 16)[None, None, ..., None]
        assert spectra.radial_spectrum(wave)[0, 0, 4, 0] == pytest.approx(0.5)
