"""push and pull against a plain loop over cells, and the properties they promise."""

import functools
import itertools
import math
import subprocess
import sys
import warnings

import chex
import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import adr_jax

BOUNDARIES = ("clamp", "periodic", "reflect", "open")
SHAPE = (2, 5, 7, 4)  # not square, so that swapped axes show


# float64 within a `with double():`, float32 again after it.
double = functools.partial(jax.enable_x64, True)


def push(x, u, **options):
    """Push, with `grouped` said where `u` has displacements for groups of channels."""
    return adr_jax.push(x, u, **({"grouped": jnp.ndim(u) > jnp.ndim(x)} | options))


def pull(y, u, **options):
    """Pull, likewise."""
    return adr_jax.pull(y, u, **({"grouped": jnp.ndim(u) > jnp.ndim(y)} | options))


def field(seed=0, shape=SHAPE, dtype=np.float32):
    """Positive and lopsided: no symmetry that could hide a loss of mass."""
    draw = np.random.default_rng(seed).uniform(0.2, 1.0, shape)
    return (draw * np.linspace(1, 3, shape[-2])[:, None]).astype(dtype)


def displacement(seed=1, shape=(*SHAPE, 2), size=4.0, dtype=np.float32):
    """Uniform up to `size` cells either way, so far outside a field of SHAPE."""
    return np.random.default_rng(seed).uniform(-size, size, shape).astype(dtype)


def tap(index, n, rule):
    """Return the cell that a tap belongs to, or None: the boundary rules."""
    if 0 <= index < n:
        return index
    if rule == "open":
        return None
    if rule == "clamp":
        return 0 if index < 0 else n - 1
    if rule == "periodic":
        return index % n
    image = index % (2 * n)
    return image if image < n else 2 * n - 1 - image


def hat(t):
    return max(0.0, 1 - abs(t))


def keys(t):
    """Keys' cubic, a = -1/2, from its two pieces."""
    t = abs(t)
    if t <= 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


def oracle(x, u, boundary="clamp", order=1):
    """`out[y] = sum_x prod_k w(y_k - (x_k + u_k(x))) x[x]`, cell by cell."""
    d, weight = u.shape[-1], {1: hat, 3: keys}[order]
    if isinstance(boundary, str):
        boundary = (boundary,) * d
    if u.ndim == x.ndim:
        u = u[..., None, :]
    channels, space = x.shape[-1], x.shape[-d - 1 : -1]
    u = np.repeat(u, channels // u.shape[-2], axis=-2).astype(np.float64)
    out = np.zeros(x.shape)
    for where in np.ndindex(*x.shape):
        image, cell, channel = where[: -d - 1], where[-d - 1 : -1], where[-1]
        first = [math.floor(cells) for cells in u[where]]  # a Python integer: exact
        fraction = u[where] - first
        for block in itertools.product(range(-1, 3), repeat=d):
            share = math.prod(
                weight(t - f) for t, f in zip(block, fraction, strict=True)
            )
            arrival = [
                tap(i + cells + t, n, rule)
                for i, cells, t, n, rule in zip(
                    cell, first, block, space, boundary, strict=True
                )
            ]
            if share and None not in arrival:
                out[(*image, *arrival, channel)] += share * x[where]
    return out


MIXED = (("periodic", "open"), ("reflect", "clamp"), ("clamp", "periodic"))
PAIRS = (("clamp", "reflect"), ("periodic", "open"))  # all four rules in two programs
GROUPS = {"shared": (), "two groups": (2,), "per channel": (4,)}


@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS.keys())
@pytest.mark.parametrize("boundary", BOUNDARIES + MIXED, ids=str)
def test_push_agrees_with_the_loop_over_cells(boundary, groups):
    x, u = field(), displacement(shape=(*SHAPE[:-1], *groups, 2))
    # rtol: a sum of some ten float32 terms; atol: an open edge cell may receive one
    # tiny share alone, whose weight is off by float32's 1e-7 of a cell.
    np.testing.assert_allclose(
        push(x, u, boundary=boundary), oracle(x, u, boundary), rtol=2e-6, atol=2e-6
    )


# Every number of axes, lengths of one and two among them, and every boundary.
GRIDS = {
    "1-D": ((7,), ("reflect",)),
    "1-D short": ((2,), ("periodic",)),
    "2-D": ((4, 5), ("periodic", "open")),
    "2-D short": ((1, 2), ("reflect", "clamp")),
    "3-D": ((2, 3, 4), ("clamp", "reflect", "periodic")),
    "3-D short": ((3, 1, 2), ("open", "periodic", "reflect")),
}


@pytest.mark.slow
@pytest.mark.parametrize("lowering", ["segment_sum", "matmul"])
@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("space, boundary", GRIDS.values(), ids=GRIDS.keys())
def test_any_number_of_axes_and_order_agree_with_the_loop(
    space, boundary, order, lowering
):
    d = len(space)
    if d == 3 and lowering == "matmul":
        pytest.skip("matmul is for one or two axes")
    options = {"boundary": boundary, "order": order, "lowering": lowering}
    x = field(shape=(2, *space, 4))
    u = displacement(shape=(2, *space, 2, d))
    pushed = oracle(x, u, boundary, order)
    # A sum of up to some hundred float32 terms of order one, of both signs.
    close = functools.partial(np.testing.assert_allclose, rtol=5e-6, atol=5e-6)
    close(push(x, u, **options), pushed)
    one_hot = np.eye(math.prod(space), dtype=np.float32).reshape(-1, *space, 1)
    one_hot = np.broadcast_to(one_hot, (len(one_hot), *space, 2))
    u_first = np.broadcast_to(u[0], (len(one_hot), *space, 2, d))
    rows = oracle(one_hot, u_first, boundary, order)
    y = x[0, ..., ::2]
    expected = (rows * y).reshape(len(rows), -1, 2).sum(axis=1)
    close(pull(y, u[0], **options).reshape(expected.shape), expected)


@pytest.mark.parametrize("shape", [(5, 7, 4), (5, 7, 1), (2, 3, 5, 7, 4), (0, 5, 7, 4)])
@pytest.mark.parametrize("operator", [push, pull])
def test_any_number_of_batch_axes(operator, shape):
    x, u = field(shape=shape), displacement(shape=(*shape, 2))
    out = operator(x, u)
    assert out.shape == shape
    flat = operator(x.reshape(-1, *shape[-3:]), u.reshape(-1, *shape[-3:], 2))
    np.testing.assert_array_equal(out, flat.reshape(shape))


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("operator", [push, pull])
def test_no_displacement_changes_nothing(operator, boundary):
    x = field()
    still = np.zeros((*SHAPE[:-1], 2), np.float32)
    np.testing.assert_array_equal(operator(x, still, boundary=boundary), x)


@pytest.mark.parametrize("shift", [(2, -3), (-1, 9), (-11, 0), (23, -40)], ids=str)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_an_integer_shift_is_exact(boundary, shift):
    # Integers as content: however many collide at an edge, float32 sums are exact.
    x = np.random.default_rng(2).integers(1, 100, SHAPE).astype(np.float32)
    u = np.broadcast_to(np.float32(shift), (*SHAPE[:-1], 2))
    expected = oracle(x, u, boundary)
    np.testing.assert_array_equal(push(x, u, boundary=boundary), expected)
    as_integer = push(x, u.astype(np.int32), boundary=boundary)
    np.testing.assert_array_equal(as_integer, expected)


def test_rows_come_first_and_positive_moves_toward_larger_index():
    x = np.zeros((4, 6, 1), np.float32)
    x[1, 2] = 1
    u = np.broadcast_to(np.float32([1, 3]), (4, 6, 2))
    assert np.argwhere(push(x, u)[..., 0]).tolist() == [[2, 5]]
    assert np.argwhere(pull(x, -u)[..., 0]).tolist() == [[2, 5]]


@pytest.mark.parametrize("boundary", ["clamp", "periodic", "reflect"])
@pytest.mark.parametrize("size", [0.4, 4.0, 1e3, 1e30], ids=str)
def test_mass_is_kept(boundary, size):
    x, u = field(), displacement(size=size)
    before = np.sum(x, axis=(1, 2), dtype=np.float64)
    after = np.float64(push(x, u, boundary=boundary)).sum(axis=(1, 2))
    # 35 cells of 4 taps: float32 rounding of some 140 terms, worst if all collide.
    np.testing.assert_allclose(after, before, rtol=2e-6)


def test_open_loses_what_leaves_and_nothing_else():
    x, u = field(), np.zeros((*SHAPE[:-1], 2), np.float32)
    u[:, 1:4, 2:5] = displacement(shape=(2, 3, 3, 2), size=0.9)  # stays inside
    # A float32 sum of 280 terms.
    np.testing.assert_allclose(push(x, u, boundary="open").sum(), x.sum(), rtol=1e-6)
    u[:, 0, :, 0] = -0.25  # the first row goes a quarter over the edge
    lost = 0.25 * x[:, 0].sum()
    after = push(x, u, boundary="open").sum()
    np.testing.assert_allclose(after, x.sum() - lost, rtol=1e-6)


@pytest.mark.slow
@hypothesis.settings(max_examples=25, deadline=None, derandomize=True)
@hypothesis.given(
    space=st.lists(st.sampled_from([1, 2, 3, 5]), min_size=1, max_size=3),
    groups=st.sampled_from([None, 1, 2, 4]),
    rules=st.tuples(*[st.sampled_from(BOUNDARIES)] * 3),
    order=st.sampled_from([1, 3]),
    lowering=st.sampled_from(["segment_sum", "matmul"]),
    size=st.sampled_from([0.7, 3.0, 30.0]),
    seed=st.integers(0, 1000),
)
def test_pull_is_the_transpose_of_push(
    space, groups, rules, order, lowering, size, seed
):
    d = len(space)
    shape = (2, *space, 4)
    x, y = field(seed, shape), field(seed + 1, shape)
    u_shape = (2, *space, d) if groups is None else (2, *space, groups, d)
    u = displacement(seed + 2, u_shape, size)
    options = {
        "boundary": rules[:d],
        "order": order,
        "lowering": lowering if d < 3 else None,
    }
    pushed, pulled = (
        np.float64(out) for out in (push(x, u, **options), pull(y, u, **options))
    )
    # Rounding of the float32 terms (order 3 has them of both signs, hence atol); the
    # two sums themselves are float64.
    np.testing.assert_allclose(
        np.sum(pushed * y), np.sum(x * pulled), rtol=2e-6, atol=1e-5
    )
    # Small grids fold over themselves most: the loop over cells has the last word.
    expected = oracle(x, u, rules[:d], order)
    np.testing.assert_allclose(pushed, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("order, observed", [(1, 2), (3, 3)])
def test_pull_converges_at_the_order_of_its_interpolation(order, observed):
    def error(n):
        place = np.arange(n) / n
        wave = np.cos(2 * np.pi * place + 1)[:, None]
        moved = np.cos(2 * np.pi * (place + 0.3 / n) + 1)[:, None]
        with double():
            u = np.full((n, 1), 0.3)
            read = pull(wave, u, boundary="periodic", order=order)
            return float(np.abs(read - moved).max())

    # Linear interpolation errs by h^2, Keys' cubic by h^3; halving h from 32 to 64
    # cells is well inside the range where that holds, to a tenth of an order.
    assert abs(np.log2(error(32) / error(64)) - observed) < 0.1


@pytest.mark.parametrize("operator", [push, pull])
@pytest.mark.parametrize("d", [1, 2])
def test_matmul_has_the_same_gradients(operator, d):
    shape = (3, 700, 2)[-d - 1 :]  # more cells than one block has
    with double():
        x = field(shape=shape, dtype=np.float64)
        u = displacement(shape=(*shape[:-1], d), dtype=np.float64)
        gradients = [
            jax.jit(jax.grad(loss(operator, "reflect", shape, lowering=form), (0, 1)))(
                x, u
            )
            for form in ("segment_sum", "matmul")
        ]
        # float64 sums in another order.
        chex.assert_trees_all_close(*gradients, rtol=1e-10, atol=1e-10)


# Derivatives ------------------------------------------------------------------------


def loss(operator, boundary, shape=(3, 5, 4), dtype=np.float64, **options):
    """Return a scalar of field and displacement without symmetry."""
    weights = field(7, shape, dtype)

    def scalar(x, u):
        return jnp.vdot(operator(x, u, boundary=boundary, **options) ** 2, weights)

    return jax.jit(scalar)


@pytest.mark.slow
@pytest.mark.parametrize(
    "boundary, groups",
    [(PAIRS[0], ()), (PAIRS[1], (2,)), (PAIRS[0], (4,))],
    ids=["shared", "two groups", "per channel"],
)
@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("operator", [push, pull])
def test_gradients_agree_with_finite_differences(operator, order, boundary, groups):
    with double():
        x = field(shape=(3, 5, 4), dtype=np.float64)
        u = displacement(shape=(3, 5, *groups, 2), dtype=np.float64)
        # Away from the kinks at integers, by more than the step.
        u = np.floor(u) + np.clip(u - np.floor(u), 0.05, 0.95)
        scalar = loss(operator, boundary, order=order)
        gradients = jax.jit(jax.grad(scalar, (0, 1)))(x, u)
        tangents = field(3, x.shape, x.dtype), displacement(4, u.shape, 1.0, u.dtype)

        step = 1e-4  # the loss is quadratic on a line through x, quartic through u

        def along(t, on):
            x_t = x + t * on[0] * tangents[0]
            return scalar(x_t, u + t * on[1] * tangents[1])

        for on, gradient, tangent in zip(
            ((1, 0), (0, 1)), gradients, tangents, strict=True
        ):
            difference = (along(step, on) - along(-step, on)) / (2 * step)
            directional = np.vdot(gradient, tangent)
            # Central differences: step^2 of the third derivative, and eps / step.
            np.testing.assert_allclose(directional, difference, rtol=1e-6, atol=1e-7)

        _, forward = jax.jvp(scalar, (x, u), tangents)
        backward = sum(map(np.vdot, gradients, tangents))
        # The same float64 sum, in another order.
        np.testing.assert_allclose(forward, backward, rtol=1e-12)


@pytest.mark.parametrize("operator", [push, pull])
def test_jacobians_agree_forward_and_reverse(operator):
    with double():
        x = field(shape=(2, 3, 1), dtype=np.float64)
        u = displacement(shape=(2, 3, 2), dtype=np.float64)
        forward = jax.jit(jax.jacfwd(operator, (0, 1)))(x, u)
        reverse = jax.jit(jax.jacrev(operator, (0, 1)))(x, u)
        # float64 sums of a few terms in another order.
        chex.assert_trees_all_close(forward, reverse, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("boundary", PAIRS, ids=str)
@pytest.mark.parametrize("operator", [push, pull])
def test_second_derivatives_agree_with_finite_differences(operator, boundary):
    with double():
        x = field(shape=(3, 5, 4), dtype=np.float64)
        u = displacement(shape=(3, 5, 4, 2), dtype=np.float64)
        u = np.floor(u) + np.clip(u - np.floor(u), 0.05, 0.95)
        tangent = displacement(4, u.shape, 1.0, u.dtype)
        gradient = jax.jit(jax.grad(loss(operator, boundary), 1))

        @jax.jit
        def both(u):
            _, product = jax.jvp(lambda v: gradient(x, v), (u,), (tangent,))
            return product, jax.grad(lambda v: jnp.vdot(gradient(x, v), tangent))(u)

        product, reverse = both(u)
        # Reverse over reverse, the same terms in another order.
        np.testing.assert_allclose(reverse, product, rtol=1e-9, atol=1e-11)
        step = 1e-4
        ahead, behind = gradient(x, u + step * tangent), gradient(x, u - step * tangent)
        # Central differences: step^2 of a derivative of order 100, and eps / step.
        np.testing.assert_allclose(
            product, (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("boundary", PAIRS, ids=str)
def test_at_an_integer_arrival_the_derivative_is_the_right_hand_one(boundary):
    # Every arrival is an integer, some at the very edge, some beyond it.
    with double():
        x = field(shape=(3, 5, 4), dtype=np.float64)
        u = np.random.default_rng(5).integers(-4, 5, (3, 5, 4, 2)).astype(np.float64)
        for operator in (push, pull):
            scalar = loss(operator, boundary)
            gradient = jax.grad(scalar, 1)(x, u)
            step = 1e-6
            tangent = field(6, u.shape, u.dtype)  # to the right everywhere
            difference = (scalar(x, u + step * tangent) - scalar(x, u)) / step
            # One-sided: first order in the step, times curvature over gradient.
            np.testing.assert_allclose(
                np.vdot(gradient, tangent), difference, rtol=1e-4, atol=1e-3
            )


def test_the_gradient_vanishes_for_content_beyond_a_clamped_edge():
    x = field(shape=(3, 5, 4))
    u = np.broadcast_to(np.float32([-9.5, 0.25]), (3, 5, 4, 2))
    gradient = jax.grad(loss(push, "clamp", dtype=np.float32), 1)(x, u)
    assert not np.any(gradient[..., 0])
    assert np.any(gradient[..., 1])


@pytest.mark.parametrize("lowering", ["segment_sum", "matmul"])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("operator", [push, pull])
def test_reverse_mode_keeps_x_and_u_alone(operator, dtype, lowering):
    x, u = jnp.asarray(field(), dtype), jnp.asarray(displacement(), dtype)
    for order in (1, 3):
        options = {"order": order, "lowering": lowering}
        _, backward = jax.vjp(functools.partial(operator, **options), x, u)
        _only_arguments_kept(backward, x, u)


def _only_arguments_kept(backward, x, u):
    kept = [leaf for leaf in jax.tree.leaves(backward) if jnp.ndim(leaf)]
    # Themselves: not as planes, not widened, nothing beside them.
    assert len(kept) <= 2
    assert {(leaf.shape, leaf.dtype) for leaf in kept} <= {
        (x.shape, x.dtype),
        (u.shape, u.dtype),
    }


# Transformations --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("boundary", PAIRS, ids=str)
@pytest.mark.parametrize("operator", [push, pull])
def test_vmap_is_a_batch(operator, boundary):
    operator = functools.partial(operator, boundary=boundary)
    x, u = field(shape=(3, 2, 5, 7, 4)), displacement(shape=(3, 2, 5, 7, 2, 2))
    # The same float32 sums, perhaps in another order.
    close = functools.partial(chex.assert_trees_all_close, rtol=1e-6, atol=1e-6)
    close(jax.vmap(operator)(x, u), operator(x, u))
    close(
        jax.vmap(operator, (None, 1), 1)(x[:, 0], u),
        operator(np.stack([x[:, 0]] * 2, 1), u),
    )

    def scalar(x, u):
        return jnp.sum(operator(x, u) ** 2)

    gradient = jax.grad(scalar, (0, 1))
    # The gradient in u is a difference of terms of order 100.
    close(jax.jit(jax.vmap(gradient))(x, u), jax.jit(gradient)(x, u), atol=1e-4)


def test_the_form_for_accelerators_agrees(monkeypatch):
    # A shape of its own: the platform is asked once per shape, when tracing.
    monkeypatch.setattr("adr_jax.operators.advection.platform", lambda: "tpu")
    x, u = field(shape=(2, 6, 5, 4)), displacement(shape=(2, 6, 5, 2, 2))
    y = field(4, x.shape)
    boundary = ("reflect", "open")
    pushed, transpose = jax.vjp(lambda x: push(x, u, boundary=boundary), x)
    # A sum of some ten float32 terms.
    close = functools.partial(np.testing.assert_allclose, rtol=2e-6, atol=2e-6)
    close(pushed, oracle(x, u, boundary))
    close(transpose(jnp.asarray(y))[0], pull(y, u, boundary=boundary))


def test_strict_promotion_is_met():
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        for operator, boundary in itertools.product((push, pull), PAIRS):
            x, u = jnp.ones((3, 4, 2), jnp.bfloat16), jnp.ones((3, 4, 2), jnp.int32)
            operator(x, u, boundary=boundary)


def test_jit_compiles_once():
    x, u = field(), displacement()
    compiled = jax.jit(functools.partial(push, boundary="reflect"))
    np.testing.assert_array_equal(compiled(x, u), push(x, u, boundary="reflect"))
    compiled(x + 1, u)
    assert compiled._cache_size() == 1


def test_an_exported_push_is_the_same():
    x, u = field(), displacement()
    exported = jax.export.export(jax.jit(push))(x, u)
    np.testing.assert_array_equal(exported.call(x, u), push(x, u))


def test_rematerialised_gradients_are_the_same():
    x, u = field(shape=(3, 5, 4)), displacement(shape=(3, 5, 2))
    scalar = loss(push, "clamp", dtype=np.float32)
    gradients = (jax.grad(f, (0, 1))(x, u) for f in (scalar, jax.checkpoint(scalar)))
    # The same float32 sums, compiled apart.
    chex.assert_trees_all_close(*gradients, rtol=1e-5, atol=1e-5)


def test_the_same_bits_from_run_to_run():
    x, u = field(), displacement(size=30.0)  # many collide at the edge
    gradient = jax.jit(jax.value_and_grad(loss(push, "clamp", SHAPE, np.float32), 1))
    chex.assert_trees_all_equal(gradient(x, u), gradient(x, u))
    np.testing.assert_array_equal(push(x, u), push(x, u))


def test_push_loads_jax_and_numpy_alone():
    # What jax itself loads is its own business; ours and other packages are not in it.
    program = """
import sys, jax, jax.numpy as jnp
jax.jit(lambda x: x + 1)(jnp.ones(2))
before = set(sys.modules)
import adr_jax
adr_jax.push(jnp.ones((3, 4, 1)), jnp.ones((3, 4, 2)))
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new - set(sys.stdlib_module_names) - {"jax", "jaxlib", "numpy"}))
"""
    run = [sys.executable, "-c", program]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "['adr_jax']"


def test_scan_is_a_loop():
    x, u = field(), displacement(size=1.0)
    scanned, _ = jax.lax.scan(lambda z, _: (push(z, u), None), x, length=3)
    # The same float32 sums, compiled apart.
    np.testing.assert_allclose(scanned, push(push(push(x, u), u), u), rtol=1e-6)


def test_pmap_is_a_batch():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        x, u = field(shape=(1, *SHAPE)), displacement(shape=(1, *SHAPE, 2))
        np.testing.assert_array_equal(jax.pmap(push)(x, u)[0], push(x[0], u[0]))


# Extreme values ---------------------------------------------------------------------


@pytest.mark.parametrize("other", [0.0, 1e30, -np.inf], ids=str)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_nan_displacement_shows_in_every_channel_it_moves(boundary, axis, other):
    x, u = field(), displacement(shape=(*SHAPE[:-1], 2, 2), size=0.3)
    u[0, 2, 3, 0, axis] = np.nan
    u[0, 2, 3, 0, 1 - axis] = other
    for operator in (push, pull):
        hurt = np.isnan(operator(x, u, boundary=boundary)).any(axis=(1, 2))
        np.testing.assert_array_equal(hurt[0], [True, True, False, False])
        assert not hurt[1].any()


@pytest.mark.parametrize("far", [1e4, 1e30, np.inf], ids=str)
@pytest.mark.parametrize("sign", [-1, 1])
def test_far_displacements_end_at_the_clamped_edge_or_nowhere(far, sign):
    x = field()
    u = np.broadcast_to(np.float32([sign * far, 0]), (*SHAPE[:-1], 2))
    at_edge = np.zeros(SHAPE, np.float32)
    at_edge[:, 0 if sign < 0 else -1] = x.sum(axis=1)
    # Five float32 terms, summed in another order.
    np.testing.assert_allclose(push(x, u), at_edge, rtol=1e-6)
    assert not np.any(push(x, u, boundary="open"))
    edge = x[:, :1] if sign < 0 else x[:, -1:]
    np.testing.assert_array_equal(pull(x, u), np.broadcast_to(edge, SHAPE))
    assert not np.any(pull(x, u, boundary="open"))
    for boundary in ("clamp", "open"):
        gradient = jax.grad(lambda u, b=boundary: jnp.sum(push(x, u, boundary=b)))(u)
        # Mass does not depend on u, along the axis that it leaves nor (clamp) any.
        assert np.isfinite(gradient).all()
        assert not np.any(gradient[..., 0])


@pytest.mark.parametrize("boundary", ["periodic", "reflect"])
@pytest.mark.parametrize("far", [1e5 + 0.25, -1e5 - 0.25, 1e9, 1e30, -1e30], ids=str)
def test_far_displacements_wrap_and_mirror_exactly(boundary, far):
    x = np.random.default_rng(2).integers(1, 100, SHAPE).astype(np.float32)
    u = np.broadcast_to(np.float32([far, 0]), (*SHAPE[:-1], 2))
    # Integer content and quarters: exact in float32. Python integers wrap exactly.
    np.testing.assert_array_equal(push(x, u, boundary=boundary), oracle(x, u, boundary))


@pytest.mark.parametrize("boundary", ["periodic", "reflect"])
@pytest.mark.parametrize("far", [-np.inf, np.inf], ids=str)
def test_an_infinite_displacement_has_no_image(boundary, far):
    u = np.zeros((*SHAPE[:-1], 2), np.float32)
    u[..., 1] = far
    assert np.isnan(push(field(), u, boundary=boundary)).all()
    assert np.isnan(pull(field(), u, boundary=boundary)).all()


# Precision --------------------------------------------------------------------------


@pytest.mark.parametrize("operator", [push, pull])
def test_a_bfloat16_field_is_moved_in_float32(operator):
    x, u = jnp.asarray(field(), jnp.bfloat16), displacement()
    out = operator(x, u)
    assert out.dtype == jnp.bfloat16
    exact = operator(x.astype(jnp.float32), u)
    np.testing.assert_array_equal(out, exact.astype(jnp.bfloat16))  # rounded once


def test_a_bfloat16_displacement_does_not_coarsen_positions():
    # bfloat16 has whole numbers only from 128 on: 300 + 0.25 would come out as 300.
    x = np.zeros((3, 320, 1), np.float32)
    x[1, 300] = 1
    u = jnp.broadcast_to(jnp.array([0, 0.25], jnp.bfloat16), (3, 320, 2))
    out = push(x, u)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out[1, 299:303, 0], [0, 0.75, 0.25, 0])


def test_float64_stays_float64():
    with double():
        x = field(dtype=np.float64)
        u = displacement(dtype=np.float64)
        out = push(x, u)
        assert out.dtype == np.float64
        # A sum of some ten float64 terms.
        np.testing.assert_allclose(out, oracle(x, u, "clamp"), rtol=1e-13, atol=1e-15)
        assert push(x.astype(np.float32), u).dtype == np.float32


# Errors -----------------------------------------------------------------------------

X = np.ones((2, 5, 7, 4), np.float32)
U = np.zeros((2, 5, 7, 2), np.float32)
ERRORS = {
    "unknown boundary": ((X, U), {"boundary": "wrap"}, "'wrap'; expected one of clamp"),
    "unknown in tuple": ((X, U), {"boundary": ("clamp", None)}, "None.*one of clamp"),
    "boundary not text": ((X, U), {"boundary": 3}, "boundary=3; expected one of clamp"),
    "boundary per axis": ((X, U), {"boundary": ("open",) * 3}, "each of the 2 spatial"),
    "order 2": ((X, U), {"order": 2}, "order=2; expected 1 .linear. or 3"),
    "lowering": (
        (X, U),
        {"lowering": "cuda"},
        "'cuda'; expected one of segment_sum, matmul, or None",
    ),
    "matmul in 3-D": (
        (X, np.zeros((2, 5, 7, 3))),
        {"lowering": "matmul"},
        "one or two spatial axes: use 'segment_sum' or None in three",
    ),
    "four components": ((X, np.zeros((2, 5, 7, 4))), {}, "last axis of u to be 1, 2 o"),
    "scalars": ((np.float32(1), np.float32(1)), {}, "last axis of u to be 1, 2 or 3"),
    "scalar u": ((X, np.float32(1)), {}, "as many axes as the field"),
    "no channel axis": (
        (X[0, :, :, 0], U[0]),
        {},
        r"add a channel axis to an image, x\[..., None",
    ),
    "image batch": (
        (X[..., 0], U[0]),
        {},
        r"has no channel axis add one, x\[..., None",
    ),
    "too few axes": ((X[0, 0], U[0, 0]), {}, "add a channel axis"),
    "u without batch": ((X, U[0]), {}, "as many axes as the field"),
    "other batch": ((X, U[:1]), {}, r"u of \(2, 5, 7, 2\).*broadcast_to"),
    "axes swapped": (
        (X, U.transpose(0, 2, 1, 3)),
        {},
        r"expected .*u of \(2, 5, 7, 2\)",
    ),
    "group count": (
        (X, np.zeros((2, 5, 7, 3, 2))),
        {"grouped": True},
        "3 displ.* 4 channels; .*divides 4",
    ),
    "no groups": ((X, np.zeros((2, 5, 7, 0, 2))), {"grouped": True}, "0 displacement"),
    "images without channels": (
        (X[..., 0], U),
        {},
        r"add a channel axis .*x\[..., None\], or, .* say grouped=True",
    ),
    "groups unsaid": (
        (X, np.zeros((2, 5, 7, 4, 2))),
        {},
        r"add a channel axis .*x\[..., None\], or, .* say grouped=True",
    ),
    "grouped without an axis": (
        (X, U),
        {"grouped": True},
        r"one axis more .*u\[..., None, :\], or leave grouped out",
    ),
    "masked integers": (
        (np.ma.MaskedArray(X.astype(int), X > 0), U),
        {},
        r"with masked values.*NaN is missing.*x.astype\('float32'\)",
    ),
    "integer field": ((X.astype(int), U), {}, r"field of int.*x.astype\(jnp.float32\)"),
    "complex field": ((X.astype(complex), U), {}, "field of complex.*floating dtype"),
    "complex u": ((X, U.astype(complex)), {}, "u of complex.*real displacements"),
    "boolean u": ((X, U.astype(bool)), {}, "u of bool.*real displacements"),
}


@pytest.mark.parametrize("args, options, message", ERRORS.values(), ids=ERRORS.keys())
@pytest.mark.parametrize("operator", [adr_jax.push, adr_jax.pull])
def test_a_wrong_argument_says_what_was_expected(operator, args, options, message):
    with pytest.raises(ValueError, match=message) as error:
        operator(*args, **options)
    assert str(error.value).startswith(operator.__name__)


def test_options_are_keywords():
    with pytest.raises(TypeError):
        adr_jax.push(X, U, "clamp")


@pytest.mark.parametrize("operator", [push, pull])
def test_what_a_mask_hides_is_nan(operator):
    x = field()
    hidden = np.zeros(SHAPE, bool)
    hidden[1, 2, 3] = True
    masked = np.ma.MaskedArray(np.where(hidden, np.float32(1e20), x), hidden)
    expected = operator(np.where(hidden, np.nan, x), displacement())
    np.testing.assert_array_equal(operator(masked, displacement()), expected)
    assert np.isnan(expected).any()
