"""Products counted by hand beside those counted in what JAX traced."""

import jax
import jax.numpy as jnp
import numpy as np

from adr_jax.training.operations import products


def count(function, *shapes, passes=False):
    arguments = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]
    return products(jax.make_jaxpr(function)(*arguments).jaxpr, passes)


def test_products_and_convolutions():
    assert count(jnp.dot, (3, 5), (5, 7)) == 2 * 3 * 5 * 7
    assert count(lambda x: x + x, (3, 5)) == 0

    def convolve(x, kernel):
        return jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    cells, taps = 2 * 6 * 5, 3 * 3
    assert count(convolve, (2, 6, 5, 4), (3, 3, 4, 7)) == 2 * cells * taps * 4 * 7


def test_a_product_takes_passes_by_its_precision():
    def exact(x, y):
        return jnp.dot(x, y, precision="highest")

    assert count(exact, (3, 5), (5, 7)) == 2 * 3 * 5 * 7
    assert count(exact, (3, 5), (5, 7), passes=True) == 6 * 2 * 3 * 5 * 7
    assert count(jnp.dot, (3, 5), (5, 7), passes=True) == 2 * 3 * 5 * 7


def test_loops_count_as_often_as_they_run_and_branches_as_the_longest():
    def looped(x, y):
        z, _ = jax.lax.scan(lambda z, _: (jnp.dot(z, y), None), x, length=11)
        return z

    one = 2 * 3 * 5 * 5
    assert count(looped, (3, 5), (5, 5)) == 11 * one
    assert count(jax.checkpoint(jax.jit(looped)), (3, 5), (5, 5)) == 11 * one

    def twice(x, y):
        return jnp.dot(jnp.dot(x, y), y)

    def branched(x, y):
        return jax.lax.cond(x[0, 0] > 0, jnp.dot, twice, x, y)

    assert count(branched, (3, 5), (5, 5)) == 2 * one
