"""Compile the training step of configurations for TPU slices that are elsewhere.

    python benchmarks/speed/chips.py [--configs shallow_water:small radar]
        [--targets v5e:2x2 v5e:16x16]

Nothing runs: the numbers are the compiler's, a chip each, with the configuration's
batch, or a row a chip where that is more. The times are those of a chip at its peaks,
which no step reaches; "memory ms" counts a loop's body once.
"""

import argparse

from adr_jax import data
from adr_jax.commands.describe_target import least_times
from adr_jax.training import configuration
from adr_jax.training.ahead import rehearse
from adr_jax.training.devices import targets
from adr_jax.training.programs import compile_program


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--configs", nargs="+", default=["shallow_water:small", "radar"]
    )
    parser.add_argument("--targets", nargs="+", default=["v5e:2x2", "v5e:16x16"])
    arguments = parser.parse_args()
    chips = [targets.find(name) for name in arguments.targets]
    print(
        "config              target      rows  compiled s     GiB    of  products ms  "
        "memory ms  gradients MB  sum ms"
    )
    for name in arguments.configs:
        for target in chips:
            show(name, target)


def show(name: str, target: targets.Target) -> None:
    """Compile one step and print its row."""
    config = configuration.named(name)
    rehearsal = rehearse(config, data.frame_shape(config.data), target)
    step = rehearsal.step()
    program = compile_program(step.lower(), target.memory)
    times = dict(least_times(program, step.jaxpr(), target))
    products, memory, sums = (1e3 * time for time in times.values())
    print(
        f"{name:18}  {target.name:10}  {rehearsal.rows:4}  "
        f"{program.seconds_to_compile:10.0f}  {program.memory / 2**30:6.3f}  "
        f"{target.memory / 2**30:4.1f}  {products:11.2f}  {memory:9.2f}  "
        f"{sum(program.collectives.values()) / 1e6:12.2f}  {sums:6.4f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
