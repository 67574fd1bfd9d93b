"""Scores and pictures of short forecasts while a run trains."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, PyTree, UInt8
from ml_collections import ConfigDict

from adr_jax.data.contract import Dataset
from adr_jax.data.windows import Windows, pad_rows
from adr_jax.evaluation.metrics import Ratio, metrics_of
from adr_jax.evaluation.report.scaling import scale, value_range

# Columns of a picture: so many frames, evenly spread over the forecast.
SHOWN_FRAMES = 4


def make_validation(
    config: ConfigDict, dataset: Dataset, forecast: Callable
) -> Callable[[PyTree], dict[str, float]]:
    """Parameters to the metrics of short rollouts, spread over the split.

    Scores come in the order of the data set's metrics: the one that chooses the best
    model is the first. It also has a score of the first frame alone.
    """
    metrics = metrics_of(dataset)
    history = config.data.history
    frames = _frames(config, dataset)
    windows = Windows(dataset, "validation", history + frames)
    chosen = np.linspace(0, len(windows) - 1, config.train.validation_windows)
    numbers = np.unique(chosen.astype(int))

    def validate(params: PyTree) -> dict[str, float]:
        batches = []
        for start in range(0, len(numbers), config.eval.batch_size):
            batch = numbers[start : start + config.eval.batch_size]
            window = windows.read(batch)
            past, target = window[:, :history], window[:, history:]
            ahead = forecast(params, past, frames)
            batches.append([metric.measure(ahead, target) for metric in metrics])
        ratios = [Ratio.joined(of) for of in zip(*batches, strict=True)]
        scores = {
            f"validation_{metric.name}": ratio.score()
            for metric, ratio in zip(metrics, ratios, strict=True)
        }
        first_frame = float(ratios[0].by_step()[0])
        return scores | {f"validation_{metrics[0].name}_first_step": first_frame}

    return validate


def make_picture(
    config: ConfigDict, dataset: Dataset, forecast: Callable
) -> Callable[[PyTree], UInt8[np.ndarray, "height width"]]:
    """Parameters to a picture of one validation forecast; see `draw`."""
    history = config.data.history
    frames = _frames(config, dataset)
    windows = Windows(dataset, "validation", history + frames)
    # As many as the scores are made from at a time, so that nothing is compiled anew.
    number = np.linspace(0, len(windows) - 1, config.train.validation_windows)
    rows = min(len(np.unique(number.astype(int))), config.eval.batch_size)
    window = windows[len(windows) // 2]
    past = pad_rows(window[None, :history], rows)

    def picture(params: PyTree) -> np.ndarray:
        return draw(forecast(params, past, frames)[0], window[history:])

    return picture


def draw(
    forecast: Float[np.ndarray, "time *space channels"],
    target: Float[np.ndarray, "time *space channels"],
) -> UInt8[np.ndarray, "height width"]:
    """Target, forecast and their difference in three rows, first to last frame.

    The first channel, in grey from the target's least to its greatest value; the
    difference, mid-grey where there is none, to the same scale. Of one dimension in
    space the picture shows space over time, of three the middle slice.
    """
    true, made = (_pictures(sequence[..., 0]) for sequence in (target, forecast))
    low, high = value_range(true)
    half = (high - low) / 2
    shares = [scale(true, low, high), scale(made, low, high)]
    rows = np.stack([*shares, scale(made - true, -half, half)])
    shown = np.unique(np.linspace(0, len(true) - 1, SHOWN_FRAMES).astype(int))
    rows = np.pad(rows[:, shown], ((0, 0), (0, 0), (0, 2), (0, 2)), constant_values=1)
    strips = np.concatenate(np.moveaxis(rows, 1, 0), axis=2)
    return (255 * np.nan_to_num(np.concatenate(strips))).astype(np.uint8)


def _pictures(field: np.ndarray) -> np.ndarray:
    """Sequences of pictures, (time, height, width), of fields in any dimension."""
    if field.ndim == 2:
        return field[None]
    if field.ndim == 4:
        return field[:, field.shape[1] // 2]
    return field


def _frames(config: ConfigDict, dataset: Dataset) -> int:
    """Frames ahead: those configured, as far as trajectories go."""
    lengths = dataset.trajectories.lengths
    longest = max((lengths[int(n)] for n in dataset.splits["validation"]), default=0)
    return max(1, min(config.train.validation_frames, longest - config.data.history))
