"""Measure what lets a network learn to move a patch far, without a growing distance.

    python benchmarks/experiments/far.py [--steps 400] [--seeds 0 1]
        [--distances 16 32] [--output runs/far]

Images, score, rate and batch are those of benchmarks/experiments/transport.py. "Plain"
is the square error of the patch over that of an empty image. "Blurred" is the mean of
that and of the same error of both images blurred by Gaussians of 2, 4, 8 and 16 cells:
they overlap from farther away.

ADRNet has two blocks, whose velocity network looks at three coarser levels. The
pyramid has blocks whose heads start spread over some cells, on four scales
(far_networks.py). Beside it are the same with heads that start near zero, with its flow
held at zero, and with a depthwise convolution of 7 x 7 cells in the place of transport.
The UNet is that of transport.py. Writes far.json.
"""

import dataclasses
import functools
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from far_networks import HeadsBlock, Pyramid
from outcome import as_range, parser, print_table, write
from transport import ADRNET, CELLS, NETWORKS, adam, images

from adr_jax.models.adrnet import ADRNet
from adr_jax.training.devices import host

BLURS = (2, 4, 8, 16)
FAR = {
    "ADRNet": ADRNet(dataclasses.replace(ADRNET, context=3), unroll=True),
    "pyramid": Pyramid(),
    "pyramid, starts near zero": Pyramid(
        functools.partial(HeadsBlock, starts_spread=False)
    ),
    "pyramid, flow held at zero": Pyramid(functools.partial(HeadsBlock, "still")),
    "pyramid, depthwise": Pyramid(functools.partial(HeadsBlock, "depthwise")),
    "UNet": NETWORKS["UNet"],
}
# Tried with the blurred loss too.
BLURRED = ("ADRNet", "pyramid", "UNet")


def main() -> None:
    options = parser(__doc__, "far", seeds=(0, 1))
    options.add_argument("--steps", type=int, default=400)
    options.add_argument("--distances", type=int, nargs="+", default=[16, 32])
    arguments = options.parse_args()
    host.prepare_host(1)
    tried = [(name, False) for name in FAR] + [(name, True) for name in BLURRED]
    rows = []
    for distance in arguments.distances:
        for name, blurred in tried:
            for seed in arguments.seeds:
                rows.append(learn(name, blurred, distance, arguments.steps, seed))
                shown = {key: rows[-1][key] for key in ("model", "loss", "distance")}
                print(*shown.values(), f"{rows[-1]['error']:.3f}", flush=True)
    print(f"\n{arguments.steps} steps a run, {host.describe_devices()}")
    print_rows(rows, tried, arguments.distances)
    write("far", arguments, {"rows": rows})


def print_rows(rows: list[dict], tried: list, distances: list[int]) -> None:
    """Print the range over seeds of each network and loss, by distance."""
    table = []
    for name, blurred in tried:
        loss = "blurred" if blurred else "plain"
        mine = [row for row in rows if (row["model"], row["loss"]) == (name, loss)]
        errors = [
            as_range([row["error"] for row in mine if row["distance"] == distance])
            for distance in distances
        ]
        seconds = statistics.mean(row["seconds"] for row in mine)
        facts = [name, loss, f"{mine[0]['parameters']:,}", f"{seconds:.0f}"]
        table.append([*facts, *errors])
    heads = ["network", "loss", "parameters", "seconds"]
    print_table([*heads, *(f"{distance} cells" for distance in distances)], table)


def relative(forecast: jax.Array, target: jax.Array) -> jax.Array:
    """Return the mean square error over that of an empty image."""
    return jnp.mean((forecast - target) ** 2) / jnp.mean(target**2)


def over_scales(forecast: jax.Array, target: jax.Array) -> jax.Array:
    """Return the mean of that and of the same of both images blurred."""
    errors = [relative(forecast, target)]
    apart = np.subtract.outer(np.arange(CELLS), np.arange(CELLS))
    for sigma in BLURS:
        weights = np.exp(-0.5 * np.square(apart / sigma)) / (sigma * np.sqrt(2 * np.pi))
        both = (
            jnp.einsum("ij,btjkc,lk->btilc", weights, frames, weights)
            for frames in (forecast, target)
        )
        errors.append(relative(*both))
    return jnp.mean(jnp.stack(errors))


def learn(name: str, blurred: bool, distance: int, steps: int, seed: int) -> dict:
    """Train one network for one distance; return its error and time."""
    network, key = FAR[name], jax.random.key(seed)
    history, _ = images(key, float(distance), distance)
    params = {"params": network.init(key, history)["params"]}
    optimizer = adam(steps)

    def error(params, key, compare):
        history, target = images(key, float(distance), distance)
        return compare(network.apply(params, history)[..., :1], target)

    @jax.jit
    def step(params, state, key):
        compare = over_scales if blurred else relative
        gradient = jax.grad(error)(params, key, compare)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state

    state = optimizer.init(params)
    jax.block_until_ready(step(params, state, key))  # compiles
    start = time.perf_counter()
    for index in range(steps):
        params, state = step(params, state, jax.random.fold_in(key, index))
    jax.block_until_ready(params)
    seconds = time.perf_counter() - start
    test = jax.jit(lambda params, key: error(params, key, relative))
    keys = [jax.random.fold_in(key, steps + n) for n in range(8)]
    return {
        "model": name,
        "loss": "blurred" if blurred else "plain",
        "distance": distance,
        "seed": seed,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(params)),
        "error": statistics.mean(float(test(params, key)) for key in keys),
        "seconds": seconds,
    }


if __name__ == "__main__":
    main()
