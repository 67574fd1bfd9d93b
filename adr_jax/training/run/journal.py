"""Report a run while it runs: a progress line, metrics.jsonl, TensorBoard."""

import contextlib
import json
import pathlib
import sys
import tempfile
from collections.abc import Iterator
from typing import Self

import numpy as np
import tensorboardX
from etils import epath
from jaxtyping import UInt8
from tqdm import tqdm

from adr_jax.evaluation.workdir import (
    CONFIG_FILE,
    METRICS_FILE,
    TENSORBOARD,
    write_json,
)
from adr_jax.options import Configuration
from adr_jax.training import configuration
from adr_jax.training.devices import processes
from adr_jax.training.run import locks


class Journal:
    """Writes logged steps to all three; use it in a `with` statement.

    On a terminal and in a notebook the progress line moves; in a file each logged step
    is a plain line. Lines of steps that a continued run does again are dropped first.
    Buckets cannot be appended to: there, files are written on this machine's disk and
    copied by `sync`.
    """

    def __init__(self, workdir: epath.Path, first_step: int, total_steps: int):
        self._workdir = workdir
        self._open_files = contextlib.ExitStack()
        folder = workdir
        if locks.is_remote(workdir):
            scratch = tempfile.TemporaryDirectory(prefix="adr_jax-")
            folder = epath.Path(self._open_files.enter_context(scratch))
            self._open_files.callback(self._copy)  # when all others are closed
        self._folder = folder
        kept = _lines_until(workdir / METRICS_FILE, first_step)
        (folder / METRICS_FILE).write_text(kept)
        self._file = self._open_files.enter_context((folder / METRICS_FILE).open("a"))
        self._events = self._open_files.enter_context(
            tensorboardX.SummaryWriter(
                str(folder / TENSORBOARD), purge_step=first_step + 1
            )
        )
        self._bar = self._open_files.enter_context(
            tqdm(
                initial=first_step,
                total=total_steps,
                unit="step",
                disable=False if "ipykernel" in sys.modules else None,
            )
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what it opened."""
        self._open_files.close()

    def progress(self, step: int, metrics: dict[str, float]) -> None:
        """Record `loss`, `steps_per_second` and more, and move the progress line."""
        self.record(step, metrics)
        rate = metrics["steps_per_second"]
        facts = [f"loss {metrics['loss']:.4g}"]
        # Shown only where data holds the devices up.
        if metrics["wait_share"] > 0.05:
            facts.append(f"waiting for data {metrics['wait_share']:.0%}")
        if "device_memory_gib" in metrics:
            facts.append(f"{metrics['device_memory_gib']:.1f} GiB")
        if self._bar.disable:
            left = (self._bar.total - step) / rate / 60
            facts += [f"{rate:.3g} steps/s", f"{left:.1f} min left"]
            print(f"step {step}/{self._bar.total}  {'  '.join(facts)}", flush=True)
        else:
            self._bar.set_postfix_str(", ".join(facts), refresh=False)
            self._bar.update(step - self._bar.n)

    def record(self, step: int, metrics: dict[str, float]) -> None:
        """Write metrics to the files alone, but for those that are undefined."""
        # Such as the share of false alarms where no rain was forecast; JSON has no NaN.
        metrics = {key: value for key, value in metrics.items() if np.isfinite(value)}
        self._file.write(json.dumps({"step": step, **metrics}) + "\n")
        self._file.flush()
        for name, value in metrics.items():
            self._events.add_scalar(name, np.float64(value), step)

    def show(
        self, step: int, name: str, picture: UInt8[np.ndarray, "height width"]
    ) -> None:
        """Write a grey picture to TensorBoard."""
        self._events.add_image(name, picture, step, dataformats="HW")

    def say(self, line: str) -> None:
        """Print a line without breaking the progress line."""
        tqdm.write(line)

    def sync(self) -> None:
        """Copy the files to the workdir where it is a bucket."""
        self._events.flush()
        if self._folder is not self._workdir:
            self._copy()

    def _copy(self) -> None:
        for path in pathlib.Path(self._folder).rglob("*"):
            target = self._workdir / path.relative_to(self._folder).as_posix()
            if path.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())


def _lines_until(path: epath.Path, step: int) -> str:
    """Return the lines of a metrics.jsonl up to a step, but a line cut short."""
    kept = ""
    for line in path.read_text().splitlines() if path.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):
            if json.loads(line)["step"] <= step:
                kept += line + "\n"
    return kept


class Silence:
    """A journal that writes nothing: that of all processes but the first."""

    def progress(self, step: int, metrics: dict[str, float]) -> None:
        """Do nothing."""

    record = progress

    def show(self, step: int, name: str, picture: np.ndarray) -> None:
        """Do nothing."""

    def say(self, line: str) -> None:
        """Do nothing."""

    def sync(self) -> None:
        """Do nothing."""


@contextlib.contextmanager
def open_journal(
    config: Configuration, workdir: epath.Path, first_step: int, total_steps: int
) -> Iterator[Journal | Silence]:
    """Open the journal of this process, and write the configuration beside it."""
    if not processes.is_first():
        yield Silence()
        return
    write_json(workdir / CONFIG_FILE, configuration.as_json(config))
    with Journal(workdir, first_step, total_steps) as journal:
        yield journal
