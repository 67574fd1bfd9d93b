"""Count matrix products of a traced function, those in loops as often as they run."""

import math
from collections.abc import Iterator
from typing import Any

import jax
from jax.extend import core

# How often a TPU multiplies bfloat16 numbers for a float32 product of this precision.
_PASSES = {
    jax.lax.Precision.DEFAULT: 1,
    jax.lax.Precision.HIGH: 3,
    jax.lax.Precision.HIGHEST: 6,
}


def products(jaxpr: core.Jaxpr, passes: bool = False) -> int:
    """Return the multiplications and additions of products and convolutions.

    With `passes`, a product counts once for each pass that a TPU makes for its
    precision. Of branches the longest counts; the body of a loop of unknown length
    counts once.
    """
    return sum(_of_equation(equation, passes) for equation in jaxpr.eqns)


def _of_equation(equation: core.JaxprEqn, passes: bool) -> int:
    name, params = equation.primitive.name, equation.params
    inner = [products(jaxpr, passes) for jaxpr in _inner(params)]
    if name == "cond":
        return max(inner)
    if name == "scan":
        return params["length"] * sum(inner)
    operands: Any = [operand.aval for operand in equation.invars]
    results: Any = [result.aval for result in equation.outvars]
    times = _PASSES[_precision(params)] if passes else 1
    if name == "dot_general":
        ((contracted, _), _) = params["dimension_numbers"]
        terms = math.prod(operands[0].shape[axis] for axis in contracted)
        return 2 * times * terms * results[0].size
    if name == "conv_general_dilated":
        features = operands[1].shape[params["dimension_numbers"].rhs_spec[0]]
        return 2 * times * operands[1].size // features * results[0].size
    return sum(inner)


def _precision(params: dict) -> jax.lax.Precision:
    precision = params.get("precision")
    if isinstance(precision, tuple):
        precision = precision[0]
    return precision or jax.lax.Precision.DEFAULT


def _inner(params: dict) -> Iterator[core.Jaxpr]:
    """Yield the functions within an equation."""
    for value in jax.tree.leaves(list(params.values()), is_leaf=_is_jaxpr):
        if _is_jaxpr(value):
            yield getattr(value, "jaxpr", value)


def _is_jaxpr(value: Any) -> bool:
    return isinstance(getattr(value, "jaxpr", value), core.Jaxpr)
