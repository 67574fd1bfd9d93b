"""Trajectories of steady motions whose paths are known, and frames along them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import adr_jax
from adr_jax.data.tracers import synthetic


def uniform(u, shape):
    return jnp.broadcast_to(jnp.asarray(u, jnp.float32), (*shape, len(u)))


def rotation(cells, rate):
    """Solid rotation about the middle, and the middle, rows and columns."""
    rows, columns = np.mgrid[:cells, :cells] - (cells - 1) / 2
    return jnp.asarray(np.stack([-rate * columns, rate * rows], -1), jnp.float32)


@pytest.mark.parametrize("boundary", ["clamp", "periodic"])
@pytest.mark.parametrize("u", [(1.5, -0.25), (0.3,), (0.5, 1, -2)], ids=str)
def test_a_uniform_motion_goes_straight(u, boundary):
    shape = (6, 7, 8)[: len(u)]
    moved = adr_jax.trajectory(uniform(u, shape), 4, boundary=boundary)
    steps = np.arange(1, 5).reshape(-1, *(1,) * (len(u) + 1))
    np.testing.assert_allclose(
        moved, np.broadcast_to(steps * np.asarray(u), moved.shape), rtol=1e-6
    )


def test_a_rotation_stays_on_its_circle():
    """Second order: halving the step quarters the error of where a turn ends."""
    cells, angle = 65, 0.8
    inner = np.hypot(*(np.mgrid[:cells, :cells] - 32)) < 16
    rows, columns = np.mgrid[:cells, :cells] - 32
    start = rows + 1j * columns
    exact = start * np.exp(1j * angle) - start
    errors = []
    for steps in (4, 8, 16):
        moved = np.asarray(adr_jax.trajectory(rotation(cells, angle / steps), steps))[
            -1
        ]
        errors.append(np.abs(moved[..., 0] + 1j * moved[..., 1] - exact)[inner].max())
    assert errors[0] < 0.2
    assert 3.5 < errors[0] / errors[1] < 4.5
    assert 3.5 < errors[1] / errors[2] < 4.5


def test_there_and_back(generator):
    """Along -u one comes back to where one started."""
    u = jnp.asarray(synthetic.velocity("vortex", 64, 3), jnp.float32)
    there = adr_jax.trajectory(u, 5, boundary="periodic")[-1]
    back = adr_jax.trajectory(-u, 5, boundary="periodic")[-1]
    home = there + adr_jax.pull(back, there, boundary="periodic")
    # Cells and steps of this size; the way there is two cells long.
    np.testing.assert_allclose(home, 0, atol=0.05)


@pytest.mark.parametrize("conserve", [False, True])
def test_whole_cells_are_carried_exactly(conserve, generator):
    frame = generator.normal(size=(9, 8, 2)).astype(np.float32)
    leads = adr_jax.extrapolate(
        frame, uniform((1, -2), (9, 8)), 5, boundary="periodic", conserve=conserve
    )
    for lead, out in enumerate(leads, start=1):
        expected = np.roll(frame, (lead, -2 * lead), (0, 1))
        # The mean of what is known divides by one.
        np.testing.assert_allclose(out, expected, rtol=1e-6)


@pytest.mark.parametrize("order", [1, 3])
def test_one_interpolation_a_lead(order, generator):
    """The tenth lead is one pull along ten intervals, not ten pulls."""
    frame = generator.normal(size=(16, 16, 1)).astype(np.float32)
    u = uniform((0.33, -0.21), (16, 16))
    last = adr_jax.extrapolate(frame, u, 10, order=order, boundary="periodic")[-1]
    once = adr_jax.pull(frame, -10 * u, order=order, boundary="periodic")
    # Ten additions of u instead of a product.
    np.testing.assert_allclose(last, once, atol=1e-4)


def test_values_or_amounts():
    """Keep values where motion converges, and add up amounts."""
    place = jnp.arange(40.0)
    u = (0.1 * (20 - place))[:, None]
    ones = jnp.ones((40, 1))
    values = adr_jax.extrapolate(ones, u, 3, boundary="clamp")
    np.testing.assert_allclose(values, 1, rtol=1e-6)
    amounts = adr_jax.extrapolate(ones, u, 3, conserve=True, boundary="clamp")
    np.testing.assert_allclose(amounts.sum((1, 2)), 40, rtol=1e-5)
    assert amounts[-1].max() > 1.2


@pytest.mark.parametrize("boundary", ["clamp", "periodic", "reflect"])
def test_sums_are_kept(boundary, generator):
    frame = generator.uniform(size=(20, 24, 2)).astype(np.float32)
    u = jnp.asarray(generator.normal(size=(20, 24, 2)), jnp.float32)
    out = adr_jax.extrapolate(frame, u, 6, conserve=True, boundary=boundary, order=3)
    np.testing.assert_allclose(
        out.sum((1, 2)), np.broadcast_to(frame.sum((0, 1)), (6, 2)), rtol=1e-4
    )


def test_what_enters_from_outside_is_told():
    frame = jnp.ones((4, 10, 1))
    u = uniform((0, 2), (4, 10))
    leads = np.asarray(adr_jax.extrapolate(frame, u, 6))
    for lead in range(1, 7):
        unknown = np.isnan(leads[lead - 1]).all((0, 2))
        np.testing.assert_array_equal(unknown, np.arange(10) < 2 * lead)
    filled = adr_jax.extrapolate(frame, u, 6, fill=-9.0)
    np.testing.assert_array_equal(filled == -9, np.isnan(leads))
    clamped = adr_jax.extrapolate(frame, u, 6, boundary=("open", "clamp"))
    np.testing.assert_array_equal(clamped, 1)
    amounts = np.asarray(adr_jax.extrapolate(frame, u, 6, conserve=True))
    np.testing.assert_array_equal(np.isnan(amounts), np.isnan(leads))


def test_missing_cells_move_too():
    """Each channel has its own; half a cell of known content is enough."""
    frame = np.ones((6, 12, 2), np.float32)
    frame[:, 3:5, 0] = np.nan
    out = np.asarray(adr_jax.extrapolate(frame, uniform((0, 1), (6, 12)), 3))
    for lead in range(1, 4):
        gone = np.isnan(out[lead - 1])
        expected = np.arange(12) < lead
        np.testing.assert_array_equal(gone[0, :, 1], expected)
        expected[3 + lead : 5 + lead] = True
        np.testing.assert_array_equal(gone[0, :, 0], expected)
    half = np.asarray(adr_jax.extrapolate(frame, uniform((0, 0.4), (6, 12)), 1))
    np.testing.assert_array_equal(half[..., 1], 1)
    assert np.isnan(half[0, 0, 3, 0]) and half[0, 0, 5, 0] == 1


@pytest.mark.slow
def test_batches_types_and_transformations(generator):
    frames = generator.normal(size=(3, 8, 9, 1)).astype(np.float32)
    u = generator.normal(size=(3, 8, 9, 2)).astype(np.float32)
    together = adr_jax.extrapolate(frames, u, 4)
    assert together.shape == (3, 4, 8, 9, 1)
    mapped = jax.vmap(lambda q, v: adr_jax.extrapolate(q, v, 4))(frames, u)
    np.testing.assert_allclose(mapped, together, rtol=1e-5, atol=1e-6)
    paths = adr_jax.trajectory(u, 4)
    assert paths.shape == (3, 4, 8, 9, 2)
    np.testing.assert_allclose(paths[1], adr_jax.trajectory(u[1], 4), rtol=1e-5)
    half = adr_jax.extrapolate(jnp.asarray(frames, jnp.bfloat16), u, 2)
    assert half.dtype == jnp.bfloat16
    assert adr_jax.trajectory(jnp.asarray(u, jnp.float16), 2).dtype == jnp.float16


@pytest.mark.slow
@pytest.mark.parametrize("conserve", [False, True])
def test_gradients_are_those_of_finite_differences(conserve, generator):
    with jax.enable_x64(True):
        frame = generator.normal(size=(7, 6, 1))
        frame[2, 3] = np.nan
        u = 0.3 * generator.normal(size=(7, 6, 2))
        directions = generator.normal(size=frame.shape), generator.normal(size=u.shape)

        @jax.jit
        def along(t):
            moved = adr_jax.extrapolate(
                *(frame + t * directions[0], u + t * directions[1], 4),
                **{"conserve": conserve, "fill": 0.5},
            )
            return jnp.sum(jnp.square(moved))

        step = 1e-7  # too small to meet a kink of the hat
        differences = (along(step) - along(-step)) / (2 * step)
        np.testing.assert_allclose(jax.grad(along)(0.0), differences, rtol=1e-5)


FRAME, U = np.zeros((8, 9, 1), np.float32), np.zeros((8, 9, 2), np.float32)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: adr_jax.trajectory(U, 0), "got steps=0"),
        (lambda: adr_jax.trajectory(U, 2.5), "got steps=2.5"),
        (lambda: adr_jax.trajectory(U.astype(int), 2), "floating"),
        (lambda: adr_jax.trajectory(U[0, 0], 2), "one for each spatial axis"),
        (lambda: adr_jax.trajectory(U, 2, boundary="wrap"), "boundary='wrap'"),
        (lambda: adr_jax.extrapolate(FRAME, U, -1), "got steps=-1"),
        (lambda: adr_jax.extrapolate(FRAME[None], U, 2), "not a sequence"),
        (lambda: adr_jax.extrapolate(FRAME[..., 0], U, 2), "channel axis"),
        (lambda: adr_jax.extrapolate(FRAME[:4], U, 2), "expected (*batch, *space"),
        (lambda: adr_jax.extrapolate(FRAME.astype(int), U, 2), "floating"),
        (lambda: adr_jax.extrapolate(FRAME, U, 2, order=2), "got order=2"),
        (lambda: adr_jax.extrapolate(FRAME, U, 2, boundary=("open",)), "each of the 2"),
    ],
)
def test_bad_arguments(call, said):
    with pytest.raises(ValueError, match=r"(trajectory|extrapolate) got") as error:
        call()
    assert said in str(error.value)
