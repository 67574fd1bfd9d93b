"""Networks where JAX computes in double precision: float32 frames give float32."""

import jax
import jax.numpy as jnp
import pytest

from adr_jax.evaluation.rollout import rollout
from adr_jax.models.adrnet import ADRNet
from adr_jax.models.fno import FNO
from adr_jax.models.unet import UNet
from adr_jax.options import ModelOptions

VARIANTS = (
    {"head": "frames"},
    {"head": "persistence", "denoiser": True},
    {"head": "extrapolation", "conserve": True},
    {"head": "extrapolation", "diffusion": "implicit", "transport": "pull"},
    {"head": "extrapolation", "coordinates": True, "context": 2, "reaction": "conv"},
    {"head": "advection"},
    {"head": "advection", "motions": "objects"},
    {"head": "advection", "exceedance": True, "conserve": True},
)


@pytest.mark.parametrize("network", [ADRNet, UNet, FNO])
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_forecast_has_the_type_of_its_history(network, variant):
    options = ModelOptions(channels=4, num_blocks=1, frames_in=4, **variant)
    thresholds = (0.5, 1.0) if options.exceedance else ()
    with jax.enable_x64(True):
        model = network(options, (0.1,), (0.2,), (0.0,), thresholds=thresholds)
        history = jax.ShapeDtypeStruct((2, 4, 16, 16, 1), jnp.float32)
        params = jax.eval_shape(model.init, jax.random.key(0), history)
        assert {leaf.dtype.name for leaf in jax.tree.leaves(params)} == {"float32"}
        ahead = jax.eval_shape(
            lambda p, h: rollout(lambda past: model.apply(p, past), h, 3),
            params,
            history,
        )
    assert (ahead.shape, ahead.dtype) == ((2, 3, 16, 16, 1), jnp.float32)
