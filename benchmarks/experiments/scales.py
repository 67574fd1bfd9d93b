"""Resolution and dimension: time, memory and error of push and of the network.

    python benchmarks/experiments/scales.py [--seconds 30] [--grids 64x64 16x16x16 ...]
        [--output runs/scales]

On each grid, from 64 to 512 cells along an axis in the plane and from 16 to 64 in
space: push, value and gradients of one displacement for each of 16 channels; a training
step of a network of that width and two blocks, with transport and without, four frames
in and one out; and what it has learned of a smooth field that is carried evenly, a 64th
of the side in a frame, after the first twenty steps and after so many seconds of steps.
Memory is what XLA plans to hold at once besides inputs and outputs. The error of push
is that of a blob turned half a radian, two cells a step on its way. Writes scales.json
and scales.svg.
"""

import argparse
import functools
import json
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from adr_jax import push
from adr_jax.models.adrnet import ADRNet
from adr_jax.training.devices import host

GRIDS = ("64x64", "128x128", "256x256", "512x512", "16x16x16", "32x32x32", "64x64x64")
CHANNELS, BLOCKS, PAST, WAVES = 16, 2, 4, 8
SPEED = 1 / 64  # of the side, in a frame
TIMED = 3  # calls, whose median counts
EARLY = 20  # steps, few enough for every grid
NETWORKS = {"with": "push", "without": "none"}
HEAD = (
    "| grid | push: ns a value | bytes a value | error, order 1 | order 3 "
    f"| step: ns a value | bytes a value | steps | nRMSE | after {EARLY} "
    f"| without transport: ns | steps | nRMSE | after {EARLY} | persistence |"
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="of training")
    parser.add_argument("--grids", nargs="+", choices=GRIDS, default=list(GRIDS))
    parser.add_argument("--output", type=pathlib.Path, default="runs/scales")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    host.prepare_host(1)  # the allocator as training sets it, one device
    print(host.describe_devices())
    print(f"{HEAD}\n{'|---' * (HEAD.count('|') - 1)}|")
    rows = []
    for grid in arguments.grids:
        space = tuple(map(int, grid.split("x")))
        row = {"grid": grid, "push": of_push(space)}
        for name, transport in NETWORKS.items():
            row[name] = of_network(space, transport, arguments.seconds)
        rows.append(row)
        print_row(row)
        text = json.dumps({"arguments": str(arguments), "rows": rows}, indent=1)
        (arguments.output / "scales.json").write_text(text + "\n")
    figure = arguments.output / "scales.svg"
    draw(rows).savefig(figure, metadata={"Date": None})
    print(figure)


def of_push(space: tuple[int, ...]) -> dict[str, float]:
    """Cost of value and gradients, per value of the field; errors by order."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(1, *space, CHANNELS)), jnp.float32)
    u = rng.uniform(-3, 3, size=(1, *space, CHANNELS, len(space)))
    both = jax.value_and_grad(lambda x, u: jnp.sum(jnp.square(push(x, u))), (0, 1))
    cost = measured(jax.jit(both), x, jnp.asarray(u, jnp.float32))
    return {name: value / x.size for name, value in cost.items()} | {
        f"order {order}": turned_error(space, order) for order in (1, 3)
    }


def measured(compiled: Callable, *inputs) -> dict[str, float]:
    """Nanoseconds of a call and bytes of temporaries."""
    memory = compiled.lower(*inputs).compile().memory_analysis()
    seconds = []
    for _ in range(1 + TIMED):  # the first compiles
        start = time.perf_counter()
        jax.block_until_ready(compiled(*inputs))
        seconds.append(time.perf_counter() - start)
    return {
        "ns": 1e9 * statistics.median(seconds[1:]),
        "bytes": memory.temp_size_in_bytes,
    }


def turned_error(space: tuple[int, ...], order: int) -> float:
    """Relative error of a blob that turned in the plane of the first two axes."""
    cells, angle, radius = space[0], 0.5, 0.25
    steps = max(1, round(angle * radius * cells / 2))
    middle = (cells - 1) / 2
    offset = np.moveaxis(np.indices(space), 0, -1) - middle
    turn = np.eye(len(space))
    turn[:2, :2] = rotation(angle / steps)
    u = jnp.asarray(offset @ (turn - np.eye(len(space))).T, jnp.float32)[None]

    def blob(at: float) -> np.ndarray:
        centre = np.zeros(len(space))
        centre[:2] = radius * cells * rotation(at)[:, 0]
        square = np.sum(np.square((offset - centre) / (0.08 * cells)), axis=-1)
        return np.exp(-square / 2)[None, ..., None].astype(np.float32)

    @jax.jit
    def march(q):
        def step(q, _):
            return push(q, u, order=order), None

        return jax.lax.scan(step, q, length=steps)[0]

    truth = blob(angle)
    return relative(np.asarray(march(blob(0.0))), truth)


def rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def relative(found: np.ndarray, truth: np.ndarray) -> float:
    """Root mean square of the error over that of the truth."""
    return float(np.sqrt(np.mean(np.square(found - truth)) / np.mean(truth**2)))


def of_network(space: tuple[int, ...], transport: str, seconds: float) -> dict:
    """Cost of a training step per value of the state; errors early and in the end."""
    scale = float(np.std(np.diff(carried(space, 1000), axis=1)))
    model = ADRNet(
        channels=CHANNELS,
        num_blocks=BLOCKS,
        transport=transport,
        boundary="periodic",
        head="persistence",
        change_scale=scale,
        output_scale=scale,
        unroll=jax.default_backend() == "cpu",
    )
    optimizer = optax.adam(2e-3)

    def loss_of(params, window):
        made = model.apply({"params": params}, window[:, :PAST])
        return jnp.mean(jnp.square((made - window[:, PAST:]) / scale))

    @jax.jit
    def step(params, moments, window):
        gradients = jax.grad(loss_of)(params, window)
        updates, moments = optimizer.update(gradients, moments, params)
        return optax.apply_updates(params, updates), moments

    params = model.init(jax.random.key(0), carried(space, 0)[:, :PAST])["params"]
    moments = optimizer.init(params)
    cost = measured(step, params, moments, carried(space, 0))
    values = np.prod(space) * CHANNELS
    forecast = jax.jit(lambda p, history: model.apply({"params": p}, history))
    spent, steps, early = 0.0, 0, {}
    while spent < seconds or steps < EARLY:
        window = carried(space, 1 + steps)  # making it does not count
        start = time.perf_counter()
        params, moments = jax.block_until_ready(step(params, moments, window))
        spent += time.perf_counter() - start
        steps += 1
        if steps == EARLY:
            early = errors_of(functools.partial(forecast, params), space)
    late = errors_of(functools.partial(forecast, params), space)
    return (
        {name: float(value / values) for name, value in cost.items()}
        | {"steps": steps, "early": early["nrmse"]}
        | late
    )


def errors_of(forecast: Callable, space: tuple[int, ...]) -> dict[str, float]:
    """NRMSE of the next frame of eight fields, and that of persistence."""
    errors = {"nrmse": [], "persistence": []}
    for seed in range(1_000_000, 1_000_008):
        window = carried(space, seed)
        past, truth = window[:, :PAST], window[:, PAST:]
        errors["nrmse"].append(relative(np.asarray(forecast(past)), truth))
        errors["persistence"].append(relative(past[:, -1:], truth))
    return {name: statistics.mean(of) for name, of in errors.items()}


def carried(space: tuple[int, ...], seed: int) -> np.ndarray:
    """Waves that all move alike, periodic: (1, PAST + 1, *space, 1), of variance 1."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=len(space))
    velocity = SPEED * direction / np.linalg.norm(direction)
    grid = np.moveaxis(np.indices(space, dtype=np.float32), 0, -1) / space[0]
    frames = np.zeros((PAST + 1, *space), np.float32)
    for _ in range(WAVES):
        number = rng.integers(-3, 4, size=len(space))
        phase = 2 * np.pi * (grid @ number.astype(np.float32)) + rng.uniform(0, 6.28)
        for frame in range(PAST + 1):
            frames[frame] += np.cos(phase - 2 * np.pi * frame * (number @ velocity))
    return np.float32(np.sqrt(2 / WAVES)) * frames[None, ..., None]


def print_row(row: Mapping) -> None:
    moved, network, without = row["push"], row["with"], row["without"]
    cells = [row["grid"], f"{moved['ns']:.0f}", f"{moved['bytes']:.0f}"]
    cells += [f"{moved[f'order {order}']:.2g}" for order in (1, 3)]
    cells += [f"{network['ns']:.0f}", f"{network['bytes']:.0f}", *learned(network)]
    cells += [f"{without['ns']:.0f}", *learned(without)]
    cells.append(f"{network['persistence']:.2g}")
    print(f"| {' | '.join(cells)} |", flush=True)


def learned(network: Mapping) -> list[str]:
    return [str(network["steps"]), *(f"{network[k]:.2g}" for k in ("nrmse", "early"))]


def draw(rows: Sequence[Mapping]):
    """Time, memory and errors against the number of cells, by dimension."""
    plt.rcParams |= {"font.size": 9, "svg.hashsalt": "adr_jax"}
    figure, panels = plt.subplots(1, 3, figsize=(9.0, 3.2), layout="constrained")
    # What is drawn, and where each panel finds it in a row.
    lines = {
        "push, order 1": ("#0072b2", "push", ("ns", "bytes", "order 1")),
        "push, order 3": ("#56b4e9", "push", (None, None, "order 3")),
        "network": ("#d55e00", "with", ("ns", "bytes", "nrmse")),
        "network without transport": ("#999999", "without", ("ns", "bytes", "nrmse")),
    }
    for dimensions, dash in ((2, "-o"), (3, "--s")):
        of = [row for row in rows if row["grid"].count("x") == dimensions - 1]
        cells = [np.prod([int(n) for n in row["grid"].split("x")]) for row in of]
        for name, (colour, part, keys) in lines.items():
            for panel, key in zip(panels, keys, strict=True):
                if key:
                    values = [row[part][key] for row in of]
                    label = f"{name}, {dimensions}-D"
                    panel.plot(cells, values, dash, color=colour, ms=4, label=label)
    titles = ("nanoseconds a value", "bytes a value", "relative error")
    for panel, title in zip(panels, titles, strict=True):
        panel.set(xscale="log", yscale="log", xlabel="cells", title=title)
    handles, labels = panels[2].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return figure


if __name__ == "__main__":
    main()
