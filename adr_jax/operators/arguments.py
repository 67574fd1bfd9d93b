"""Checks of arguments that several operators take, with one message for each fault."""

from __future__ import annotations  # so that using push loads jax and nothing else

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from adr_jax.operators.stencil import BORDER

if TYPE_CHECKING:
    from jax.typing import ArrayLike


def as_array(name: str, what: str, values: ArrayLike) -> jax.Array:
    """Return an array, NaN where NumPy masks it, or raise ValueError for integers."""
    if not isinstance(values, np.ma.MaskedArray):
        return jnp.asarray(values)
    if np.ma.is_masked(values) and not jnp.issubdtype(values.dtype, jnp.floating):
        raise ValueError(
            f"{name} got {what} of {values.dtype} with masked values; expected a "
            "floating dtype, in which NaN is missing: convert it, x.astype('float32')"
        )
    is_masked = np.ma.is_masked(values)
    return jnp.asarray(values.filled(np.nan) if is_masked else values.data)


def check_boundary(name: str, boundary, axes: int | None = None) -> None:
    """Raise ValueError unless `boundary` is a rule, or a tuple of one for each axis."""
    rules = (boundary,) if isinstance(boundary, str) else boundary
    if not isinstance(rules, tuple | list) or not all(
        isinstance(rule, str) and rule in BORDER for rule in rules
    ):
        raise ValueError(
            f"{name} got boundary={boundary!r}; expected one of {', '.join(BORDER)}, "
            "or a tuple with one of them for each spatial axis"
        )
    if axes is not None and not isinstance(boundary, str) and len(boundary) != axes:
        raise ValueError(
            f"{name} got boundary={boundary!r}; expected one rule for each of the "
            f"{axes} spatial axes, or one string for all"
        )


def per_axis(boundary: str | tuple[str, ...], axes: int) -> tuple[str, ...]:
    """Return the rule of each axis."""
    return (boundary,) * axes if isinstance(boundary, str) else tuple(boundary)


def check_floating(name: str, what: str, x: jax.Array) -> None:
    """Raise ValueError unless `x` has a floating dtype."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(
            f"{name} got {what} of {x.dtype}; expected a floating dtype: "
            "convert it, x.astype(jnp.float32)"
        )
