"""Diffusion on the grid: one step of dq/dt = kappa * Laplacian(q).

Cells are units of length. Boundaries are walls, through which nothing passes, or
periodic; either way each channel keeps its sum.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from adr_jax.operators.arguments import as_array
from adr_jax.operators.flux import inflow_along

BOUNDARIES = ("clamp", "open", "reflect", "periodic")


def diffuse(
    q: Float[Array, "batch *space channels"],
    amount: Float[Array, "#channels"] | float,
    *,
    method: str = "explicit",
    boundary: str = "clamp",
) -> Float[Array, "batch *space channels"]:
    """Return the field after one step of diffusion.

    With `L q` the sum of the 2d neighbours less 2d times the cell itself:

    - "explicit": `q + amount L q`. First order in time, the cheapest, and stable up to
      amount 1 / (2d) only, where it also obeys the maximum principle (no new extremes).
    - "implicit": `(1 - amount L)^-1 q`. First order in time, maximum principle, any
      amount.
    - "exact": `exp(amount L) q`. No error in time, maximum principle, any amount.

    The last two act on the eigenvectors of L, cosines between walls (DCT-II) or Fourier
    modes on a periodic grid, so every cell feels every other at once.

    Args:
      q: the field, floating, with one to three axes of space.
      amount: time step times diffusivity, in cells squared, for each channel or for
        all; 0 or more.
      method: as above.
      boundary: "periodic", or walls for every other rule of push. Walls take the edge
        cell for its own neighbour beyond the edge.

    Returns:
      Shape and dtype of `q`; sums are float32 or wider. Each channel keeps its sum.

    Raises:
      ValueError: a wrong argument, among them a concrete amount that is negative or,
        when explicit, unstable. Traced amounts cannot be looked at.
    """
    q = as_array("diffuse", "a field", q)
    axes = tuple(range(1, q.ndim - 1))
    _check(q, amount, method, boundary)
    wide = q.astype(jnp.promote_types(q.dtype, jnp.float32))
    amount = jnp.asarray(amount, wide.dtype)
    if method == "explicit":
        # As fluxes, down each gradient: XLA compiles the gradient of this to one pass,
        # and that of a padded Laplacian to many (nine times slower on a CPU).
        gains = (
            inflow_along(wide - jnp.roll(wide, -1, axis), axis, boundary)
            for axis in axes
        )
        out = wide + amount * sum(gains)
    else:
        factor = functools.partial(_FACTORS[method], amount)
        out = _scale_modes(wide, factor, axes, boundary == "periodic")
    return out.astype(q.dtype)


# What a step does to an eigenvector of the Laplacian, of eigenvalue <= 0.
_FACTORS = {
    "implicit": lambda amount, eigenvalue: 1 / (1 - amount * eigenvalue),
    "exact": lambda amount, eigenvalue: jnp.exp(amount * eigenvalue),
}
METHODS = ("explicit", *_FACTORS)


def _scale_modes(q, factor, axes, periodic):
    """Multiply every eigenvector of the Laplacian by `factor(eigenvalue)`."""
    eigenvalues = 0.0
    for axis in axes:
        n = q.shape[axis]
        last_is_half = periodic and axis == axes[-1]  # of a real field's modes
        wave = np.arange(n // 2 + 1 if last_is_half else n)
        along = 2 * np.cos((2 if periodic else 1) * np.pi * wave / n) - 2
        shape = [len(wave) if k == axis else 1 for k in range(q.ndim)]
        eigenvalues = eigenvalues + along.reshape(shape)
    factors = factor(jnp.asarray(eigenvalues, q.dtype))
    if periodic:
        modes = jnp.fft.rfftn(q, axes=axes)
        return jnp.fft.irfftn(modes * factors, [q.shape[k] for k in axes], axes=axes)
    modes = jax.scipy.fft.dctn(q, axes=axes, norm="ortho")
    return jax.scipy.fft.idctn(modes * factors, axes=axes, norm="ortho")


def _check(q, amount, method, boundary):
    """Raise ValueError unless the arguments fit together."""
    if boundary not in BOUNDARIES:
        raise ValueError(
            f"diffuse got boundary={boundary!r}; expected one of "
            f"{', '.join(BOUNDARIES)}"
        )
    if method not in METHODS:
        raise ValueError(
            f"diffuse got method={method!r}; expected one of {', '.join(METHODS)}"
        )
    if not 3 <= q.ndim <= 5 or not jnp.issubdtype(q.dtype, jnp.floating):
        raise ValueError(
            f"diffuse got a field of shape {q.shape} and {q.dtype}; expected a "
            "floating (batch, *space, channels) with one to three axes of space"
        )
    if isinstance(amount, Tracer):
        return
    values = np.asarray(amount)
    limit = 1 / (2 * (q.ndim - 2)) if method == "explicit" else np.inf
    # A rounding error above the limit is no instability.
    if not np.all((values >= 0) & (values <= limit * (1 + 1e-6))):
        remedy = (
            f"0 to {limit:g} (time step * diffusivity <= 1 / 2d): take smaller steps, "
            "or method='implicit' or 'exact'"
            if method == "explicit"
            else "0 or more"
        )
        raise ValueError(f"diffuse got an amount of {values}; expected {remedy}")
