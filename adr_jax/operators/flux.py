"""Exchange between neighbouring cells: what keeps a sum by construction."""

from __future__ import annotations  # so that measuring motion loads jax alone

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jaxtyping import Array, Float


def net_inflow(
    flux: Float[Array, "*batch_space channels axes"], *, boundary: str = "clamp"
) -> Float[Array, "*batch_space channels"]:
    """Return what each cell gains when `flux` passes through its faces.

    `out[i] = sum_k flux_k[i - 1] - flux_k[i]`, where `flux_k[i]` goes from cell i to
    the next along spatial axis k. What one cell loses its neighbour gains: the sum over
    space is zero, and where the flux is uniform nothing changes.

    Args:
      flux: (*batch, *space, channels, d), d the number of spatial axes.
      boundary: "periodic", or anything else for walls, through which nothing passes.

    Returns:
      (*batch, *space, channels).
    """
    axes = flux.shape[-1]
    first = flux.ndim - 2 - axes
    gains = (inflow_along(flux[..., k], first + k, boundary) for k in range(axes))
    return sum(gains, start=jnp.zeros_like(flux[..., 0]))


def inflow_along(flux: Array, axis: int, boundary: str) -> Array:
    """Return what cells gain when `flux[i]` goes from cell i to i + 1 on one axis."""
    if boundary == "periodic":
        return jnp.roll(flux, 1, axis) - flux
    inner = jax.lax.slice_in_dim(flux, 0, -1, axis=axis)
    before, after = ([(0, 0)] * flux.ndim for _ in range(2))
    before[axis], after[axis] = (1, 0), (0, 1)
    return jnp.pad(inner, before) - jnp.pad(inner, after)
