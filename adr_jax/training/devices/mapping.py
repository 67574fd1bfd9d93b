"""The only file that names pmap: steps and forecasts on all devices of all processes.

A step is written for one device and ends in sums over the axis "batch". State has no
device axis: every device holds the same.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.extend.core import Jaxpr
from jaxtyping import PyTree

from adr_jax.data.windows import pad_rows

AXIS = "batch"


def rows(batch_size: int) -> slice:
    """Return the rows of a global batch that this process has to provide."""
    share = batch_size // jax.process_count()
    return slice(share * jax.process_index(), share * (jax.process_index() + 1))


def replicate(state: PyTree) -> PyTree:
    """Put the same state on every device of this process.

    Donating a state that is not placed like this crashes where there are several
    processes, and only there.
    """
    return jax.device_put(state, jax.NamedSharding(_local_mesh(), jax.P()))


def map_step(step: Callable) -> Callable:
    """Map `(state, batch) -> (state, metrics)` over all devices; it donates the state.

    The batch is this process's part of the global one: its leading axis is shared among
    the local devices. Metrics must be sums over AXIS, or follow from them: the mapping
    takes one device's unseen of the others'.
    """
    mapped = _mapped_step(step)
    return lambda state, batch: mapped(state, _shard(batch))


def _mapped_step(step: Callable, devices: Sequence | None = None):
    return jax.pmap(
        step,
        AXIS,
        in_axes=(None, 0),
        out_axes=(None, None),
        devices=devices,
        donate_argnums=(0,),
    )


def total(tree: PyTree) -> PyTree:
    """Return the sum over all devices, inside a mapped step."""
    return jax.lax.psum(tree, AXIS)


def map_forecast(forecast: Callable) -> Callable:
    """Map `(params, history, num_frames) -> frames` over all devices.

    NumPy in, NumPy out, the same on all processes; any number of samples, padded to
    share them equally.
    """
    mapped = jax.pmap(
        forecast, AXIS, in_axes=(None, 0), static_broadcasted_argnums=(2,)
    )

    def on_all_devices(
        params: PyTree, history: np.ndarray, num_frames: int
    ) -> np.ndarray:
        samples = len(history)
        padded = pad_rows(history, jax.device_count())
        mine = padded[rows(len(padded))]
        frames = jax.device_get(mapped(params, _shard(mine), num_frames))
        frames = frames.reshape(-1, *frames.shape[2:])
        return multihost_utils.process_allgather(frames, tiled=True)[:samples]

    return on_all_devices


class Ahead(NamedTuple):
    """A mapped function and the shapes it takes, for devices that are elsewhere."""

    mapped: Callable
    arguments: tuple[PyTree, PyTree]
    devices: Sequence

    def jaxpr(self) -> Jaxpr:
        """Return the function as JAX traces it for these devices."""
        with jax.default_device(self.devices[0]):
            return jax.make_jaxpr(self.mapped)(*self.arguments).jaxpr

    def lower(self) -> jax.stages.Lowered:
        """Return the function ready to be compiled."""
        with jax.default_device(self.devices[0]):
            return self.mapped.lower(*self.arguments)


def step_ahead(
    step: Callable, state: PyTree, batch: PyTree, devices: Sequence
) -> Ahead:
    """Map a step as `map_step` does; state and the global batch are shapes."""
    mapped = _mapped_step(step, devices)
    return Ahead(mapped, (state, _shares(batch, len(devices))), devices)


def forecast_ahead(
    forecast: Callable, params: PyTree, history: PyTree, devices: Sequence
) -> Ahead:
    """Map `(params, history) -> frames` as `map_forecast` does, of shapes."""
    mapped = jax.pmap(forecast, AXIS, in_axes=(None, 0), devices=devices)
    return Ahead(mapped, (params, _shares(history, len(devices))), devices)


def _shares(batch: PyTree, devices: int) -> PyTree:
    def share(array: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        rows, *rest = array.shape
        return jax.ShapeDtypeStruct((devices, rows // devices, *rest), array.dtype)

    return jax.tree.map(share, batch)


def _shard(batch: PyTree) -> PyTree:
    devices = jax.local_device_count()
    stacked = jax.tree.map(lambda a: a.reshape(devices, -1, *a.shape[1:]), batch)
    return jax.device_put(stacked, jax.NamedSharding(_local_mesh(), jax.P(AXIS)))


def _local_mesh() -> jax.sharding.Mesh:
    return jax.sharding.Mesh(np.array(jax.local_devices()), (AXIS,))
