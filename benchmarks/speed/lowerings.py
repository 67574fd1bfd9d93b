"""Compile push and pull in both lowerings for chips that are elsewhere.

    python benchmarks/speed/lowerings.py [--targets v5e:2x2 v5p:2x2x1 v6e:2x2]

Nothing runs: the numbers are what the compilers say of one float32 image of 128 x 128
cells and 32 channels on a chip, a displacement for each channel. "moved" are bytes, a
loop's body once; "products" are counted in all turns of loops. "turns x cycles" is the
compiler's estimate for the loops of lowering="matmul"; it has none for scatters and
gathers.
"""

import argparse
import re

import jax
import jax.numpy as jnp
import numpy as np

from adr_jax.operators import matmul
from adr_jax.operators.advection import pull, push
from adr_jax.training.devices import targets
from adr_jax.training.operations import products
from adr_jax.training.programs import Program, compile_program

CELLS, CHANNELS = (128, 128), 32
TURNS = CELLS[0] * CELLS[1] // matmul.BLOCK


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    chips = ["v5e:2x2", "v5p:2x2x1", "v6e:2x2"]
    parser.add_argument("--targets", nargs="+", default=chips)
    print(
        "target     operator  lowering     gradients  scatters  gathers  moved GB  "
        "temporaries MiB  products GFLOP  turns x cycles"
    )
    for name in parser.parse_args().targets:
        target = targets.find(name)
        for operator in (push, pull):
            for lowering in ("segment_sum", "matmul"):
                for gradients in (False, True):
                    show(target, operator, lowering, gradients)


def show(target: targets.Target, operator, lowering: str, gradients: bool) -> None:
    """Compile one form and print its row."""

    def forward(x, u):
        return operator(x, u, lowering=lowering)

    def loss(x, u):
        return jnp.sum(jnp.square(forward(x, u)))

    function = jax.value_and_grad(loss, (0, 1)) if gradients else forward
    mapped = jax.pmap(function, devices=target.devices)
    field = (len(target.devices), 1, *CELLS, CHANNELS)
    shapes = [jax.ShapeDtypeStruct(s, np.float32) for s in (field, (*field, 2))]
    with jax.default_device(target.devices[0]):
        lowered, jaxpr = mapped.lower(*shapes), jax.make_jaxpr(mapped)(*shapes)
    program = compile_program(lowered, target.memory)
    scatters, gathers = (
        len(re.findall(rf" {kind}\(", program.text)) for kind in ("scatter", "gather")
    )
    turn = cycles_of_loops(program)
    loops = " + ".join(f"{TURNS} x {cycles:,}" for cycles in turn) or "-"
    print(
        f"{target.name:9}  {operator.__name__:8}  {lowering:11}  "
        f"{'yes' if gradients else 'no':9}  {scatters:8}  {gathers:7}  "
        f"{(program.moved or 0) / 1e9:8.3f}  {program.temporaries / 2**20:15.1f}  "
        f"{products(jaxpr.jaxpr) / 1e9:14.1f}  {loops}",
        flush=True,
    )


def cycles_of_loops(program: Program) -> list[int]:
    """Return the compiler's estimate of the cycles of a turn of each loop."""
    names = re.findall(r" while\(.*?body=%([\w.]+)", program.text)
    bodies = (
        re.search(rf"\n%{re.escape(name)} .*?\n}}", program.text, re.DOTALL)
        for name in names
    )
    estimates = (
        re.findall(r'estimated_cycles":"(\d+)"', body[0]) for body in bodies if body
    )
    return [sum(map(int, found)) for found in estimates]


if __name__ == "__main__":
    main()
