"""What a run says while it runs: a progress line, metrics.jsonl, TensorBoard."""

import contextlib
import json
from typing import Self

import numpy as np
import tensorboardX
from etils import epath
from tqdm import tqdm


class Journal:
    """Writes logged steps to all three places; use it in a `with` statement.

    On a terminal the progress line moves; in a file each logged step is a plain line.
    Lines of steps that a continued run does again are dropped first.
    """

    def __init__(self, workdir: epath.Path, first_step: int, total_steps: int):
        path = workdir / "metrics.jsonl"
        _drop_lines_after(path, first_step)
        self._file = path.open("a")
        self._events = tensorboardX.SummaryWriter(
            str(workdir / "tensorboard"), purge_step=first_step + 1
        )
        self._bar = tqdm(
            initial=first_step, total=total_steps, unit="step", disable=None
        )

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes what it opened."""
        self._bar.close()
        self._file.close()
        self._events.close()

    def progress(self, step: int, metrics: dict[str, float]) -> None:
        """Records `loss`, `steps_per_second` and more, and moves the progress line."""
        self.record(step, metrics)
        loss, rate = metrics["loss"], metrics["steps_per_second"]
        if self._bar.disable:
            left = (self._bar.total - step) / rate / 60
            print(
                f"step {step}/{self._bar.total}  loss {loss:.4g}  "
                f"{rate:.2f} steps/s  {left:.1f} min left",
                flush=True,
            )
        else:
            self._bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
            self._bar.update(step - self._bar.n)

    def record(self, step: int, metrics: dict[str, float]) -> None:
        """Metrics to the files alone."""
        self._file.write(json.dumps({"step": step, **metrics}) + "\n")
        self._file.flush()
        for name, value in metrics.items():
            self._events.add_scalar(name, np.float64(value), step)

    def say(self, line: str) -> None:
        """One line for the reader, without breaking the progress line."""
        tqdm.write(line)


def _whole_lines(path: epath.Path) -> list[dict]:
    """The lines of a metrics.jsonl; one that a kill cut short is left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    metrics = []
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):
            metrics.append(json.loads(line))
    return metrics


def _drop_lines_after(path: epath.Path, step: int) -> None:
    kept = [line for line in _whole_lines(path) if line["step"] <= step]
    path.write_text("".join(json.dumps(line) + "\n" for line in kept))
