"""Time a training step: steps, samples per second, and compilation.

    python benchmarks/speed/train_step.py --config configs/shallow_water.py [--rounds 8]

There is one row for each of unroll on and off, one and two virtual CPU devices. The
number of devices is fixed when a process starts, so each row has a process of its own.
They take turns one at a time, interleaved, and none works while another is timed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="configs/shallow_water.py")
    parser.add_argument("--rounds", type=int, default=8, help="timed turns of each row")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.config, unroll=arguments.worker[0])
    else:
        compare(arguments.config, arguments.rounds)


def compare(config: str, rounds: int) -> None:
    """Run the workers in turns and print the table."""
    rows = [(unroll, devices) for unroll in ("on", "off") for devices in ("1", "2")]
    workers = {}
    for unroll, devices in rows:
        workers[unroll, devices] = subprocess.Popen(
            [sys.executable, __file__, "--config", config, "--worker", unroll, devices],
            env=os.environ | {"JAX_NUM_CPU_DEVICES": devices},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    # The first turn of each compiles.
    compile_seconds = {row: take_turn(workers[row]) for row in rows}
    times = {row: [] for row in rows}
    for _ in range(rounds):
        for row in rows:
            times[row].append(take_turn(workers[row]))
    info = {}
    for row, worker in workers.items():
        info[row] = json.loads(worker.communicate("stop\n")[0])
    batch = info[rows[0]]["batch_size"]
    print(f"{config}, batch {batch}, {info[rows[0]]['device']}")
    print("unroll  devices  step ms  spread  samples/s  compile s  of the first row")
    base = statistics.median(times[rows[0]])
    for row in rows:
        step = statistics.median(times[row])
        spread = (max(times[row]) - min(times[row])) / step
        print(
            f"{row[0]:>6}  {row[1]:>7}  {1e3 * step:7.0f}  {spread:5.0%}  "
            f"{batch / step:9.2f}  {compile_seconds[row] - step:9.1f}  "
            f"{step / base:.2f}"
        )


def take_turn(worker: subprocess.Popen) -> float:
    """Return the seconds of one step of a worker."""
    assert worker.stdin and worker.stdout
    worker.stdin.write("step\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def work(path: str, unroll: str) -> None:
    """Take a step for each line read, and print its seconds."""
    import jax
    from noise_step import noise_step

    from adr_jax.training import configuration
    from adr_jax.training.devices import host, mapping

    config = configuration.named(path).override(model={"unroll": unroll})
    size = config.train.batch_size
    host.prepare_host(size)
    unmapped, fresh, batch = noise_step(config)
    step, state = mapping.map_step(unmapped), mapping.replicate(fresh)
    while sys.stdin.readline() == "step\n":
        start = time.perf_counter()
        state, _ = jax.block_until_ready(step(state, batch))
        print(time.perf_counter() - start, flush=True)
    print(json.dumps({"batch_size": size, "device": host.describe_devices()}))


if __name__ == "__main__":
    main()
