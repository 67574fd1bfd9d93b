"""Train a model from Python: on arrays, a file, or a data set by its name."""

import atexit
import contextlib
import dataclasses
import filecmp
import os
import pathlib
import shutil
import signal
import tempfile
from collections.abc import Mapping
from typing import Any

from etils import epath

from adr_jax import data, shipped
from adr_jax.data.own import storing
from adr_jax.errors import InputError
from adr_jax.evaluation.workdir import BEST, CHECKPOINTS, CONFIG_FILE
from adr_jax.options import Configuration
from adr_jax.training import configuration, loop, results
from adr_jax.training.devices import processes
from adr_jax.training.model import TrainedModel, load
from adr_jax.training.run import locks
from adr_jax.training.run.checkpoint import Checkpoints
from adr_jax.training.run.stopping import EXIT_CODES, Stopped

# The file of a workdir with the frames that a run was given as arrays.
FRAMES_FILE = "frames.h5"


def fit(
    frames: Any,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    history: int | None = None,
    head: str | None = None,
    seed: int | None = None,
    workdir: str | os.PathLike | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    **fields: Any,
) -> TrainedModel:
    """Train a model, score it beside baselines, and return it.

    The run is that of `train.py`: it can be resumed by the same call with the same
    `workdir`, and has a report. Ctrl-C ends it with what it has.

    Args:
      frames: what to train on, NaN where missing. Arrays, NumPy or JAX: (time, *space)
        or (time, *space, channels), or a list of those, a sequence each of any number
        of frames. An xarray DataArray, its dimensions known by their names. The path of
        a file that `train.py --config own` reads. Or a configuration that comes with
        the project, by its name: "synthetic:vortex". Arrays are copied into the
        workdir.
      minutes: of training; five where neither this nor `steps` is given.
      steps: of training, instead of minutes.
      history: frames that a forecast starts from.
      head: what the network adds to: "auto" for own data (the default there),
        "advection", "persistence", "extrapolation" or "frames".
      seed: of the parameters, the order of batches and the noise.
      workdir: folder of the run. None: a temporary one, gone when Python ends; `save`
        keeps it.
      options: further fields of the configuration, {"model": {"channels": 32}}.
      **fields: the same by keyword, model__channels=32; adr_jax/options.py has all.

    Raises:
      InputError: the frames or a field cannot be used; the message says why.
    """
    if minutes is not None and steps is not None:
        raise InputError(f"fit got minutes={minutes} and steps={steps}; expected one")
    folder = epath.Path(workdir) if workdir is not None else _temporary()
    changes = _merged(
        options or {},
        _sections(fields),
        {"seed": seed},
        {"data": {"history": history}, "model": {"head": head}},
        {"train": {"minutes": 0.0 if steps else minutes, "steps": steps}},
    )
    name, stored = _name_of(frames, folder, changes.get("data", {}).get("axes", ""))
    config = configuration.named(name)
    usual = {}
    if config.model.head == "auto" and head == "advection":
        usual = {"train": {"feedback": 0}}
    # A list is stored with an axis more than the arrays whose axes were named.
    tree = _merged(dataclasses.asdict(config), usual, changes, stored)
    config = configuration.read(Configuration.of(tree))
    try:
        loop.train_and_evaluate(config, folder)
    except Stopped as stop:
        if stop.exit_code != EXIT_CODES[signal.SIGINT]:
            raise
        _keep_what_there_is(folder, stop)
        results.score_and_write(folder, data.load(config.data), config.eval.protocols)
    return load(folder)


def _temporary() -> epath.Path:
    folder = tempfile.mkdtemp(prefix="adr_jax-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return epath.Path(folder)


def _name_of(frames: Any, folder: epath.Path, axes: str) -> tuple[str, dict]:
    """Return the name of the configuration for these frames, and fields to set in it.

    Arrays are written into the folder of the run.
    """
    if isinstance(frames, str | os.PathLike):
        path, known = pathlib.Path(frames).expanduser(), shipped.config_names()
        is_name = str(frames).partition(":")[0] in known
        if path.exists() and is_name:
            raise InputError(
                f"fit got {str(frames)!r}, which is a file here and a configuration of "
                f"adr_jax: say which, by {path.absolute()} or from another folder"
            )
        if path.exists():
            return "own", {"data": {"path": str(path.absolute())}}
        if is_name:
            return str(frames), {}
        raise InputError(
            f"fit got {str(frames)!r}: no such file, and no configuration of that name;"
            f" shipped are {', '.join(known)}"
        )
    if locks.is_remote(folder):
        raise InputError(
            f"fit stores arrays in its workdir, and {folder} is a bucket: write them "
            "to a file, and give its path"
        )
    place = pathlib.Path(folder).absolute()
    axes = processes.on_first(lambda: _stored(frames, place, axes))
    fields = {"root": str(place), "path": FRAMES_FILE, "axes": axes}
    return "own", {"data": fields}


def _stored(frames: Any, folder: pathlib.Path, axes: str) -> str:
    """Store arrays in the folder of a run, and return their axes.

    Raises:
      InputError: the folder holds a run of other frames, which stay as they are.
    """
    file = folder / FRAMES_FILE
    if not (folder / CONFIG_FILE).exists():
        return storing.store(frames, file, axes)
    new = file.with_suffix(".new.h5")
    try:
        axes = storing.store(frames, new, axes)
        if not (file.exists() and filecmp.cmp(file, new, shallow=False)):
            raise InputError(
                f"{folder} holds a run of other frames: name another workdir, or give "
                "the same frames to go on with it"
            )
    finally:
        new.unlink(missing_ok=True)
    return axes


def _sections(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords such as model__channels=32 as sections of a configuration."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        section, separator, field = name.partition("__")
        if not separator:
            raise InputError(
                f"fit got an unknown argument {name!r}; fields of the configuration "
                "have their section before two underscores, as model__channels=32"
            )
        found.setdefault(section, {})[field] = value
    return found


def _merged(*trees: Mapping[str, Any]) -> dict[str, Any]:
    """Return trees merged, the last first; a leaf that is None is not set."""
    merged: dict[str, Any] = {}
    for tree in trees:
        for name, value in tree.items():
            if isinstance(value, Mapping):
                merged[name] = _merged(merged.get(name, {}), value)
            elif value is not None:
                merged[name] = value
    return merged


def _keep_what_there_is(folder: epath.Path, stop: Stopped) -> None:
    """Take the last parameters for the best where a run ends before a validation."""
    if (folder / BEST).exists() and any((folder / BEST).iterdir()):
        return
    with contextlib.closing(Checkpoints(folder / CHECKPOINTS, keep=3)) as checkpoints:
        restored = checkpoints.restore()
    if restored is None:
        raise InputError(f"{stop}: nothing is trained yet") from stop
    state, record = restored
    with contextlib.closing(Checkpoints(folder / BEST, keep=1)) as best:
        best.save(record["step"], state["average"], record)
