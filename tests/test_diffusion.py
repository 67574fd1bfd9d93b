"""Explicit diffusion: sum, maximum principle, exact decay, unstable steps refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax.operators.diffusion import explicit_diffusion

BOUNDARIES = ("clamp", "reflect", "open", "periodic")


@pytest.fixture
def field(generator):
    return generator.exponential(size=(2, 7, 5, 3)).astype(np.float32)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_sum_is_kept_and_no_new_extreme_appears(field, boundary):
    out = explicit_diffusion(field, 0.25, boundary=boundary)
    assert np.abs(out - field).max() > 0.1
    # Sums of 35 float32 numbers of order one.
    np.testing.assert_allclose(out.sum((1, 2)), field.sum((1, 2)), rtol=1e-5)
    assert out.max() <= field.max() and out.min() >= field.min()


def test_each_channel_has_its_own_rate(field):
    out = explicit_diffusion(field, jnp.array([0.0, 0.1, 0.2]))
    np.testing.assert_array_equal(out[..., 0], field[..., 0])
    for channel, amount in ((1, 0.1), (2, 0.2)):
        alone = explicit_diffusion(field[..., channel : channel + 1], amount)
        np.testing.assert_allclose(out[..., channel], alone[..., 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("boundary", "modes"),
    [
        ("periodic", lambda n, k: np.cos(2 * np.pi * k * np.arange(n) / n + 0.3)),
        ("clamp", lambda n, k: np.cos(np.pi * k * (np.arange(n) + 0.5) / n)),
    ],
    ids=["Fourier", "cosine"],
)
@pytest.mark.parametrize("wave", [(1, 0), (2, 3)], ids=str)
def test_modes_decay_by_their_eigenvalue(boundary, modes, wave):
    shape, amount = (12, 9), 0.2
    field = np.multiply.outer(*(modes(n, k) for n, k in zip(shape, wave, strict=True)))
    period = 2 if boundary == "periodic" else 1
    factor = 1 - amount * sum(
        2 - 2 * np.cos(period * np.pi * k / n) for n, k in zip(shape, wave, strict=True)
    )
    out = explicit_diffusion(
        jnp.asarray(field)[None, ..., None], amount, boundary=boundary
    )
    np.testing.assert_allclose(out[0, ..., 0], factor * field, atol=1e-6)  # float32


@pytest.mark.parametrize("amount", [-0.1, 0.26, float("nan")])
def test_an_unstable_step_is_refused_also_under_jit(field, amount):
    for step in (explicit_diffusion, jax.jit(lambda q: explicit_diffusion(q, amount))):
        with pytest.raises(ValueError, match="expected 0 to 0.25"):
            step(field, amount) if step is explicit_diffusion else step(field)


def test_an_unknown_boundary_is_refused(field):
    with pytest.raises(ValueError, match="boundary='wall'; expected one of clamp"):
        explicit_diffusion(field, 0.1, boundary="wall")
