"""The network of a run, and whether a state fits it."""

from collections.abc import Sequence

import jax
from flax import serialization
from jaxtyping import PyTree

from adr_jax import models
from adr_jax.data.normalisation import Statistics
from adr_jax.errors import InputError
from adr_jax.models.frames import FrameNetwork
from adr_jax.options import Configuration


def build_network(
    config: Configuration,
    statistics: Statistics,
    misses: Sequence[Sequence[float]] | None = None,
    thresholds: Sequence[float] = (),
) -> FrameNetwork:
    """Return the network, its input and output at the scale of the data.

    Args:
      config: of the run.
      statistics: of its training data.
      misses: with head "advection", what the extrapolation misses at each lead; None:
        as much as frames change.
      thresholds: of the first channel, in the data's unit, whose probability of being
        reached is forecast too.
    """
    misses = misses or [statistics.first_difference] * config.model.frames_out
    output_scale = {
        "frames": (1.0,),
        "persistence": statistics.first_difference,
        "extrapolation": statistics.second_difference,
        "advection": tuple(map(tuple, misses)),
    }[config.model.head]
    return models.build(
        config.model,
        change_scale=statistics.first_difference,
        output_scale=output_scale,
        zero=statistics.zero,
        probabilities=config.train.loss == "cross_entropy",
        thresholds=tuple(
            (threshold - statistics.mean[0]) / statistics.std[0]
            for threshold in thresholds
        ),
    )


def check_same_arrays(
    found: PyTree,
    expected: PyTree,
    place: object,
    remedy: str = "another version of adr_jax wrote it; use it with that version, or "
    "train anew in another --workdir",
) -> None:
    """Raise InputError for a state of other arrays than the network has."""
    before, now = (
        {
            jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape
            for path, leaf in jax.tree_util.tree_leaves_with_path(
                serialization.to_state_dict(tree)
            )
        }
        for tree in (found, expected)
    )
    other = sorted(name for name in before | now if before.get(name) != now.get(name))
    if other:
        name = other[0]
        raise InputError(
            f"{place}: {name} is {before.get(name, 'absent')}, the network that the "
            f"configuration describes has {now.get(name, 'none')}: {remedy}"
        )
