"""A trained model and what can be asked of it; `load` finds the best one of a run."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath
from flax import linen as nn
from flax import serialization
from jax.typing import ArrayLike
from jaxtyping import Float, PyTree
from ml_collections import ConfigDict

from adr_jax import models
from adr_jax.data.normalisation import Statistics
from adr_jax.errors import InputError
from adr_jax.evaluation.forecaster import Forecast, normaliser, physical_rollout
from adr_jax.evaluation.workdir import BEST, read_config
from adr_jax.models.adrnet import ADRNet
from adr_jax.training import configuration
from adr_jax.training.devices import parallel
from adr_jax.training.run.checkpoint import Checkpoints
from adr_jax.training.run.record import Record


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained model and all it takes to use it."""

    workdir: epath.Path
    config: ConfigDict
    model: nn.Module
    params: PyTree
    statistics: Statistics
    # What the checkpoint says of itself: step, score, seconds trained, fingerprint.
    record: Record

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(*space, channels) of the frames it was trained on."""
        return tuple(self.record["frame_shape"])

    @property
    def channels_out(self) -> int:
        """How many channels it forecasts, the first: the others are given."""
        return self.config.model.variables_out or self.frame_shape[-1]

    def at_interval(self, interval: float) -> "Run":
        """The model with the time step `h` of its blocks multiplied by `interval`.

        For frames so many times as far apart as those it was trained on.

        Raises:
          InputError: the network has no time step.
        """
        if not isinstance(self.model, ADRNet):
            raise InputError(f"a {self.config.model.name} has no time step to scale")
        return dataclasses.replace(self, model=self.model.clone(interval=interval))

    def forecast(
        self, frames: Float[ArrayLike, "..."], steps: int
    ) -> Float[np.ndarray, "..."]:
        """The frames that follow, on all devices; compiled once for each shape.

        Args:
          frames: NumPy or JAX, (time, *space, channels) or (batch, time, *space,
            channels), in the unit the model was trained in; at least `data.history`
            frames, of which the last count. NaN is missing and filled in: from its
            cell's other frames, or else by the mean.
          steps: how many.

        Returns:
          float32 in the same unit, (steps, *space, channels_out), or with the batch
          axis.

        Raises:
          InputError: another number of axes or channels, too few frames or steps, or
            an infinite value.
        """
        if steps < 1:
            raise InputError(f"forecast got steps={steps}; expected 1 or more")
        history, is_batch = self._history("forecast", frames)
        ahead = self._rollout(history, int(steps))
        return ahead if is_batch else ahead[0]

    def displacement(
        self, frames: Float[ArrayLike, "..."]
    ) -> Float[np.ndarray, "..."] | None:
        """How each block moves its state in the step after `frames`, in cells.

        Args:
          frames: as for `forecast`.

        Returns:
          (blocks, *space, fields, axes), or with the batch axis before; `[..., k]`
          along axis k of space, positive toward larger index. None for a network
          without transport.

        Raises:
          InputError: as `forecast`.
        """
        history, is_batch = self._history("displacement", frames)
        sown = self._sown(self.params, history).get("intermediates")
        if sown is None:
            return None
        (displacement,) = sown["blocks"]["displacement"]
        displacement = np.moveaxis(np.asarray(displacement), 0, 1)
        return displacement if is_batch else displacement[0]

    def shares(
        self, frames: Float[ArrayLike, "..."]
    ) -> Float[np.ndarray, "..."] | None:
        """How much of what each block changes is advection, diffusion and reaction.

        The size of a term is the root mean square, over space and channels, of what it
        adds to the block's state; its share is its size over the sum of the three.

        Args:
          frames: as for `forecast`.

        Returns:
          (blocks, 3), or with the batch axis before, in the order of `blocks.TERMS`;
          rows sum to 1. None for a network without transport.

        Raises:
          InputError: as `forecast`.
        """
        history, is_batch = self._history("shares", frames)
        sown = self._sown(self.params, history).get("intermediates")
        if sown is None:
            return None
        sizes = np.moveaxis(np.asarray(sown["blocks"]["changes"]), 0, 1)
        shares = sizes / sizes.sum(axis=-1, keepdims=True)
        return shares if is_batch else shares[0]

    @functools.cached_property
    def _rollout(self) -> Forecast:
        forecast = physical_rollout(
            self.model.apply, self.statistics, self.config.data.history
        )
        return functools.partial(
            parallel.map_forecast(forecast), parallel.replicate(self.params)
        )

    @functools.cached_property
    def _sown(self) -> Callable:
        normalised = normaliser(self.statistics, self.config.data.history)

        @jax.jit
        def sown(params, history):
            return self.model.apply(
                params, normalised(history), mutable=["intermediates"]
            )[1]

        return sown

    def _history(self, method: str, frames: ArrayLike) -> tuple[np.ndarray, bool]:
        """The frames that count, (batch, history, *space, channels), if they fit."""
        frames = np.asarray(frames)
        channels, length = len(self.statistics.mean), self.config.data.history
        axes = len(self.frame_shape) - 1
        space = ", ".join(("depth", "rows", "columns")[-axes:])
        expected = (
            f"expected (time, {space}, channels) or (batch, time, {space}, channels), "
            f"{length} frames or more of {channels} channels"
        )
        got = f"{method} got {frames.dtype} of shape {frames.shape}; {expected}"
        if not (
            jnp.issubdtype(frames.dtype, jnp.floating) or frames.dtype.kind in "iub"
        ):
            raise InputError(f"{got}, real numbers")
        if frames.ndim not in (axes + 2, axes + 3):
            remedy = ": add an axis of channels, frames[..., None]"
            raise InputError(got + (remedy if frames.ndim == axes + 1 else ""))
        if frames.shape[-1] != channels or 0 in frames.shape:
            raise InputError(got)
        is_batch = frames.ndim == axes + 3
        batch = frames if is_batch else frames[None]
        if batch.shape[1] < length:
            raise InputError(got)
        history = batch[:, -length:].astype(np.float32)
        if np.isinf(history).any():
            raise InputError(f"{method} got infinite values; write NaN where missing")
        return history, is_batch


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
        probabilities=config.train.loss == "cross_entropy",
    )


def load(workdir: str | epath.Path) -> Run:
    """The best model of a run, by its validation score.

    Raises:
      InputError: the folder holds no run, or none of its checkpoints can be read, or
        another version wrote it.
    """
    folder = epath.Path(workdir)
    tree = parallel.on_first(lambda: read_config(folder))
    config = configuration.from_json(tree)
    restored = None
    if parallel.on_first(lambda: (folder / BEST).exists()):
        best = Checkpoints(folder / BEST, keep=1)
        restored = best.restore()
        best.close()
    if restored is None:
        raise InputError(
            f"{folder} has no best model yet: let it train to a validation"
        )
    params, record = restored
    model = build_model(config, record.statistics)
    history = jnp.zeros((1, config.data.history, *record["frame_shape"]))
    key = jax.random.key(config.seed)
    expected = {"params": jax.eval_shape(model.init, key, history)["params"]}
    check_same_arrays(params, expected, folder / BEST)
    return Run(folder, config, model, params, record.statistics, record)


def check_same_arrays(
    found: PyTree,
    expected: PyTree,
    place: object,
    remedy: str = "another version of adr_jax wrote it; use it with that version, or "
    "train anew in another --workdir",
) -> None:
    """Raises InputError for a state of other arrays than the network has."""
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
