"""Choose what the output of a network is added to, where the run leaves it open."""

import numpy as np
from etils import epath

from adr_jax.data.contract import Dataset
from adr_jax.evaluation.baselines import FORECASTERS
from adr_jax.evaluation.protocols import without_missing
from adr_jax.evaluation.report.numerals import numeral
from adr_jax.evaluation.workdir import CONFIG_FILE, read_config
from adr_jax.options import Configuration
from adr_jax.training.devices import processes
from adr_jax.training.selection import is_better
from adr_jax.training.validation import ValidationWindows

# The baseline that each head starts from.
BASES = {
    "advection": "advected",
    "extrapolation": "extrapolation",
    "persistence": "persistence",
}


def settle(
    config: Configuration, workdir: epath.Path, dataset: Dataset
) -> Configuration:
    """Return the configuration with the head that head="auto" stands for.

    A run that is continued keeps its own. A new one takes the head whose base, with
    nothing learned, forecasts the validation split best.
    """
    if config.model.head != "auto":
        return config
    head = processes.on_first(lambda: _head_of(workdir) or _best(config, dataset))
    return with_head(config, head, dataset)


def with_head(config: Configuration, head: str, dataset: Dataset) -> Configuration:
    """Return the configuration with a head in the place of "auto".

    In the moving frame the longest lead is one that trajectories have, and nothing is
    fed back in training. Elsewhere one frame is forecast at a time.
    """
    if head != "advection":
        return config.override(model={"head": head, "frames_out": 1})
    leads = min(config.model.frames_out, max(1, _longest_lead(config, dataset)))
    return config.override(
        model={"head": head, "frames_out": leads}, train={"feedback": 0}
    )


def check(config: Configuration, dataset: Dataset) -> None:
    """Raise InputError, before any training, for data that the head is not made for."""
    if config.model.head != "advection":
        return
    history, leads = config.data.history, _longest_lead(config, dataset)
    if 0 < leads < config.model.frames_out:
        config.model.refuse(
            "frames_out",
            f"at most {leads} with head=advection: trajectories of {dataset.name} have "
            f"{history + leads} frames or fewer, {history} of which are history",
        )
    *space, _ = dataset.trajectories.frame_shape
    if 1 in space:
        config.model.refuse(
            "head",
            f"another for {dataset.name}, whose grid of {' x '.join(map(str, space))} "
            "cells has an axis along which nothing can move",
        )


def _longest_lead(config: Configuration, dataset: Dataset) -> int:
    """Return how many frames follow a history in the longest training trajectory."""
    lengths = [dataset.trajectories.lengths[int(n)] for n in dataset.splits["train"]]
    return max(lengths, default=0) - config.data.history


def _head_of(workdir: epath.Path) -> str | None:
    """Return the head of the run in `workdir`, if there is one."""
    if not (workdir / CONFIG_FILE).exists():
        return None
    return read_config(workdir).get("model", {}).get("head")


def _best(config: Configuration, dataset: Dataset) -> str:
    """Return the head whose base forecasts best, and say so."""
    windows = ValidationWindows(config, dataset)
    scores = {}
    for head, base in BASES.items():
        if config.data.history < 2 and head != "persistence":
            continue

        def forecast(past, steps, base=base):
            return FORECASTERS[base](without_missing(past), steps)

        ratios = zip(windows.metrics, windows.score(forecast), strict=True)
        scores[head] = [metric.score(ratio) for metric, ratio in ratios]
    best, *others = scores
    for head in others:
        if is_better(scores[head], scores[best], windows.metrics):
            best = head
    defined = ~np.isnan(list(scores.values())).all(axis=0)
    shown = int(np.argmax(defined))  # the first that says anything
    found = ", ".join(f"{head} {numeral(of[shown])}" for head, of in scores.items())
    processes.say(
        f"config.model.head=auto is {best}, whose base is best untrained: "
        f"{windows.metrics[shown].name} on the validation split {found}"
    )
    return best
