"""Named ways to score a forecast. A number never appears without its protocol."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from tqdm import tqdm

from adr_jax.data.dataset import Dataset
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError
from adr_jax.evaluation.forecaster import Forecast
from adr_jax.evaluation.metrics import METRICS
from adr_jax.models.baselines import BASELINES


@dataclasses.dataclass(frozen=True)
class Protocol:
    """`history` true frames in, `horizon` frames out, a window every `stride` frames.

    0 stands for the model's own history, all frames that are left, and one window per
    trajectory. A model with a shorter history uses the last frames of a longer one.
    """

    history: int
    horizon: int
    stride: int
    # Steps whose nRMSE is reported by itself.
    milestones: Sequence[int] = ()

    def windows(self, dataset: Dataset, split: str, model_history: int) -> Windows:
        """The windows this protocol scores: history, then horizon."""
        lengths = dataset.trajectories.lengths
        frames = min((lengths[int(n)] for n in dataset.splits[split]), default=0)
        history = self.history or model_history
        if history < model_history:
            raise InputError(
                f"the protocol gives {history} frames of history; data.history is "
                f"{model_history}: leave the protocol out of eval.protocols or train "
                "with a shorter history"
            )
        length = history + (self.horizon or frames - history)
        return Windows(dataset, split, length, self.stride or frames)


PROTOCOLS = {
    # True history in, next frame out, every window of the split.
    "one_step": Protocol(history=0, horizon=1, stride=1),
    # PDEBench: first 10 frames in, the other 91 out, forecasts fed back.
    "rollout": Protocol(history=10, horizon=0, stride=0, milestones=(10, 50, 91)),
}


def score(
    forecast: Forecast,
    dataset: Dataset,
    names: Sequence[str],
    *,
    model_history: int,
    batch_size: int,
    split: str = "test",
) -> dict[str, dict]:
    """Scores a model and the baselines by each protocol, in the same pass.

    Returns:
      `{protocol: {"split", "samples", "history", "horizon", forecaster: scores}}`
      where scores are means over samples, steps and channels, and where there are
      several steps also `nrmse_by_step`, and `nrmse_at` the protocol's milestones.
    """
    return {
        name: _score(
            forecast, PROTOCOLS[name], name, dataset, split, model_history, batch_size
        )
        for name in names
    }


def _score(
    forecast: Forecast,
    protocol: Protocol,
    name: str,
    dataset: Dataset,
    split: str,
    model_history: int,
    batch_size: int,
) -> dict:
    windows = protocol.windows(dataset, split, model_history)
    history = protocol.history or model_history
    horizon = windows.length - history
    forecasters = {"model": forecast, **BASELINES}
    scores = {who: {metric: [] for metric in METRICS} for who in forecasters}
    starts = range(0, len(windows), batch_size)
    for start in tqdm(starts, desc=f"{name} on {split}", disable=None, leave=False):
        numbers = np.arange(start, min(start + batch_size, len(windows)))
        frames = windows.read(numbers)
        past, target = frames[:, :history], frames[:, history:]
        for who, forecaster in forecasters.items():
            ahead = np.asarray(forecaster(past, horizon))
            for metric, function in METRICS.items():
                scores[who][metric].append(function(ahead, target))
    return {
        "split": split,
        "samples": len(windows),
        "history": history,
        "horizon": horizon,
        **{
            who: _summary({m: np.concatenate(v) for m, v in of.items()}, protocol)
            for who, of in scores.items()
        },
    }


def _summary(scores: Mapping[str, np.ndarray], protocol: Protocol) -> dict:
    summary: dict = {metric: float(values.mean()) for metric, values in scores.items()}
    by_step = scores["nrmse"].mean(axis=(0, 2))
    if len(by_step) > 1:
        summary["nrmse_at"] = {
            str(step): float(by_step[step - 1])
            for step in protocol.milestones
            if step <= len(by_step)
        }
        summary["nrmse_by_step"] = [float(value) for value in by_step]
    return summary


def table(results: Mapping[str, Mapping]) -> str:
    """The protocols of one run as text, one block each, model and baselines in rows."""
    blocks = []
    for name, result in results.items():
        forecasters = [who for who in result if isinstance(result[who], Mapping)]
        header = [*METRICS, *(f"step {s}" for s in result["model"].get("nrmse_at", ()))]
        rows = [["", *header]]
        for who in forecasters:
            scores = result[who]
            values = [scores[m] for m in METRICS]
            values += scores.get("nrmse_at", {}).values()
            rows.append([who, *(f"{value:.2e}" for value in values)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        title = (
            f"{name}: {result['history']} frames in, {result['horizon']} out, "
            f"{result['samples']} windows, split {result['split']}"
        )
        if len(header) > len(METRICS):
            title += "; 'step' columns are nrmse"
        lines = [
            "  ".join(
                cell.rjust(width) for cell, width in zip(row, widths, strict=True)
            )
            for row in rows
        ]
        blocks.append("\n".join([title, *lines]))
    return "\n\n".join(blocks)
