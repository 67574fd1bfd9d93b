"""Tell whether a file that is scored was trained on."""

import pathlib

from adr_jax import data
from adr_jax.data import overlap
from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.options import DataOptions
from adr_jax.training.model import TrainedModel


def describe(
    model: TrainedModel, trained_on: DataOptions, scored: Dataset, file: pathlib.Path
) -> str:
    """Return a sentence on what training has seen of a file.

    Args:
      model: the model.
      trained_on: the data of its training, which may be gone.
      scored: the data set that the file is.
      file: its name, for the sentence.
    """
    if model.record["fingerprint"] == scored.fingerprint:
        return (
            f"{file} is the file that {model.workdir} was trained on: these are not "
            "scores of data that it has not seen"
        )
    if not data.source(trained_on.name).is_own:  # large, or computed when read
        return f"{file} is not the file that {model.workdir} was trained on"
    try:
        training = data.load(trained_on)
    except InputError as error:
        return (
            f"whether {model.workdir} was trained on frames of {file} is not known, as "
            f"its training data cannot be opened ({error})"
        )
    known = overlap.digests(training.trajectories, map(int, training.splits["train"]))
    frames = overlap.digests(scored.trajectories, range(len(scored.splits["test"])))
    shared, count = overlap.count_shared(known, frames)
    if shared:
        return (
            f"{model.workdir} was trained on {shared} of the {count} frames of {file} "
            "that were looked at: these are not scores of data that it has not seen"
        )
    return f"none of the {count} frames of {file} that were looked at was trained on"
