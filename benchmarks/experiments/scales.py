"""Measure time, memory and error of push and of the network, by grid and dimension.

    python benchmarks/experiments/scales.py [--seconds 30] [--grids 64x64 16x16x16 ...]
        [--output runs/scales]

Grids have 64 to 512 cells along an axis in the plane and 16 to 64 in space. On each:

- push: value and gradients, one displacement for each of 16 channels. Its error is that
  of a blob turned half a radian, two cells a step on its way.
- network: a training step with 16 channels and two blocks, with transport and without,
  four frames in and one out.
- learning: nRMSE after the first twenty steps and after --seconds of steps. The field
  is smooth and carried evenly, a 64th of the side in a frame.

Memory is what XLA plans to hold at once besides inputs and outputs. Writes scales.json
and scales.svg.
"""

import functools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from outcome import parser, print_row, print_table, set_style, write

from adr_jax import push
from adr_jax.models.adrnet import ADRNet
from adr_jax.options import ModelOptions
from adr_jax.training.devices import host

GRIDS = ("64x64", "128x128", "256x256", "512x512", "16x16x16", "32x32x32", "64x64x64")
CHANNELS, BLOCKS, PAST, WAVES = 16, 2, 4, 8
SPEED = 1 / 64  # of the side, in a frame
TIMED = 3  # calls, whose median counts
EARLY = 20  # steps, few enough for every grid
NETWORKS = {"with": "push", "without": "none"}
HEADS = ["grid", "push: ns a value", "bytes a value", "error, order 1", "order 3"]
HEADS += ["step: ns a value", "bytes a value", "steps", "nRMSE", f"after {EARLY}"]
HEADS += ["without transport: ns", "steps", "nRMSE", f"after {EARLY}", "persistence"]


def main() -> None:
    options = parser(__doc__, "scales")
    options.add_argument("--seconds", type=float, default=30.0, help="of training")
    options.add_argument("--grids", nargs="+", choices=GRIDS, default=list(GRIDS))
    arguments = options.parse_args()
    host.prepare_host(1)  # the allocator as training sets it, one device
    print(host.describe_devices())
    print_table(HEADS, [])
    rows = []
    for grid in arguments.grids:
        space = tuple(map(int, grid.split("x")))
        row = {"grid": grid, "push": measure_push(space)}
        for name, transport in NETWORKS.items():
            row[name] = measure_network(space, transport, arguments.seconds)
        rows.append(row)
        print_row(cells_of(row))
        write("scales", arguments, {"rows": rows})
    write("scales", arguments, {"rows": rows}, draw(rows))


def measure_push(space: tuple[int, ...]) -> dict[str, float]:
    """Return the cost of value and gradients a value, and errors by order."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(1, *space, CHANNELS)), jnp.float32)
    u = rng.uniform(-3, 3, size=(1, *space, CHANNELS, len(space)))

    def loss(x, u):
        return jnp.sum(jnp.square(push(x, u, grouped=True)))

    both = jax.jit(jax.value_and_grad(loss, (0, 1)))
    cost = cost_of(both, x, jnp.asarray(u, jnp.float32))
    return {name: value / x.size for name, value in cost.items()} | {
        f"order {order}": turned_error(space, order) for order in (1, 3)
    }


def cost_of(compiled: Callable, *inputs) -> dict[str, float]:
    """Return the nanoseconds of a call and its bytes of temporaries."""
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
    """Return the error of a blob turned in the plane of the first two axes."""
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
    """Return the root mean square of the error over that of the truth."""
    return float(np.sqrt(np.mean(np.square(found - truth)) / np.mean(truth**2)))


def measure_network(space: tuple[int, ...], transport: str, seconds: float) -> dict:
    """Return the cost of a training step a value, and errors early and late."""
    scale = float(np.std(np.diff(carried(space, 1000), axis=1)))
    options = ModelOptions(
        channels=CHANNELS,
        num_blocks=BLOCKS,
        transport=transport,
        boundary="periodic",
        head="persistence",
    )
    network = ADRNet(
        options,
        change_scale=scale,
        output_scale=scale,
        unroll=jax.default_backend() == "cpu",
    )
    optimizer = optax.adam(2e-3)

    def loss_of(params, window):
        ahead = network.apply({"params": params}, window[:, :PAST])
        return jnp.mean(jnp.square((ahead - window[:, PAST:]) / scale))

    @jax.jit
    def step(params, moments, window):
        gradients = jax.grad(loss_of)(params, window)
        updates, moments = optimizer.update(gradients, moments, params)
        return optax.apply_updates(params, updates), moments

    params = network.init(jax.random.key(0), carried(space, 0)[:, :PAST])["params"]
    moments = optimizer.init(params)
    cost = cost_of(step, params, moments, carried(space, 0))
    values = np.prod(space) * CHANNELS
    forecast = jax.jit(lambda p, history: network.apply({"params": p}, history))
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
    """Return the nRMSE of the next frame of eight fields, and of persistence."""
    errors = {"nrmse": [], "persistence": []}
    for seed in range(1_000_000, 1_000_008):
        window = carried(space, seed)
        past, truth = window[:, :PAST], window[:, PAST:]
        errors["nrmse"].append(relative(np.asarray(forecast(past)), truth))
        errors["persistence"].append(relative(past[:, -1:], truth))
    return {name: statistics.mean(values) for name, values in errors.items()}


def carried(space: tuple[int, ...], seed: int) -> np.ndarray:
    """Return periodic waves of one velocity, (1, PAST + 1, *space, 1), variance 1."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=len(space))
    velocity = SPEED * direction / np.linalg.norm(direction)
    grid = np.moveaxis(np.indices(space, dtype=np.float32), 0, -1) / space[0]
    frames = np.zeros((PAST + 1, *space), np.float32)
    for _ in range(WAVES):
        wave = rng.integers(-3, 4, size=len(space))
        phase = 2 * np.pi * (grid @ wave.astype(np.float32)) + rng.uniform(0, 6.28)
        for frame in range(PAST + 1):
            frames[frame] += np.cos(phase - 2 * np.pi * frame * (wave @ velocity))
    return np.float32(np.sqrt(2 / WAVES)) * frames[None, ..., None]


def cells_of(row: Mapping) -> list[str]:
    """Return the cells of a grid's row of the table, in the order of HEADS."""
    moved, network, without = row["push"], row["with"], row["without"]
    cells = [row["grid"], f"{moved['ns']:.0f}", f"{moved['bytes']:.0f}"]
    cells += [f"{moved[f'order {order}']:.2g}" for order in (1, 3)]
    cells += [f"{network['ns']:.0f}", f"{network['bytes']:.0f}", *learned(network)]
    cells += [f"{without['ns']:.0f}", *learned(without)]
    return [*cells, f"{network['persistence']:.2g}"]


def learned(network: Mapping) -> list[str]:
    return [str(network["steps"]), *(f"{network[k]:.2g}" for k in ("nrmse", "early"))]


def draw(rows: Sequence[Mapping]):
    """Draw time, memory and errors by number of cells and dimension."""
    set_style()
    figure, panels = plt.subplots(1, 3, figsize=(9.0, 3.2), layout="constrained")
    # Of each line: its colour, its part of a row, and its value in each panel.
    lines = {
        "push, order 1": ("#0072b2", "push", ("ns", "bytes", "order 1")),
        "push, order 3": ("#56b4e9", "push", (None, None, "order 3")),
        "network": ("#d55e00", "with", ("ns", "bytes", "nrmse")),
        "network without transport": ("#999999", "without", ("ns", "bytes", "nrmse")),
    }
    for dimensions, dash in ((2, "-o"), (3, "--s")):
        chosen = [row for row in rows if row["grid"].count("x") == dimensions - 1]
        cells = [np.prod([int(n) for n in row["grid"].split("x")]) for row in chosen]
        for name, (colour, part, keys) in lines.items():
            for panel, key in zip(panels, keys, strict=True):
                if key:
                    values = [row[part][key] for row in chosen]
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
