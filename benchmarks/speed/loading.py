"""Time how fast windows are read from a file, and how long training waits for them.

    python benchmarks/speed/loading.py [--config configs/shallow_water.py] [--steps 40]
        [--trajectories 50] [--file FILE]

The file is HDF5 in PDEBench's layout, read lazily as in training. It is FILE, or one of
waves made for the occasion, of the configuration's size and compressed as ours are.
Before each read the kernel is told to forget the file (posix_fadvise). So every window
comes from the disk, or from what a virtual machine has for one; "cached" is without
that. The share of time that a step waits is that of real training, which reads
ahead.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import tempfile
import time

import numpy as np
from etils import epath

from adr_jax import data
from adr_jax.data.batches import read_batch
from adr_jax.data.contract import Dataset, Trajectories
from adr_jax.data.files import pdebench
from adr_jax.data.windows import Windows
from adr_jax.options import Configuration
from adr_jax.training import configuration, loop
from adr_jax.training.devices import host

FRAMES = 101


class Uncached:
    """Trajectories of a file, which the kernel forgets before each read."""

    def __init__(self, trajectories: Trajectories, path: pathlib.Path):
        self._trajectories = trajectories
        self._descriptor = os.open(path, os.O_RDONLY)
        os.fsync(self._descriptor)  # only what is written can be forgotten
        self.frame_shape = trajectories.frame_shape
        self.lengths = trajectories.lengths

    def read(self, index: int, start: int, stop: int) -> np.ndarray:
        """Read frames `start` to `stop` of a trajectory from the disk."""
        os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return self._trajectories.read(index, start, stop)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="configs/shallow_water.py")
    parser.add_argument("--steps", type=int, default=40, help="of training")
    parser.add_argument("--trajectories", type=int, default=50, help="in the file made")
    parser.add_argument("--file", type=pathlib.Path, help="instead of one made")
    arguments = parser.parse_args()
    config = configuration.named(arguments.config)
    host.prepare_host(config.train.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        workdir = pathlib.Path(folder)
        path = arguments.file or workdir / "waves.h5"
        if arguments.file is None:
            write_waves(path, arguments.trajectories, config.data.cells)
        section = {"path": str(path.absolute()), "split": "distinct"}
        config = config.override(data=section)
        dataset = data.load(config.data)
        megabytes = path.stat().st_size / 1e6
        print(f"{megabytes:.0f} MB in {len(dataset.trajectories.lengths)} trajectories")
        uncached = Uncached(dataset.trajectories, path)
        cold = dataclasses.replace(dataset, trajectories=uncached)
        print(f"{host.describe_devices()}\n")
        print("what                        windows/s")
        print(f"reading alone, from disk    {windows_per_second(config, cold):9.1f}")
        print(f"reading alone, cached       {windows_per_second(config, dataset):9.1f}")
        rate, waited = train(config, cold, workdir / "run", arguments.steps)
        print(f"training, from disk         {rate:9.1f}")
        print(f"\nshare of a step's time that it waits for data: {waited:.2%}")


def write_waves(path: pathlib.Path, trajectories: int, cells: int) -> None:
    """Write fields of a few waves that move."""
    generator = np.random.default_rng(0)
    cell, times = np.arange(cells) / cells, np.arange(FRAMES)[:, None, None] / FRAMES

    def fields():
        for index in range(trajectories):
            frames = np.zeros((FRAMES, cells, cells), np.float32)
            for rows, columns in generator.integers(-4, 5, (6, 2)):
                phase, speed = generator.uniform(0, 2 * np.pi, 2)
                along = rows * cell[:, None] + columns * cell + speed * times
                frames += np.sin(2 * np.pi * along + phase, dtype=np.float32)
            yield f"{index:04d}", frames[..., None]

    grid = {"x": cell, "y": cell, "t": times.ravel()}
    pdebench.write(path, fields(), grid, {}, lambda: None)


def windows_per_second(config: Configuration, dataset: Dataset) -> float:
    """Read training's batches one after the other, for some seconds."""
    windows = Windows(dataset, "train", configuration.window_length(config))
    size = config.train.batch_size
    start, batches = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < 5:
        read_batch(windows, config.seed, batches, batch_size=size)
        batches += 1
    return batches * size / elapsed


def train(
    config: Configuration, dataset: Dataset, workdir: pathlib.Path, steps: int
) -> tuple[float, float]:
    """Train; return the windows per second and the share of time waited."""
    # The second half of the steps counts: the first one compiles.
    lap = max(1, steps // 2)
    options = {"steps": 2 * lap, "minutes": 0.0, "log_every": lap, "feedback": 0}
    options |= {"validate_every": steps, "checkpoint_every": steps}
    options |= {"validation_windows": 1, "validation_frames": 1}
    config = config.override(train=options)
    loop.train(config, epath.Path(workdir), dataset)
    lines = map(json.loads, (workdir / "metrics.jsonl").read_text().splitlines())
    last = [line for line in lines if "wait_share" in line][-1]
    return last["steps_per_second"] * config.train.batch_size, last["wait_share"]


if __name__ == "__main__":
    main()
