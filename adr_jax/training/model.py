"""A trained model and what can be asked of it; `load` finds the best one of a run."""

import dataclasses
import functools
import html
import operator
import os
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath
from jax.typing import ArrayLike
from jaxtyping import Float, PyTree

from adr_jax import shipped
from adr_jax.data.normalisation import Statistics
from adr_jax.errors import InputError, counted
from adr_jax.evaluation.forecaster import Forecast, physical_rollout, see
from adr_jax.evaluation.report import write_report
from adr_jax.evaluation.report.notebook import Page, score_table
from adr_jax.evaluation.workdir import (
    BEST,
    CONFIG_FILE,
    RESULTS_FILE,
    copy_run,
    read_config,
    read_results,
    write_json,
)
from adr_jax.models import measurement
from adr_jax.models.adrnet import ADRNet
from adr_jax.models.frames import FrameNetwork
from adr_jax.options import Configuration
from adr_jax.training import asked, configuration
from adr_jax.training.devices import mapping, processes
from adr_jax.training.network import build_network, check_same_arrays
from adr_jax.training.run.checkpoint import Checkpoints
from adr_jax.training.run.record import Record


@dataclasses.dataclass(frozen=True)
class TrainedModel:
    """A trained model and all it takes to use it."""

    workdir: epath.Path
    config: Configuration
    network: FrameNetwork
    params: PyTree
    statistics: Statistics
    # What the checkpoint says of itself: step, score, seconds trained, fingerprint.
    record: Record

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(*space, channels) of the frames it was trained on."""
        return tuple(self.record["frame_shape"])

    def __repr__(self) -> str:
        """Return the model in one line: network, frames, run and step."""
        *space, channels = self.frame_shape
        cells = " x ".join(map(str, space))
        return (
            f"<TrainedModel {self.config.model.name} of {self.config.data.name}, "
            f"{cells} cells, {counted(channels, 'channel')}, from {self.workdir} at "
            f"step {self.record['step']}>"
        )

    def __getstate__(self) -> dict[str, object]:
        """Return the fields: what was compiled is left out, and compiled again."""
        fields = dataclasses.fields(self)
        return {field.name: getattr(self, field.name) for field in fields}

    def at_interval(self, interval: float) -> "TrainedModel":
        """Return the model with the time step of its blocks multiplied by `interval`.

        For frames so many times as far apart as those it was trained on.

        Raises:
          InputError: the network has no time step.
        """
        if not isinstance(self.network, ADRNet):
            raise InputError(f"a {self.config.model.name} has no time step to scale")
        network = self.network.clone(interval=interval)
        return dataclasses.replace(self, network=network)

    def forecast(
        self, frames: Float[ArrayLike, "..."], steps: int
    ) -> Float[np.ndarray, "..."]:
        """Forecast the next frames, on all devices; compiled once for each shape.

        Args:
          frames: NumPy or JAX, (time, *space, channels) or (batch, time, *space,
            channels), in the unit the model was trained in; at least `data.history`
            frames, of which the last count. NaN is missing, as is what a NumPy mask
            hides, and filled in: from its cell's other frames, or else by the mean. Of
            one channel its axis may be left out, (time, *space). Or an xarray
            DataArray, its dimensions known by their names, in any order.
          steps: how many.

        Returns:
          float32 in the same unit, (steps, *space, channels), or with the batch axis,
          or without that of channels: as `frames` has them; float64 where values vary
          little about a large number. For a DataArray another with the coordinates of
          the first, and the times that follow.

        Raises:
          InputError: another number of axes or channels, too few frames or steps, or
            an infinite value.
        """
        steps = _whole("forecast", steps)
        if steps < 1:
            raise InputError(f"forecast got steps={steps}; expected 1 or more")
        question = self._asked("forecast", frames)
        ahead = self._rollout(question.history, steps)
        return question.answer(self._counted_from_zero(ahead))

    def displacement(
        self, frames: Float[ArrayLike, "..."]
    ) -> Float[np.ndarray, "..."] | None:
        """Return what moves the frame in the interval after `frames`, in cells.

        With head "advection" it is the motion that carries the last frame, measured
        and corrected. Otherwise it is how far the blocks together move their state, the
        mean over their displacement fields.

        Args:
          frames: as for `forecast`.

        Returns:
          (*space, axes), or with the batch axis before; `[..., k]` along axis k of
          space, positive toward larger index. None for a network without either.

        Raises:
          InputError: as `forecast`.
        """
        question = self._asked("displacement", frames)
        if self.config.model.head == "advection":
            measure = self._measures[measurement.displacement]
            moved = np.asarray(measure(self.params, question.history))
        elif self._transports:
            by_block = self._measure(measurement.block_displacements, question.history)
            moved = by_block.mean(axis=-2).sum(axis=1)
        else:
            return None
        return question.in_batch(moved)

    def exceedance(
        self, frames: Float[ArrayLike, "..."], steps: int
    ) -> Float[np.ndarray, "..."]:
        """Return how likely each of `thresholds` is reached in the next frames.

        Args:
          frames: as for `forecast`.
          steps: how many, to `model.frames_out`.

        Returns:
          float32 from 0 to 1, (steps, *space, thresholds), or with the batch axis; of
          the first channel, never more for a higher threshold.

        Raises:
          InputError: as `forecast`, or the model was trained without
            `model.exceedance`, or does not look so far ahead.
        """
        return self.nowcast(frames, steps)[1]

    def nowcast(
        self, frames: Float[ArrayLike, "..."], steps: int
    ) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
        """Return what `forecast` and `exceedance` do, in the time of one of them.

        Arguments and errors are those of `exceedance`.
        """
        longest = self.config.model.frames_out
        if not self.thresholds:
            raise InputError(
                f"{self.workdir} forecasts no probabilities: train a model with "
                "--config.model.exceedance=True"
            )
        steps = _whole("nowcast", steps)
        if not 1 <= steps <= longest:
            raise InputError(
                f"nowcast got steps={steps}; expected 1 to model.frames_out, "
                f"{longest}: probabilities cannot be fed back"
            )
        question = self._asked("nowcast", frames)
        both = self._nowcast(self.params, question.history, steps)
        ahead, likely = (np.asarray(part) for part in both)
        ahead = self._counted_from_zero(ahead)
        return question.answer(ahead), question.in_batch(likely)

    @property
    def scores(self) -> dict:
        """The scores of the run by protocol, as in results.json, baselines among them.

        protocol -> forecaster -> metric -> value, the model's under "model".

        Raises:
          InputError: the run is not scored, as its `eval.protocols` names none.
        """
        return read_results(self.workdir)["protocols"]

    def report(self) -> Page:
        """Write the report of the run, and return it: a notebook shows it.

        Raises:
          InputError: the run is not scored, or jinja2 or matplotlib is missing.
        """
        return Page(write_report(self.workdir))

    def save(self, workdir: str | epath.Path) -> "TrainedModel":
        """Copy the whole run to another folder or bucket; return the model there.

        It can be loaded, scored and continued there.

        Raises:
          InputError: the folder is not empty.
        """
        target = epath.Path(workdir)
        if target.exists() and any(target.iterdir()):
            raise InputError(f"save got {target}, which is not empty: name a new one")
        copy_run(self.workdir, target)
        tree = read_config(self.workdir)
        if tree["data"]["root"] == os.fspath(self.workdir.absolute()):
            tree["data"]["root"] = os.fspath(target.absolute())  # its frames moved too
            write_json(target / CONFIG_FILE, tree)
        return load(target)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the run in a line, and its scores."""
        shown = f"<p>{html.escape(repr(self))}</p>"
        if (self.workdir / RESULTS_FILE).exists():
            tables = (score_table(*item) for item in self.scores.items())
            shown += "".join(tables)
        return shown

    @property
    def offset(self) -> tuple[float, ...]:
        """Return what the network counts each channel from; () for zero."""
        return tuple(self.record.get("offset", ()))

    def relative_to(self, offset: Sequence[float]) -> "TrainedModel":
        """Return the model for frames of which `offset` has been subtracted."""
        if tuple(offset) == self.offset:
            rest: list[float] = []
        else:
            channels = len(self.statistics.mean)
            own, other = (o or (0.0,) * channels for o in (self.offset, tuple(offset)))
            rest = [a - b for a, b in zip(own, other, strict=True)]
        record = Record({**self.record, "offset": rest}, self.workdir)
        return dataclasses.replace(self, record=record)

    def _counted_from_zero(self, frames: np.ndarray) -> np.ndarray:
        return frames + np.array(self.offset) if self.offset else frames

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Values, in the data's unit, whose probability `exceedance` forecasts."""
        return tuple(self.record.get("thresholds", ()))

    @functools.cached_property
    def _nowcast(self) -> Callable:
        @functools.partial(jax.jit, static_argnums=2)
        def nowcast(params, history, steps):
            seen = see(history, self.statistics, self.config.data.history)
            ahead, likely = measurement.with_exceedance(
                self.network, params, seen, steps
            )
            return self.statistics.restore(ahead), likely

        return nowcast

    def block_displacements(
        self, frames: Float[ArrayLike, "..."]
    ) -> Float[np.ndarray, "..."] | None:
        """Return how each block moves its state in the step after `frames`, in cells.

        Args:
          frames: as for `forecast`.

        Returns:
          (blocks, *space, fields, axes), or with the batch axis before, as
          `displacement`. None for a network without transport of its state.

        Raises:
          InputError: as `forecast`.
        """
        question = self._asked("block_displacements", frames)
        if not self._transports:
            return None
        displacement = self._measure(measurement.block_displacements, question.history)
        return question.in_batch(displacement)

    def shares(
        self, frames: Float[ArrayLike, "..."]
    ) -> Float[np.ndarray, "..."] | None:
        """Return the shares of advection, diffusion and reaction in what blocks change.

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
        question = self._asked("shares", frames)
        if not self._transports:
            return None
        sizes = self._measure(measurement.changes, question.history)
        return question.in_batch(sizes / sizes.sum(axis=-1, keepdims=True))

    @property
    def _transports(self) -> bool:
        is_adrnet = isinstance(self.network, ADRNet)
        return is_adrnet and self.config.model.transport != "none"

    def _measure(self, measure: Callable, history: np.ndarray) -> np.ndarray:
        """Return what `measurement` finds in each block, the batch axis first."""
        measured = self._measures[measure](self.params, history)
        return np.moveaxis(np.asarray(measured), 0, 1)

    @functools.cached_property
    def _measures(self) -> dict[Callable, Callable]:
        def compiled(measure: Callable) -> Callable:
            @jax.jit
            def measured(params, history):
                seen = see(history, self.statistics, self.config.data.history)
                return measure(self.network, params, seen)

            return measured

        names = "displacement", "block_displacements", "changes"
        measures = [getattr(measurement, name) for name in names]
        return {measure: compiled(measure) for measure in measures}

    @functools.cached_property
    def _rollout(self) -> Forecast:
        forecast = physical_rollout(
            self.network, self.statistics, self.config.data.history
        )
        return functools.partial(
            mapping.map_forecast(forecast), mapping.replicate(self.params)
        )

    def _asked(self, method: str, frames: ArrayLike) -> asked.Asked:
        length = self.config.data.history
        return asked.read(method, frames, self.frame_shape, length, self.offset)


def _whole(method: str, steps: int) -> int:
    """Return `steps` as an int, or raise InputError."""
    try:
        return operator.index(steps)
    except TypeError as error:
        raise InputError(
            f"{method} got steps={steps!r}; expected a whole number of frames"
        ) from error


def load(workdir: str | epath.Path) -> TrainedModel:
    """Load the best model of a run, by its validation score.

    "shallow_water" and "rain" are the weights that come with the project.

    Raises:
      InputError: the folder holds no run, or none of its checkpoints can be read, or
        another version wrote it.
    """
    folder = epath.Path(shipped.find_workdir(str(workdir)))
    tree = processes.on_first(lambda: read_config(folder))
    config = configuration.from_json(tree)
    restored = None
    if processes.on_first(lambda: (folder / BEST).exists()):
        best = Checkpoints(folder / BEST, keep=1)
        restored = best.restore()
        best.close()
    if restored is None:
        raise InputError(
            f"{folder} has no best model yet: let it train to a validation"
        )
    params, record = restored
    network = build_network(
        config,
        record.statistics,
        record.get("misses"),
        record.get("thresholds", ()),
    )
    history = jnp.zeros((1, config.data.history, *record["frame_shape"]), jnp.float32)
    key = jax.random.key(config.seed)
    expected = {"params": jax.eval_shape(network.init, key, history)["params"]}
    check_same_arrays(params, expected, folder / BEST)
    return TrainedModel(folder, config, network, params, record.statistics, record)
