"""Measure the peak memory of a training step by blocks, with and without remat.

    python benchmarks/speed/memory.py [--config shallow_water:small]

Memory is what XLA plans to hold at once besides parameters and data, for one window,
with the blocks in a loop. model.remat computes each block again in the backward pass,
so that only what lies between blocks is kept.
"""

import argparse

import jax
import jax.numpy as jnp
from noise_step import noise_step

from adr_jax.options import Configuration
from adr_jax.training import configuration
from adr_jax.training.devices import mapping

BLOCKS = (1, 2, 4, 8, 16)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="shallow_water:small")
    path = parser.parse_args().config
    config = configuration.named(path)
    print(f"{path}, {jax.devices()[0].device_kind}: MiB of temporaries")
    print("blocks  all kept  recomputed")
    for blocks in BLOCKS:
        kept, recomputed = (peak(config, blocks, remat) for remat in (False, True))
        print(f"{blocks:6}  {kept / 2**20:8.1f}  {recomputed / 2**20:10.1f}")


def peak(config: Configuration, blocks: int, remat: bool) -> int:
    """Return the bytes of temporaries of one step."""
    config = config.override(
        model={"num_blocks": blocks, "remat": remat, "unroll": "off"},
        train={"batch_size": 1},
    )
    step, state, batch = noise_step(config)
    stacked = jax.tree.map(lambda array: jnp.asarray(array)[None], batch)
    mapped = jax.vmap(step, in_axes=(None, 0), axis_name=mapping.AXIS)
    compiled = jax.jit(mapped).lower(state, stacked).compile()
    memory = compiled.memory_analysis()
    assert memory is not None
    return memory.temp_size_in_bytes


if __name__ == "__main__":
    main()
