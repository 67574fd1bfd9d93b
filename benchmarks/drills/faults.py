"""Kill, stop, damage or starve runs, start them again, and compare what they leave.

    python benchmarks/drills/faults.py [--tries N] [--only WORD] [--seed 0]

Each try disturbs a small run of train.py and gives the same command again. What that
leaves is compared bit by bit with an undisturbed run: parameters and optimiser, last
and best. It takes minutes: two processes notice the death of a third by its silence.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
from etils import epath

from adr_jax.data.shallow_water import dam_break
from adr_jax.data.shallow_water import source as shallow_water
from adr_jax.training.run.checkpoint import Checkpoints

ROOT = pathlib.Path(__file__).parents[2]
STEPS = 60
CHECKPOINT_EVERY = 5
FLAGS = {
    "config": "configs/shallow_water.py:small",
    "config.data.cells": 16,
    "config.data.history": 4,
    "config.model.channels": 8,
    "config.train.steps": STEPS,
    "config.train.log_every": 1,
    "config.train.checkpoint_every": CHECKPOINT_EVERY,
    "config.train.validate_every": 10,
    "config.train.validation_windows": 4,
    "config.train.validation_frames": 3,
    "config.eval.protocols": "('one_step',)",
}
# No file may grow beyond 24 blocks of 512 bytes: metrics fit, arrays do not.
FULL_DISK = ("sh", "-c", 'ulimit -f 24; exec "$@"', "sh")


@dataclasses.dataclass
class Run:
    """A run of train.py in its own folder."""

    workdir: pathlib.Path
    data: pathlib.Path
    processes: int = 1
    children: list[subprocess.Popen] = dataclasses.field(default_factory=list)
    output: str = ""

    def start(self, full_disk: bool = False) -> None:
        """Start every process with the same command."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.children = []
        for process in range(self.processes):
            flags = FLAGS | {"workdir": self.workdir, "config.data.path": self.data}
            if self.processes > 1:
                flags |= {
                    "coordinator": f"127.0.0.1:{port}",
                    "num_processes": self.processes,
                    "process_id": process,
                }
            command = [f"--{name}={value}" for name, value in flags.items()]
            with self.log(process).open("w") as log:
                child = subprocess.Popen(
                    [*(FULL_DISK if full_disk else ()), sys.executable, "train.py"]
                    + command,
                    cwd=ROOT,
                    env=os.environ | {"JAX_PLATFORMS": "cpu"},
                    stdout=log,
                    stderr=log,
                )
            self.children.append(child)

    def log(self, process: int = 0) -> pathlib.Path:
        """Return the file of what a process prints."""
        return self.workdir.with_name(f"{self.workdir.name}.{process}.log")

    def wait(self) -> list[int]:
        """Wait for all processes; return their exit codes."""
        codes = [child.wait(timeout=600) for child in self.children]
        self.output = self.log().read_text()
        return codes

    def step(self) -> int:
        """Return the last step logged so far."""
        try:
            lines = (self.workdir / "metrics.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return 0
        for line in reversed(lines):
            with contextlib.suppress(json.JSONDecodeError):
                return json.loads(line)["step"]
        return 0

    def wait_for_step(self, step: int) -> None:
        """Wait until the step is logged, or the run has ended."""
        while self.step() < step and self.children[0].poll() is None:
            time.sleep(0.002)

    def result(self) -> dict[str, np.ndarray]:
        """Return every array it leaves, by name."""
        arrays = {}
        for folder in ("checkpoints", "best"):
            checkpoints = Checkpoints(epath.Path(self.workdir / folder), keep=3)
            restored = checkpoints.restore()
            checkpoints.close()
            assert restored, f"{self.workdir / folder} is empty"
            arrays |= flatten(restored[0], folder)
            arrays[f"{folder}/step"] = np.array(restored[1]["step"])
        return arrays


def flatten(tree: dict, prefix: str) -> dict[str, np.ndarray]:
    flat = {}
    for name, value in tree.items():
        path = f"{prefix}/{name}"
        flat |= flatten(value, path) if isinstance(value, dict) else {path: value}
    return {name: value for name, value in flat.items() if value is not None}


def kill(run: Run, signum: int = signal.SIGKILL, process: int = 0) -> None:
    with contextlib.suppress(ProcessLookupError):
        run.children[process].send_signal(signum)


def wait_at_random(run: Run) -> None:
    """Wait for a moment between the first step and the last."""
    run.wait_for_step(random.randint(1, STEPS - 1))
    time.sleep(random.uniform(0, 0.02))


def killed(run: Run) -> None:
    wait_at_random(run)
    kill(run)


def killed_in_a_save(run: Run) -> None:
    """Kill while a checkpoint is being written, or a little later."""
    run.wait_for_step(random.randint(1, STEPS - 1))
    folders = [run.workdir / name for name in ("checkpoints", "best")]
    while run.children[0].poll() is None:
        if any(".orbax-checkpoint-tmp" in p.name for f in folders for p in ls(f)):
            time.sleep(random.uniform(0, 0.03))
            break
    kill(run)


def ls(folder: pathlib.Path) -> list[pathlib.Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def killed_at_start(run: Run) -> None:
    time.sleep(random.uniform(0, 4))
    kill(run)


def terminated(run: Run) -> None:
    wait_at_random(run)
    kill(run, signal.SIGTERM)


def interrupted(run: Run) -> None:
    wait_at_random(run)
    kill(run, signal.SIGINT)


def damaged(harm: Callable[[pathlib.Path], None]) -> Callable[[Run], None]:
    """Return a fault: killed, then one file of its newest checkpoint is damaged."""

    def fault(run: Run) -> None:
        run.wait_for_step(random.randint(2 * CHECKPOINT_EVERY, STEPS - 1))
        kill(run)
        run.wait()
        steps = [
            path for path in ls(run.workdir / "checkpoints") if path.name.isdigit()
        ]
        newest = max(steps, key=lambda path: int(path.name))
        harm(random.choice([path for path in newest.rglob("*") if path.is_file()]))

    return fault


def truncate(path: pathlib.Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip_a_bit(path: pathlib.Path) -> None:
    content = bytearray(path.read_bytes() or b" ")
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def full_disk(run: Run) -> None:
    """Kill the run and start it again on a full disk."""
    wait_at_random(run)
    kill(run)
    run.wait()
    run.start(full_disk=True)


def peer_killed(process: int) -> Callable[[Run], None]:
    def fault(run: Run) -> None:
        wait_at_random(run)
        kill(run, process=process)

    return fault


def one_terminated(run: Run) -> None:
    wait_at_random(run)
    kill(run, signal.SIGTERM, process=1)


# Name, fault, tries, processes, expected exit codes.
FAULTS = (
    ("kill -9 while starting", killed_at_start, 4, 1, {-9}),
    ("kill -9 at any moment", killed, 10, 1, {-9}),
    ("kill -9 inside a save", killed_in_a_save, 6, 1, {-9}),
    ("SIGTERM", terminated, 10, 1, {75}),
    ("SIGINT", interrupted, 3, 1, {130}),
    ("checkpoint truncated", damaged(truncate), 3, 1, {-9}),
    ("checkpoint, a bit flipped", damaged(flip_a_bit), 3, 1, {-9}),
    ("checkpoint, a file deleted", damaged(pathlib.Path.unlink), 3, 1, {-9}),
    ("disk full", full_disk, 3, 1, {1}),
    ("SIGTERM to one of two", one_terminated, 2, 2, {75}),
    ("kill -9 of process 1 of 2", peer_killed(1), 2, 2, {-9, -6}),
    ("kill -9 of process 0 of 2", peer_killed(0), 2, 2, {-9, -6}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, help="of each fault")
    parser.add_argument("--only", default="", metavar="WORD", help="of a fault's name")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    faults = [fault for fault in FAULTS if arguments.only in fault[0]]
    with tempfile.TemporaryDirectory(prefix="fault_drill-") as folder:
        drill(faults, arguments.tries, pathlib.Path(folder))


def drill(faults: list, asked: int | None, folder: pathlib.Path) -> None:
    """Try each fault and print a row for it."""
    data = folder / "water.h5"
    dam = dam_break.Dam(cells=16, frames=16, shape="off_centre")
    shallow_water.generate(data, dam, trajectories=40)
    undisturbed = {}
    for processes in sorted({fault[3] for fault in faults}):
        run = Run(folder / f"undisturbed_{processes}", data, processes)
        run.start()
        assert set(run.wait()) == {0}, run.output
        undisturbed[processes] = run.result()
    print(f"{STEPS} steps, a checkpoint every {CHECKPOINT_EVERY}", flush=True)
    print(f"{'fault':26}  tries  survived  steps lost: mean  most", flush=True)
    for name, fault, tries, processes, codes in faults:
        lost, tries = [], asked or tries
        for attempt in range(tries):
            run = Run(folder / f"{attempt}", data, processes)
            steps = survive(run, fault, codes, undisturbed[processes])
            if steps is None:
                print(f"{name}: not survived\n{run.output}", file=sys.stderr)
                shutil.move(run.workdir, tempfile.mkdtemp(prefix="not_survived-"))
            else:
                lost.append(steps)
                shutil.rmtree(run.workdir)
        mean, maximum = (f"{np.mean(lost):.1f}", max(lost)) if lost else ("", "")
        facts = f"{len(lost):8}  {mean:>16}  {maximum:>4}"
        print(f"{name:26}  {tries:5}  {facts}", flush=True)


def survive(
    run: Run, fault: Callable, codes: set[int], undisturbed: dict
) -> int | None:
    """Return the steps done again, or None where the result is another one."""
    run.start()
    fault(run)
    ended = set(run.wait())
    if not ended & codes:
        run.output += f"\nexit codes {ended}, expected {codes}"
        return None
    done = run.step()
    run.start()
    if set(run.wait()) != {0}:
        return None
    resumed = re.search(r"going on after step (\d+)", run.output)
    finished = "set train.steps higher" in run.output
    first = int(resumed.group(1)) if resumed else STEPS if finished else 0
    result = run.result()
    different = [
        name
        for name in undisturbed.keys() | result.keys()
        if not np.array_equal(undisturbed.get(name, np.nan), result.get(name, np.nan))
    ]
    if different:
        run.output += f"\ndifferent: {', '.join(sorted(different))}"
        return None
    return max(0, done - first)


if __name__ == "__main__":
    main()
