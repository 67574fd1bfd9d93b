"""Named ways to score a forecast. A number never appears without its protocol."""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import numpy as np
from tqdm import tqdm

from adr_jax.data.contract import Dataset
from adr_jax.data.missing import fill_missing
from adr_jax.data.windows import Windows
from adr_jax.errors import InputError
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.forecaster import Forecast, Timed
from adr_jax.evaluation.metrics import Ratio, metrics_of


@dataclasses.dataclass(frozen=True)
class Protocol:
    """`history` true frames in, `horizon` frames out, a window every `stride` frames.

    0 stands for the model's own history, all frames that are left, and one window per
    trajectory. A model with a shorter history uses the last frames of a longer one.
    """

    history: int
    horizon: int
    stride: int
    # Steps whose headline metric is reported by itself.
    milestones: Sequence[int] = ()

    def windows(self, dataset: Dataset, split: str, model_history: int) -> Windows:
        """The windows this protocol scores: history, then horizon."""
        lengths = [dataset.trajectories.lengths[int(n)] for n in dataset.splits[split]]
        history = self.history or model_history
        if history < model_history:
            raise InputError(
                f"the protocol gives {history} frames of history; data.history is "
                f"{model_history}: leave the protocol out of eval.protocols or train "
                "with a shorter history"
            )
        # At least one frame to forecast: where none is left, Windows says so.
        left = max(min(lengths, default=0) - history, 1)
        length = history + (self.horizon or left)
        stride = self.stride or max(lengths, default=1)
        return Windows(dataset, split, length, stride)


PROTOCOLS = {
    # True history in, next frame out, every window of the split.
    "one_step": Protocol(history=0, horizon=1, stride=1),
    # PDEBench: first 10 frames in, the other 91 out, forecasts fed back.
    "rollout": Protocol(history=10, horizon=0, stride=0, milestones=(10, 50, 91)),
    # CloudCast: four hours in, four out, each frame once a target; 1 step is 15 min.
    "cloudcast": Protocol(history=16, horizon=16, stride=16, milestones=(1, 4, 8, 16)),
    # Moving MNIST: the halves of each sequence of twenty frames.
    "moving_mnist": Protocol(history=10, horizon=10, stride=0, milestones=(1, 5, 10)),
    # Trained on KITTI, tested on Caltech: clips of eleven frames with none in common.
    "kitti_caltech": Protocol(history=10, horizon=1, stride=11),
    # DMVFN's setting. Its authors' "t+k" is the mean of steps 1 to k, not step k.
    "kitti_dmvfn": Protocol(history=2, horizon=5, stride=1, milestones=(1, 3, 5)),
    # Two hours of radar frames, five minutes apart; a start every half hour.
    "nowcast": Protocol(history=0, horizon=24, stride=6, milestones=(6, 12, 18, 24)),
}


def check(
    dataset: Dataset, names: Sequence[str], *, model_history: int, split: str = "test"
) -> None:
    """Raises InputError, before any training, for data that cannot be scored so."""
    metrics_of(dataset)
    for name in names:
        PROTOCOLS[name].windows(dataset, split, model_history)


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
      `{protocol: {"split", "samples", "history", "horizon", "best_median_worst",
      forecaster: scores}}`; the last before the scores are three windows by the model's
      score in the first metric.
      Scores are a number for each metric of the data set (`metrics.Ratio` says what is
      averaged how), the `spread` of each over samples, and where there are several
      steps METRIC_by_step, and the first metric's METRIC_at the protocol's milestones.
      The model also has `ms_per_frame`, milliseconds for each frame it forecast,
      compilation not counted, with `batch_size` windows at a time.
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
    metrics = metrics_of(dataset)
    headline = metrics[0]
    model = Timed(forecast)
    forecasters = {"model": model, **FORECASTERS}
    ratios = {who: {metric.name: [] for metric in metrics} for who in forecasters}
    starts = range(0, len(windows), batch_size)
    for start in tqdm(starts, desc=f"{name} on {split}", disable=None, leave=False):
        numbers = np.arange(start, min(start + batch_size, len(windows)))
        frames = windows.read(numbers)
        past, target = frames[:, :history], frames[:, history:]
        filled = without_missing(past)
        for who, forecaster in forecasters.items():
            seen = past if who == "model" else filled
            ahead = np.asarray(forecaster(seen, horizon))
            for metric in metrics:
                ratios[who][metric.name].append(metric.measure(ahead, target))
    joined = {
        who: {name: Ratio.joined(parts) for name, parts in of.items()}
        for who, of in ratios.items()
    }
    summaries = {who: _summary(of, protocol) for who, of in joined.items()}
    summaries["model"]["ms_per_frame"] = model.ms_per_frame()
    return {
        "split": split,
        "samples": len(windows),
        "history": history,
        "horizon": horizon,
        "best_median_worst": headline.best_median_worst(joined["model"][headline.name]),
        **summaries,
    }


# Compiled once, not for every batch.
_fill_missing = jax.jit(fill_missing)


def without_missing(history: np.ndarray) -> np.ndarray:
    """A history as baselines need it; a model's forecaster fills in for itself."""
    if np.isnan(history).any():
        return np.asarray(_fill_missing(history))
    return history


def _summary(scores: Mapping[str, Ratio], protocol: Protocol) -> dict:
    summary: dict = {metric: ratio.score() for metric, ratio in scores.items()}
    by_step = {metric: ratio.by_step().tolist() for metric, ratio in scores.items()}
    headline = next(iter(scores))
    steps = len(by_step[headline])
    if steps > 1:
        summary[f"{headline}_at"] = {
            str(step): by_step[headline][step - 1]
            for step in protocol.milestones
            if step <= steps
        }
        summary |= {f"{metric}_by_step": values for metric, values in by_step.items()}
    return summary | {"spread": {m: ratio.spread() for m, ratio in scores.items()}}
