"""Time a training step of the shallow-water ADRNet and of the same one in PyTorch.

    python benchmarks/speed/torch_step.py [--rounds 10] [--profile]

`pip install '.[bench]' torch`. The peer is written as one would write it in PyTorch:
channels first, run eagerly, push as four `scatter_add`s. Both take the same parameters.
A check comes first that they forecast the same and have the same gradients. Then their
steps (forward, backward, clipping, AdamW) take turns in one process, each on all cores.
`--profile` also times the parts of ours, and lists the peer's slowest operations.
"""

import argparse
import os
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as tf
from jax.flatten_util import ravel_pytree
from noise_step import UNIT, noise_step

import adr_jax
from adr_jax.models.blocks import Velocity
from adr_jax.options import Configuration
from adr_jax.training.devices import host, mapping
from adr_jax.training.network import build_network
from adr_jax.training.optimizer import make_optimizer
from adr_jax.training.step import init_state
from configs import shallow_water


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    config = Configuration.of(shallow_water.get_config().to_dict()).override(
        model={"reaction": "pointwise", "frames_out": 1},
        train={"optimizer": "adamw", "noise": 0.0},
    )
    host.prepare_host(config.train.batch_size)
    unmapped, fresh, batch = noise_step(config)
    train_step, state = mapping.map_step(unmapped), mapping.replicate(fresh)

    def ours():
        nonlocal state
        state, _ = jax.block_until_ready(train_step(state, batch))

    size, _, cells, *_ = batch.frames.shape
    steps = {"adr_jax": ours, "PyTorch, eager": peers(config, batch.frames)}
    times = {name: [] for name in steps}
    for _ in range(1 + arguments.rounds):  # the first compiles
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    print(f"{host.describe_devices()}; {size} windows of {cells} x {cells} cells")
    one = statistics.median(times["adr_jax"][1:])
    for name, seconds in times.items():
        middle = statistics.median(seconds[1:])
        spread = (max(seconds[1:]) - min(seconds[1:])) / middle
        print(f"{name:16} {1e3 * middle:6.0f} ms ±{spread:.0%}  {middle / one:.2f}")
    if arguments.profile:
        profile_ours(config)
        profile_peer(steps["PyTorch, eager"])


def peers(config, frames, *, compiled=False):
    """Return a call that takes the same step in PyTorch, checked against ours.

    It works on PyTorch's default device, in the configuration's `model.dtype`. The
    check is of float32, run eagerly.
    """
    network = build_network(config, UNIT)
    state = init_state(network, make_optimizer(config.train), config, frames.shape[2:])
    params = jax.tree.map(
        lambda leaf: torch.tensor(np.asarray(leaf), requires_grad=True),
        state.params["params"],
    )
    leaves = jax.tree.leaves(params)
    history = torch.tensor(frames[:, : config.data.history, ..., 0])
    target = torch.tensor(frames[:, config.data.history, ..., 0])

    run = torch.compile(forecast) if compiled else forecast
    device, half = history.device.type, config.model.dtype == "bfloat16"

    def loss_of():
        with torch.autocast(device, torch.bfloat16, enabled=half):
            ahead = run(params, history, config)
        return torch.mean((ahead - target) ** 2)

    if not (half or compiled):
        check(network, state.params, frames, config, loss_of(), leaves)
    rule = torch.optim.AdamW(leaves, lr=1e-5, weight_decay=config.train.weight_decay)

    def take():
        rule.zero_grad()
        loss_of().backward()
        torch.nn.utils.clip_grad_norm_(leaves, config.train.clip)
        rule.step()

    return take


def check(network, params, frames, config, loss, leaves):
    """Check that both have one loss and one gradient."""

    def loss_of(params):
        past = jnp.asarray(frames[:, : config.data.history])
        target = frames[:, config.data.history]
        return jnp.mean((network.apply(params, past)[:, 0] - target) ** 2)

    value, gradient = jax.jit(jax.value_and_grad(loss_of))(params)
    loss.backward()
    peer = np.concatenate([leaf.grad.cpu().numpy().ravel() for leaf in leaves])
    own = np.asarray(ravel_pytree(gradient)[0])
    # Sums over 65,536 cells in float32, in another order; GPUs multiply in TF32, of ten
    # bits.
    on_cpu = jax.default_backend() == "cpu"
    np.testing.assert_allclose(loss.item(), value, rtol=1e-5 if on_cpu else 1e-2)
    error = np.linalg.norm(own - peer) / np.linalg.norm(own)
    assert error < (1e-3 if on_cpu else 1e-1), f"gradients differ by {error:.1e}"


def forecast(params, history, config):
    """Return the next frame, (batch, rows, columns)."""
    history = history[:, -config.model.frames_in :]
    seen = torch.cat([history[:, -1:], torch.diff(history, dim=1)], dim=1)
    z = pointwise(params["embed"], seen).float()
    blocks = config.model.num_blocks
    for index in range(blocks):
        z = block(at(params["blocks"], index), z, 1 / blocks)
    flux = conv(params["flux"]["Conv_0"], pointwise(params["project"], z))
    inflow = inflow_along(flux[:, 0], -2) + inflow_along(flux[:, 1], -1)
    return 2 * history[:, -1] - history[:, -2] + inflow


def block(p, z, h):
    """Apply advection, explicit diffusion and reaction."""
    y = norm(p["velocity"]["Norm_0"], z)
    inner = tf.silu(conv(p["velocity"]["Conv_0"]["Conv_0"], y))
    y = y + conv(p["velocity"]["Conv_1"]["Conv_0"], inner)
    u = h * conv(p["velocity"]["Conv_2"]["Conv_0"], tf.silu(y))
    # Not unflatten, which torch.compile does not follow.
    z = push(z, u.float().reshape(*z.shape[:2], 2, *z.shape[2:]))
    amount = -torch.expm1(-4 * h * tf.softplus(p["diffusion"])) / 4
    spread = sum(inflow_along(z - torch.roll(z, -1, axis), axis) for axis in (-2, -1))
    z = z + amount[:, None, None] * spread
    return z + h * pointwise(p["reaction"], norm(p["Norm_0"], z))


def push(z, u):
    """Push by (batch, channels, 2, rows, columns), content kept at the edge."""
    rows, columns = z.shape[-2:]
    arrival = []
    for axis, n in enumerate((rows, columns)):
        shape = [n if k == axis else 1 for k in range(2)]
        cell = torch.arange(n, device=u.device).view(shape)
        arrival.append((u[:, :, axis] + cell).clamp(0, n - 1))
    lower = [torch.floor(position) for position in arrival]
    right = [position - floor for position, floor in zip(arrival, lower, strict=True)]
    lower = [floor.long() for floor in lower]
    out = torch.zeros_like(z).flatten(2)
    for down in (0, 1):
        for across in (0, 1):
            row = (lower[0] + down).clamp(max=rows - 1)
            column = (lower[1] + across).clamp(max=columns - 1)
            share = right[0] if down else 1 - right[0]
            share = share * (right[1] if across else 1 - right[1])
            index = (row * columns + column).flatten(2)
            out = out.scatter_add(2, index, (share * z).flatten(2))
    return out.view_as(z)


def inflow_along(flux, axis):
    """Return what each cell gains between walls."""
    flux = flux.transpose(axis, -1)
    inner = flux[..., :-1]
    return (tf.pad(inner, (1, 0)) - tf.pad(inner, (0, 1))).transpose(axis, -1)


def norm(p, z):
    size = torch.sqrt(torch.mean(z**2, (1, 2, 3), keepdim=True) + 1e-6)
    return z / size * p["gain"][:, None, None]


def conv(p, z):
    kernel = p["kernel"].permute(3, 2, 0, 1)
    # Not tf.pad, whose gradient PyTorch 2.13 compiles to code that stops with an error.
    for axis in (2, 3):
        ends = z.narrow(axis, 0, 1), z.narrow(axis, z.shape[axis] - 1, 1)
        z = torch.cat([ends[0], z, ends[1]], axis)
    return tf.conv2d(z, kernel, p["bias"])


def dense(p, z):
    return tf.conv2d(z, p["kernel"].T[:, :, None, None], p.get("bias"))


def pointwise(p, z):
    return dense(p["Dense_0"], tf.silu(dense(p["Dense_1"], z))) + dense(p["Dense_2"], z)


def at(tree, index):
    """Return a block's parameters."""
    if isinstance(tree, dict):  # not jax.tree.map, which torch.compile cannot follow
        return {name: at(branch, index) for name, branch in tree.items()}
    return tree[index]


def profile_ours(config) -> None:
    """Time value and gradients of a block's parts, on one device's windows."""
    channels, blocks = config.model.channels, config.model.num_blocks
    rows = config.train.batch_size // jax.local_device_count()
    keys = jax.random.split(jax.random.key(0), 2)
    z = jax.random.normal(
        keys[0], (rows, config.data.cells, config.data.cells, channels)
    )
    u = jax.random.normal(keys[1], (*z.shape, 2))
    velocity = Velocity(channels, "clamp")
    params = velocity.init(keys[0], z)

    def velocity_of(params, z):
        out = velocity.apply(params, z)
        assert isinstance(out, jax.Array)  # not a pair with changed variables
        return jnp.sum(out**2)

    parts = {
        "push": (lambda z, u: jnp.sum(adr_jax.push(z, u, grouped=True) ** 2), (z, u)),
        "velocity": (velocity_of, (params, z)),
    }
    for name, (function, arguments) in parts.items():
        timed = jax.jit(jax.value_and_grad(function, argnums=(0, 1)))
        jax.block_until_ready(timed(*arguments))
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            jax.block_until_ready(timed(*arguments))
            seconds.append(time.perf_counter() - start)
        middle = blocks * statistics.median(seconds)
        print(f"ours, {blocks} x {name}, one device: {1e3 * middle:.0f} ms")


def profile_peer(step) -> None:
    """Print PyTorch's own table of its slowest operations."""
    with torch.profiler.profile() as profile:
        step()
    print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=12))


if __name__ == "__main__":
    main()
