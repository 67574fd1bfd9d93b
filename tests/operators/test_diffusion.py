"""Diffusion: sum, maximum principle, decay of modes, unstable steps refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax.operators.diffusion import METHODS, diffuse

BOUNDARIES = ("clamp", "reflect", "open", "periodic")


@pytest.fixture
def field(generator):
    return generator.exponential(size=(2, 7, 5, 3)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("space", [(9,), (7, 5), (4, 3, 5), (1, 6)], ids=str)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_sum_is_kept_and_no_new_extreme_appears(generator, boundary, space, method):
    field = generator.exponential(size=(2, *space, 3)).astype(np.float32)
    # At the explicit limit, far beyond it for the others.
    amount = 1 / (2 * len(space)) if method == "explicit" else 7.0
    out = diffuse(field, amount, boundary=boundary, method=method)
    assert np.abs(out - field).max() > 0.1
    axes = tuple(range(1, out.ndim - 1))
    # Sums of up to 60 float32 numbers of order one.
    np.testing.assert_allclose(out.sum(axes), field.sum(axes), rtol=1e-5)
    # Rounding of the transforms, for a field of order one.
    rounding = 0 if method == "explicit" else 1e-5
    assert out.max() <= field.max() + rounding and out.min() >= field.min() - rounding


def test_each_channel_has_its_own_rate(field):
    out = diffuse(field, jnp.array([0.0, 0.1, 0.2]))
    np.testing.assert_array_equal(out[..., 0], field[..., 0])
    for channel, amount in ((1, 0.1), (2, 0.2)):
        alone = diffuse(field[..., channel : channel + 1], amount)
        np.testing.assert_allclose(out[..., channel], alone[..., 0], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("boundary", "modes"),
    [
        ("periodic", lambda n, k: np.cos(2 * np.pi * k * np.arange(n) / n + 0.3)),
        ("clamp", lambda n, k: np.cos(np.pi * k * (np.arange(n) + 0.5) / n)),
    ],
    ids=["Fourier", "cosine"],
)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wave", [(1, 0), (2, 3)], ids=str)
def test_modes_decay_by_their_eigenvalue(boundary, modes, wave, method):
    shape, amount = (12, 9), 0.2
    field = np.multiply.outer(*(modes(n, k) for n, k in zip(shape, wave, strict=True)))
    period = 2 if boundary == "periodic" else 1
    eigenvalue = -sum(
        2 - 2 * np.cos(period * np.pi * k / n) for n, k in zip(shape, wave, strict=True)
    )
    factor = {
        "explicit": 1 + amount * eigenvalue,
        "implicit": 1 / (1 - amount * eigenvalue),
        "exact": np.exp(amount * eigenvalue),
    }[method]
    out = diffuse(
        jnp.asarray(field)[None, ..., None], amount, boundary=boundary, method=method
    )
    np.testing.assert_allclose(out[0, ..., 0], factor * field, atol=1e-6)  # float32


@pytest.mark.parametrize("method", ["implicit", "exact"])
@pytest.mark.parametrize("boundary", ["clamp", "periodic"])
def test_small_steps_of_every_method_agree(field, boundary, method):
    small = 1e-3
    explicit, other = (
        diffuse(field, small, boundary=boundary, method=name)
        for name in ("explicit", method)
    )
    # They differ by amount^2 |L^2 q| / 2 (twice that when implicit), |L^2| up to 64.
    np.testing.assert_allclose(other, explicit, atol=64 * small**2 * np.max(field))


def test_half_precision_is_diffused_in_float32(field):
    half = field.astype(jnp.bfloat16)
    for method in METHODS:
        out = diffuse(half, 0.2, method=method)
        exact = diffuse(half.astype(np.float32), 0.2, method=method)
        assert out.dtype == jnp.bfloat16
        np.testing.assert_array_equal(out, exact.astype(jnp.bfloat16))


@pytest.mark.parametrize("amount", [-0.1, 0.26, float("nan")])
def test_an_unstable_step_is_refused_also_under_jit(field, amount):
    for step in (diffuse, jax.jit(lambda q: diffuse(q, amount))):
        with pytest.raises(ValueError, match="expected 0 to 0.25"):
            step(field, amount) if step is diffuse else step(field)


def test_a_negative_amount_is_refused(field):
    for method in ("implicit", "exact"):
        assert diffuse(field, 1e6, method=method).shape == field.shape
        with pytest.raises(ValueError, match="amount of -0.1; expected 0 or more"):
            diffuse(field, -0.1, method=method)


def test_a_wrong_argument_says_what_was_expected(field):
    with pytest.raises(ValueError, match="boundary='wall'; expected one of clamp"):
        diffuse(field, 0.1, boundary="wall")
    with pytest.raises(ValueError, match="method='euler'; expected one of explicit"):
        diffuse(field, 0.1, method="euler")
    with pytest.raises(ValueError, match="expected a floating .batch"):
        diffuse(field.astype(int), 0.1)
    with pytest.raises(ValueError, match="one to three axes of space"):
        diffuse(field[0, 0], 0.1)
