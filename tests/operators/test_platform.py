"""Which platform an operation is traced for."""

import types

import jax
import jax.numpy as jnp

from adr_jax.operators.platform import platform

# Stands for a chip that is elsewhere.
DESCRIBED = types.SimpleNamespace(platform="tpu")


def test_it_is_that_of_the_default_device(monkeypatch):
    assert platform() == "cpu"
    with jax.default_device(jax.devices()[1]):
        assert platform() == "cpu"
    with jax.default_device("cpu"):
        assert platform() == "cpu"
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert platform() == "gpu"
    config = types.SimpleNamespace(jax_default_device=DESCRIBED)
    monkeypatch.setattr(jax, "config", config)
    assert platform() == "tpu"


def test_functions_are_traced_anew_for_another_device():
    traced = []

    @jax.jit
    def function(x):
        traced.append(jax.config.jax_default_device)
        return x

    function(jnp.ones(2))
    with jax.default_device(jax.devices()[1]):
        function(jnp.ones(2))
        function(jnp.ones(2))
    assert traced == [None, jax.devices()[1]]
