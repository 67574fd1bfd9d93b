"""The only file that knows orbax: saving, restoring, and `load` for a finished run."""

import dataclasses
import functools
import logging
from collections.abc import Mapping

import jax
import orbax.checkpoint as ocp
from etils import epath
from flax import linen as nn
from flax import serialization
from jaxtyping import PyTree
from ml_collections import ConfigDict

from adr_jax import models
from adr_jax.data.statistics import Statistics
from adr_jax.errors import InputError
from adr_jax.evaluation.forecaster import Forecast, physical_rollout
from adr_jax.evaluation.run_files import read_config
from adr_jax.training import configuration, parallel

log = logging.getLogger("adr_jax")


class Checkpoints:
    """The checkpoints of one folder, newest last; `keep` of them stay."""

    def __init__(self, folder: epath.Path, keep: int):
        # A relative path fails inside orbax's thread.
        self.folder = folder if "://" in str(folder) else folder.absolute()
        self._manager = ocp.CheckpointManager(
            self.folder,
            options=ocp.CheckpointManagerOptions(
                max_to_keep=keep, cleanup_tmp_directories=True
            ),
            item_names=("state", "record"),
        )

    def save(self, step: int, state: PyTree, record: Mapping) -> None:
        """Writes arrays and a JSON record under `step`, in the background.

        One that is there already is replaced: a run that went back does the step again.
        """
        if step in self._manager.all_steps():
            self._manager.delete(step)
        arrays = serialization.to_state_dict(jax.device_get(state))
        self._manager.save(
            step,
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(arrays),
                record=ocp.args.JsonSave(dict(record)),
            ),
            force=True,  # orbax would refuse a step before the newest
        )

    def restore(self) -> tuple[dict, dict] | None:
        """The newest checkpoint that can be read, as (state, record), or None.

        The state comes as nested dictionaries of NumPy arrays, for any number of
        devices; `flax.serialization.from_state_dict` gives them their types back. A
        checkpoint that cannot be read is skipped with a warning: damage after a save
        shows only here.
        """
        steps = sorted(self._manager.all_steps(), reverse=True)
        args = ocp.args.Composite(
            state=ocp.args.StandardRestore(), record=ocp.args.JsonRestore()
        )
        for step in steps:
            try:
                restored = self._manager.restore(step, args=args)
            except Exception as error:  # orbax's errors have no common type
                log.warning(
                    "%s cannot be read (%s); trying the one before",
                    self.folder / str(step),
                    type(error).__name__,
                )
            else:
                return restored["state"], restored["record"]
        if steps:
            raise InputError(
                f"{self.folder}: none of its {len(steps)} checkpoints can be read; "
                "delete the folder to begin anew"
            )
        return None

    def close(self) -> None:
        """Waits, and lets go of the folder."""
        self._manager.close()


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained model and all it takes to use it."""

    workdir: epath.Path
    config: ConfigDict
    model: nn.Module
    params: PyTree
    statistics: Statistics
    # What the checkpoint says of itself: step, score, seconds trained, fingerprint.
    record: Mapping

    def forecast(self) -> Forecast:
        """Physical frames to physical frames, on all devices."""
        forecast = physical_rollout(
            self.model.apply, self.statistics, self.config.data.history
        )
        return functools.partial(
            parallel.map_forecast(forecast), parallel.replicate(self.params)
        )


def build_model(config: ConfigDict, statistics: Statistics) -> nn.Module:
    """The network, its input and output at the scale of the data."""
    output_scale = {
        "frames": (1.0,),
        "persistence": statistics.first_difference,
        "extrapolation": statistics.second_difference,
    }[config.model.head]
    return models.build(
        config.model,
        change_scale=statistics.first_difference,
        output_scale=output_scale,
    )


def load(workdir: str | epath.Path) -> Run:
    """The best model of a run, by its validation score.

    Raises:
      InputError: the folder holds no run, or none of its checkpoints can be read.
    """
    folder = epath.Path(workdir)
    config = configuration.from_json(read_config(folder / "config.json"))
    restored = None
    if (folder / "best").exists():
        best = Checkpoints(folder / "best", keep=1)
        restored = best.restore()
        best.close()
    if restored is None:
        raise InputError(
            f"{folder} has no best model yet: let it train to a validation"
        )
    params, record = restored
    statistics = Statistics(**record["statistics"])
    model = build_model(config, statistics)
    return Run(folder, config, model, params, statistics, record)
