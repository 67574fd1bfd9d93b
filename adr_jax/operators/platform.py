"""The platform that an operation is traced for: several have a form for each."""

import jax


def platform() -> str:
    """Return "cpu", "gpu" or "tpu": that of `jax.default_device` where one is set.

    That may be a device that is only described, for which code is compiled elsewhere.
    JAX traces a jitted function anew when the default device changes.
    """
    device = jax.config.jax_default_device  # pyright: ignore
    if isinstance(device, str):
        device = jax.devices(device)[0]
    return device.platform if device else jax.default_backend()
