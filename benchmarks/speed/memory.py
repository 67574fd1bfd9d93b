"""Peak memory of a training step against blocks, with and without recomputation.

    python benchmarks/speed/memory.py [--config configs/quickstart.py]

What XLA plans to hold at once besides parameters and data, for one window, the blocks
in a loop. model.remat computes each block again in the backward pass, so that only
what lies between blocks is kept.
"""

import argparse
import os
import runpy
import sys

import jax
import jax.numpy as jnp
from noise_step import noise_step

from adr_jax.training.devices import mapping

BLOCKS = (1, 2, 4, 8, 16)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="configs/quickstart.py")
    path = parser.parse_args().config
    sys.path.insert(0, os.getcwd())
    print(f"{path}, {jax.devices()[0].device_kind}: MiB of temporaries")
    print("blocks  all kept  recomputed")
    for blocks in BLOCKS:
        kept, recomputed = (peak(path, blocks, remat) for remat in (False, True))
        print(f"{blocks:6}  {kept / 2**20:8.1f}  {recomputed / 2**20:10.1f}")


def peak(path: str, blocks: int, remat: bool) -> int:
    """Bytes of temporaries of one step."""
    config = runpy.run_path(path)["get_config"]()
    config.model.num_blocks, config.model.remat = blocks, remat
    config.model.unroll, config.train.batch_size = "off", 1
    step, state, batch = noise_step(config)
    stacked = jax.tree.map(lambda array: jnp.asarray(array)[None], batch)
    mapped = jax.vmap(step, in_axes=(None, 0), axis_name=mapping.AXIS)
    compiled = jax.jit(mapped).lower(state, stacked).compile()
    memory = compiled.memory_analysis()
    assert memory is not None
    return memory.temp_size_in_bytes


if __name__ == "__main__":
    main()
