"""Measure adr_jax on one GPU, part after part: one JSON, one table.

    benchmarks/gpu.sh [PART ...] [--seconds 480] [--output runs/gpu/gpu.json] [--small]

Each part is a process of its own: what it yields is written at once, and one that fails
or runs out of its time leaves the others as they are. Their standard error goes into
a file beside the JSON. --small takes tiny sizes, as without a GPU: it shows that all
works, and its numbers mean nothing.
"""

import argparse
import contextlib
import importlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import NamedTuple

from gpu_timing import Row, one_line

from adr_jax.operators import cuda

DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
# Of a GPU's memory JAX takes so much at its start; the rest is for PyTorch.
SHARE_OF_MEMORY = "0.5"


class Part(NamedTuple):
    """A part of the measurements: function `name` of a module."""

    module: str
    # It begins nothing new after so many.
    seconds: float
    # XLA's flags, and whether the one that some versions need is added.
    flags: str = ""
    sets_flag: bool = True


PARTS = {
    "bandwidth": Part("gpu_bandwidth", 30),
    "push": Part("gpu_push", 110),
    "push_without_flag": Part("gpu_push", 15, sets_flag=False),
    "motion": Part("gpu_motion", 40),
    "train": Part("gpu_train", 170),
    "resume": Part("gpu_runs", 50, DETERMINISTIC),
    "learn": Part("gpu_runs", 460),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seconds", type=float, default=480, help="of all parts")
    file = pathlib.Path("runs/gpu/gpu.json")
    parser.add_argument("--output", type=pathlib.Path, default=file)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if arguments.worker:
        work(arguments.parts[0], arguments.seconds, arguments.small)
    else:
        measure(arguments)


def measure(arguments: argparse.Namespace) -> None:
    """Run the parts, writing and printing what each finds as it comes."""
    end = time.monotonic() + arguments.seconds
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    content = {"small": arguments.small, "rows": []}
    with open(arguments.output.with_suffix(".log"), "w") as log:
        for name in arguments.parts or PARTS:
            for found in run(name, end - time.monotonic(), arguments.small, log):
                if "device" in found:
                    if "device" not in content:
                        print_head(found["device"])
                    content |= found
                else:
                    content["rows"].append({"part": name, **found})
                    print_row(content["rows"][-1])
                write(arguments.output, content)
    print(f"\n{arguments.output}")


def run(name: str, left: float, small: bool, log) -> Iterator[Row]:
    """Yield the rows of a part from its process, which is ended when time is up."""
    seconds = min(PARTS[name].seconds, left)
    if seconds < 5:
        yield {"what": "left out: no time is left"}
        return
    flags = filter(None, (os.environ.get("XLA_FLAGS"), PARTS[name].flags))
    environment = {
        "XLA_PYTHON_CLIENT_MEM_FRACTION": SHARE_OF_MEMORY,
        **os.environ,
        "XLA_FLAGS": " ".join(flags),
    }
    if small:
        environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # compiles in half the time
    command = [sys.executable, __file__, name, "--worker", f"--seconds={seconds}"]
    process = subprocess.Popen(
        command + ["--small"] * small,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    # One row may take long; it still ends before the time of all is up.
    timer = threading.Timer(min(1.5 * seconds, left), process.kill)
    timer.start()
    try:
        assert process.stdout
        yield from map(json.loads, process.stdout)
    finally:
        timer.cancel()
    if process.wait():
        reason = f"out of time, or died (exit code {process.returncode})"
        yield {"what": "the rest", "failed": reason}


def work(name: str, seconds: float, small: bool) -> None:
    """Print the rows of a part, a line of JSON each; what else is printed is a log."""
    rows = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        try:
            for row in rows_of(name, seconds, small):
                print(json.dumps(row), file=rows, flush=True)
        except Exception as error:  # the next part goes on
            traceback.print_exc()
            failed = {"what": "the rest", "failed": one_line(error)}
            print(json.dumps(failed), file=rows, flush=True)


def rows_of(name: str, seconds: float, small: bool) -> Iterator[Row]:
    """Yield the facts about this machine, then the rows of a part."""
    if PARTS[name].sets_flag:
        cuda.set_flag()
    import jax

    from adr_jax.training.devices import host

    small |= jax.default_backend() == "cpu"
    yield {"device": host.describe_devices(), "jax": jax.__version__, "small": small}
    yield from getattr(importlib.import_module(PARTS[name].module), name)(
        small, seconds
    )


def write(file: pathlib.Path, content: Row) -> None:
    """Write all that is known, so that the file is whole at any moment."""
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    partial.replace(file)


def print_head(device: str) -> None:
    """Print the device and the head of the table."""
    print(f"{device}\n\n| part | what | ms | compile s | |\n|---|---|---|---|---|")


def print_row(found: Row) -> None:
    """Print a row of the table, in Markdown."""
    facts = dict(found)
    part, what = facts.pop("part"), facts.pop("what")
    times = [_text(facts.pop(name, "")) for name in ("ms", "compile s")]
    more = ", ".join(f"{name} {_text(value)}" for name, value in facts.items())
    print(f"| {part} | {what} | {' | '.join(times)} | {more} |", flush=True)


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
