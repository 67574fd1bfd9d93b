"""Fluxes between cells: sums kept, uniform regions untouched."""

import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax.operators.flux import net_inflow


@pytest.mark.parametrize("boundary", ["clamp", "periodic"])
@pytest.mark.parametrize("space", [(7,), (5, 6), (3, 4, 2)], ids=str)
def test_the_sum_over_space_is_zero(generator, boundary, space):
    flux = generator.normal(size=(2, *space, 3, len(space))).astype(np.float32) + 1
    gain = net_inflow(flux, boundary=boundary)
    assert gain.shape == (2, *space, 3)
    assert jnp.abs(gain).max() > 0.1
    over_space = tuple(range(1, gain.ndim - 1))
    # Rounding of float32 sums of numbers of order one.
    np.testing.assert_allclose(gain.sum(over_space), 0, atol=1e-4)


def test_one_flux_moves_content_to_the_next_cell():
    flux = np.zeros((1, 4, 5, 1, 2), np.float32)
    flux[0, 1, 2, 0] = 3.0, 0.5  # down, and to the right
    expected = np.zeros((4, 5))
    expected[1, 2], expected[2, 2], expected[1, 3] = -3.5, 3.0, 0.5
    np.testing.assert_array_equal(net_inflow(flux)[0, ..., 0], expected)


def test_walls_let_nothing_through_and_periodic_edges_do():
    flux = np.zeros((1, 4, 1, 1), np.float32)
    flux[0, 3] = 1.0
    assert not net_inflow(flux).any()
    gain = net_inflow(flux, boundary="periodic")
    assert gain.ravel().tolist() == [1, 0, 0, -1]


def test_a_uniform_flux_changes_nothing_away_from_walls():
    flux = np.full((1, 6, 6, 2, 2), 7.0, np.float32)
    assert not net_inflow(flux, boundary="periodic").any()
    assert not net_inflow(flux)[:, 1:-1, 1:-1].any()
