"""Measure over what distance each network learns to move a patch in one forecast.

    python benchmarks/experiments/transport.py [--steps 400] [--output runs/transport]

Each image holds a random patch of 7 x 7 cells. Two further channels are its momentum:
the same patch times its displacement, D cells along each axis, give or take two. The
target is the patch where it arrives. Networks forecast all three channels; loss and
scores compare the first one, the patch.

The networks are ADRNet, the same without transport (a ResNet), and a UNet of about as
many parameters. All train for the same number of steps, a new batch every step: once
with the distance as it is, and once with one that grows from 2 cells to it over the
first 60 % of the steps. Scores are the mean square error on new images over that of
an empty image: 0 is perfect, 1 is nothing learned. Writes transport.json and
transport.svg.
"""

import dataclasses
import itertools
import statistics
import time

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from outcome import COLOURS, parser, set_style, write

from adr_jax.models.adrnet import ADRNet
from adr_jax.models.unet import UNet
from adr_jax.options import ModelOptions
from adr_jax.training.devices import host

CELLS, PATCH = 48, 7
DISTANCES = (2, 4, 8, 16, 32)
BATCH = 8
ADRNET = ModelOptions(channels=16, num_blocks=2, head="frames", boundary="open")
RESNET = dataclasses.replace(ADRNET, transport="none")
UNET = dataclasses.replace(ADRNET, name="unet", channels=7)
NETWORKS = {
    "ADRNet": ADRNet(ADRNET, unroll=True),
    "ResNet": ADRNet(RESNET, unroll=True),
    "UNet": UNet(UNET, levels=2, unroll=True),
}
STYLES = COLOURS | {"ResNet": COLOURS["CNN"]}
DASHES = {False: "-", True: "--"}


def main() -> None:
    options = parser(__doc__, "transport", seed=0)
    options.add_argument("--steps", type=int, default=400)
    arguments = options.parse_args()
    host.prepare_host(1)
    rows = []
    print(host.describe_devices())
    for distance in DISTANCES:
        for name in NETWORKS:
            for growing in (False, True):
                row = learn(name, distance, growing, arguments.steps, arguments.seed)
                rows.append(row)
                print(
                    f"{distance:3} cells{', growing' if growing else '':9}  {name:7} "
                    f"{row['parameters']:7,} parameters  error {row['error']:.3f}  "
                    f"{row['seconds']:.0f} s",
                    flush=True,
                )
    write("transport", arguments, {"rows": rows}, draw(rows))


def images(key, distance, unit: float):
    """Return a history (batch, 1, cells, cells, 3) and its target (..., 1).

    Momentum is in units of `unit` cells a frame.
    """
    patch_key, corner_key, move_key = jax.random.split(key, 3)
    patch = jax.random.uniform(patch_key, (BATCH, PATCH, PATCH), minval=0.2)
    furthest = CELLS - PATCH - jnp.ceil(distance).astype(int) - 2
    corner = jax.random.randint(corner_key, (BATCH, 2), 0, furthest + 1)
    move = jnp.round(
        distance + jax.random.uniform(move_key, (BATCH, 2), minval=-2, maxval=2)
    ).astype(int)

    def image(patch, corner):
        empty = jnp.zeros((CELLS, CELLS))
        return jax.lax.dynamic_update_slice(empty, patch, (corner[0], corner[1]))

    before, after = (jax.vmap(image)(patch, at) for at in (corner, corner + move))
    momentum = before[..., None] * move[:, None, None] / unit
    history = jnp.concatenate([before[..., None], momentum], axis=-1)
    return history[:, None], after[:, None, ..., None]


def adam(steps: int) -> optax.GradientTransformation:
    """Return Adam, its rate falling as a cosine."""
    rate = optax.cosine_decay_schedule(3e-3, steps)
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))


def learn(name: str, furthest: int, growing: bool, steps: int, seed: int) -> dict:
    """Train one network for one distance; return its errors and times."""
    network = NETWORKS[name]
    key = jax.random.key(seed)
    history, _ = images(key, float(furthest), furthest)
    params = {"params": network.init(key, history)["params"]}
    optimizer = adam(steps)

    def error(params, key, distance):
        history, target = images(key, distance, furthest)
        forecast = network.apply(params, history)[..., :1]
        return jnp.mean((forecast - target) ** 2) / jnp.mean(target**2)

    @jax.jit
    def step(params, state, key, distance):
        loss, gradient = jax.value_and_grad(error)(params, key, distance)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, loss

    def distance_at(index: int) -> float:
        share = min(1.0, index / (0.6 * steps)) if growing else 1.0
        return DISTANCES[0] + share * (furthest - DISTANCES[0])

    state = optimizer.init(params)
    jax.block_until_ready(step(params, state, key, distance_at(0)))  # compiles
    losses, seconds, start = [], [], time.perf_counter()
    for index in range(steps):
        batch_key = jax.random.fold_in(key, index)
        params, state, loss = step(params, state, batch_key, distance_at(index))
        losses.append(float(loss))
        seconds.append(time.perf_counter() - start)
    test = jax.jit(error)
    keys = [jax.random.fold_in(key, steps + n) for n in range(8)]
    errors = [float(test(params, key, float(furthest))) for key in keys]
    return {
        "model": name,
        "distance": furthest,
        "growing": growing,
        "seed": seed,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(params)),
        "error": statistics.mean(errors),
        "seconds": seconds[-1],
        "losses": losses,
        "at_seconds": seconds,
    }


def draw(rows: list[dict]):
    """Draw losses by step and by second at one distance, and errors by distance.

    Lines are dashed where the distance grew: losses are then those of the distance of
    that step.
    """
    set_style()
    figure, (steps, seconds, reach) = plt.subplots(
        1, 3, figsize=(10, 3.2), layout="tight"
    )
    shown = 16
    for row in rows:
        if row["distance"] == shown:
            style = {"color": STYLES[row["model"]], "linestyle": DASHES[row["growing"]]}
            # The means of ten steps at a time.
            whole = len(row["losses"]) // 10 * 10
            means = np.reshape(row["losses"][:whole], (-1, 10)).mean(axis=1)
            steps.plot(range(10, whole + 1, 10), means, **style)
            seconds.plot(row["at_seconds"][9:whole:10], means, **style)
    for name, growing in itertools.product(NETWORKS, DASHES):
        chosen = [r for r in rows if (r["model"], r["growing"]) == (name, growing)]
        reach.plot(
            [row["distance"] for row in chosen],
            [row["error"] for row in chosen],
            marker="o",
            color=STYLES[name],
            linestyle=DASHES[growing],
            label=f"{name}, growing" if growing else name,
        )
    steps.set(xlabel="step", ylabel=f"error, {shown} cells away", ylim=(0, 1.1))
    seconds.set(xlabel="seconds", ylim=(0, 1.1))
    reach.set(xlabel="distance in cells", ylabel="error at the end", ylim=(0, 1.1))
    reach.set_xscale("log", base=2)
    reach.set_xticks(DISTANCES, [str(distance) for distance in DISTANCES])
    reach.legend()
    return figure


if __name__ == "__main__":
    main()
