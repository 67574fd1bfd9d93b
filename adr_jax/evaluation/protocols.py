"""Protocols: named settings of history, horizon and windows to score forecasts by."""

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
    """`history` frames in, `horizon` frames out, a window every `stride` frames.

    0 means the history of the model, a horizon to the end of the trajectory, and one
    window per trajectory. A model with a shorter history uses its last frames.
    """

    history: int
    horizon: int
    stride: int
    # Steps at which the first metric is reported.
    milestones: Sequence[int] = ()

    def windows(self, dataset: Dataset, split: str, model_history: int) -> Windows:
        """Return the windows that this protocol scores: history, then horizon."""
        lengths = [dataset.trajectories.lengths[int(n)] for n in dataset.splits[split]]
        history = self.history or model_history
        if history < model_history:
            raise InputError(
                f"the protocol has {history} frames of history; data.history is "
                f"{model_history}: leave the protocol out of eval.protocols or train "
                "with a shorter history"
            )
        # At least one frame to forecast; if none is left, Windows raises the error.
        left = max(min(lengths, default=0) - history, 1)
        length = history + (self.horizon or left)
        stride = self.stride or max(lengths, default=1)
        return Windows(dataset, split, length, stride)


PROTOCOLS = {
    # The next frame, in every window of the split.
    "one_step": Protocol(history=0, horizon=1, stride=1),
    # PDEBench: 10 frames in, the other 91 out, forecasts fed back.
    "rollout": Protocol(history=10, horizon=0, stride=0, milestones=(10, 50, 91)),
    # CloudCast: four hours in, four out, each frame a target once; a step is 15 min.
    "cloudcast": Protocol(history=16, horizon=16, stride=16, milestones=(1, 4, 8, 16)),
    # Moving MNIST: the halves of each sequence of twenty frames.
    "moving_mnist": Protocol(history=10, horizon=10, stride=0, milestones=(1, 5, 10)),
    # Trained on KITTI, tested on Caltech: disjoint clips of eleven frames.
    "kitti_caltech": Protocol(history=10, horizon=1, stride=11),
    # DMVFN's setting. Its "t+k" is the mean of steps 1 to k, not step k.
    "kitti_dmvfn": Protocol(history=2, horizon=5, stride=1, milestones=(1, 3, 5)),
    # An hour of satellite images, five minutes apart, from every image.
    "hour": Protocol(history=0, horizon=12, stride=1, milestones=(1, 3, 6, 12)),
    # Two hours of radar frames, five minutes apart, from every half hour.
    "nowcast": Protocol(history=0, horizon=24, stride=6, milestones=(6, 12, 18, 24)),
}


def check(
    dataset: Dataset, names: Sequence[str], *, model_history: int, split: str = "test"
) -> None:
    """Raise InputError if the protocols cannot score the data set."""
    metrics_of(dataset)
    for name in names:
        PROTOCOLS[name].windows(dataset, split, model_history)


def misfits(
    dataset: Dataset, names: Sequence[str], *, model_history: int, split: str = "test"
) -> dict[str, InputError]:
    """Return the protocols whose windows do not fit into the data, and why."""
    found = {}
    for name in names:
        try:
            PROTOCOLS[name].windows(dataset, split, model_history)
        except InputError as error:
            found[name] = error
    return found


def score(
    forecast: Forecast,
    dataset: Dataset,
    names: Sequence[str],
    *,
    model_history: int,
    batch_size: int,
    split: str = "test",
) -> dict[str, dict]:
    """Score a model and the baselines by each protocol.

    Args:
      forecast: the model.
      dataset: the data set, which names the metrics.
      names: the protocols.
      model_history: the frames of history that the model takes.
      batch_size: the windows that are forecast at a time.
      split: the split whose windows are scored.

    Returns:
      `{protocol: {"split", "samples", "history", "horizon", "best_median_worst",
      forecaster: scores}}`. `best_median_worst` has the indices of three windows,
      ranked by the model's first metric.
      Scores have a number for each metric (`metrics.Ratio` defines the mean) and the
      `spread` of each over samples. With several steps they have METRIC_by_step, and
      for the first metric METRIC_at the protocol's milestones. The model also has
      `ms_per_frame`, milliseconds per forecast frame, without compilation.
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
    ratios = {
        forecaster: {metric.name: [] for metric in metrics}
        for forecaster in forecasters
    }
    starts = range(0, len(windows), batch_size)
    for start in tqdm(starts, desc=f"{name} on {split}", disable=None, leave=False):
        indices = np.arange(start, min(start + batch_size, len(windows)))
        frames = windows.read(indices)
        past, target = frames[:, :history], frames[:, history:]
        filled = without_missing(past)
        for forecaster, function in forecasters.items():
            seen = past if forecaster == "model" else filled
            frames_out = np.asarray(function(seen, horizon))
            for metric in metrics:
                ratio = metric.measure(frames_out, target)
                ratios[forecaster][metric.name].append(ratio)
    joined = {
        forecaster: {metric: Ratio.joined(parts) for metric, parts in by_metric.items()}
        for forecaster, by_metric in ratios.items()
    }
    summaries = {
        forecaster: _summary(by_metric, protocol)
        for forecaster, by_metric in joined.items()
    }
    summaries["model"]["ms_per_frame"] = model.ms_per_frame()
    return {
        "split": dataset.split_in_words(split),
        "samples": len(windows),
        "history": history,
        "horizon": horizon,
        "best_median_worst": headline.best_median_worst(joined["model"][headline.name]),
        **summaries,
    }


# Compiled once for all batches.
_fill_missing = jax.jit(fill_missing)


def without_missing(history: np.ndarray) -> np.ndarray:
    """Fill the missing cells of a history for baselines; models fill their own."""
    if np.isnan(history).any():
        return np.asarray(_fill_missing(history))
    return history


def _summary(ratios: Mapping[str, Ratio], protocol: Protocol) -> dict:
    summary: dict = {metric: ratio.score() for metric, ratio in ratios.items()}
    by_step = {metric: ratio.by_step().tolist() for metric, ratio in ratios.items()}
    headline = next(iter(ratios))
    steps = len(by_step[headline])
    if steps > 1:
        summary[f"{headline}_at"] = {
            str(step): by_step[headline][step - 1]
            for step in protocol.milestones
            if step <= steps
        }
        summary |= {f"{metric}_by_step": values for metric, values in by_step.items()}
    return summary | {"spread": {m: ratio.spread() for m, ratio in ratios.items()}}
