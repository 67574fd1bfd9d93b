"""Time a training step on more and more devices, and its sum of gradients.

    python benchmarks/speed/scaling.py [--config shallow_water:small] [--rounds 5]

The same global batch runs on 1 to 8 virtual CPU devices in one process, and in two
processes on this machine. Virtual devices share the cores: beyond their number no gain
is possible, and "of one device" says how much is lost. All-reduce is the sum of
gradients over devices, timed by itself.

Of a TPU pod `python -m adr_jax describe --target v5e:16x16` tells what its compiler
knows.
"""

import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
import time

ROWS = ((1, 1), (1, 2), (1, 4), (1, 8), (2, 1), (2, 2), (2, 4))  # processes, devices
BATCH = 8


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="shallow_water:small")
    parser.add_argument("--rounds", type=int, default=5, help="timed turns of each row")
    parser.add_argument("--worker", nargs=3, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.config, *arguments.worker)
    else:
        compare(arguments.config, arguments.rounds)


def compare(config: str, rounds: int) -> None:
    """Run the rows in turns, one at a time, and print the table."""
    teams = {row: start(config, *row) for row in ROWS}
    for team in teams.values():  # compiles
        take_turn(team, "step")
        take_turn(team, "reduce")
    times = {(row, what): [] for row in ROWS for what in ("step", "reduce")}
    for _ in range(rounds):
        for row, what in times:
            times[row, what].append(take_turn(teams[row], what))
    said = {
        row: [worker.communicate("stop\n")[0] for worker in team]
        for row, team in teams.items()
    }
    device = said[ROWS[0]][0].splitlines()[-1]
    print(f"{config}, batch {BATCH}, {os.cpu_count()} cores, {device}")
    print("processes  devices  step ms  spread  of one device  all-reduce  of the step")
    one = statistics.median(times[ROWS[0], "step"])
    for row in ROWS:
        steps = times[row, "step"]
        step, reduce = statistics.median(steps), statistics.median(times[row, "reduce"])
        print(
            f"{row[0]:9}  {row[0] * row[1]:7}  {1e3 * step:7.0f}  "
            f"{(max(steps) - min(steps)) / step:6.0%}  {one / step:13.2f}  "
            f"{1e3 * reduce:7.2f} ms  {reduce / step:11.1%}"
        )


def start(config: str, processes: int, devices: int) -> list[subprocess.Popen]:
    """Start the processes of a row; each waits for its turns."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return [
        subprocess.Popen(
            [sys.executable, __file__, "--config", config]
            + ["--worker", str(processes), str(process), str(port)],
            env=os.environ | {"JAX_NUM_CPU_DEVICES": str(devices)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for process in range(processes)
    ]


def take_turn(team: list[subprocess.Popen], what: str) -> float:
    """Return the seconds of the slowest of a row's processes."""
    for worker in team:
        assert worker.stdin
        worker.stdin.write(f"{what}\n")
        worker.stdin.flush()
    return max(answer(worker) for worker in team)


def answer(worker: subprocess.Popen) -> float:
    """Return the seconds that a worker prints."""
    assert worker.stdout
    while line := worker.stdout.readline():
        # The transport between processes prints lines, too.
        if found := re.search(r"seconds: (\S+)", line):
            return float(found.group(1))
    raise SystemExit(f"a worker ended with code {worker.wait()}")


def work(path: str, num_processes: int, process: int, port: int) -> None:
    """Take a step or a sum for each line read, and print its seconds."""
    import jax
    from noise_step import noise_step

    from adr_jax.training import configuration
    from adr_jax.training.devices import host, mapping, processes

    config = configuration.named(path).override(train={"batch_size": BATCH})
    if num_processes > 1:
        processes.start_processes("on", f"127.0.0.1:{port}", num_processes, process)
    host.prepare_host(BATCH)
    unmapped, fresh, whole = noise_step(config)
    step = mapping.map_step(unmapped)
    add_up = mapping.map_step(lambda tree, _: (mapping.total(tree), {}))
    # On the host: a step gives away the memory of the state it is given.
    fresh = jax.device_get(fresh)
    state, gradients = mapping.replicate(fresh), mapping.replicate(fresh.params)
    rows = mapping.rows(BATCH)
    batch = jax.tree.map(lambda array: array[rows], whole)
    while (what := sys.stdin.readline().strip()) != "stop":
        begin = time.perf_counter()
        if what == "step":
            state, _ = jax.block_until_ready(step(state, batch))
        else:
            gradients, _ = jax.block_until_ready(add_up(gradients, batch.row))
        print(f"\nseconds: {time.perf_counter() - begin}", flush=True)
    print(host.describe_devices())


if __name__ == "__main__":
    main()
