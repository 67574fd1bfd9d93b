"""A few forecasts of a run, kept with its scores for a report to draw.

A page can then be made wherever data or checkpoints are gone. What is kept is what
pictures show, on grids of some `SIDE` cells and in as many shades: a few megabytes.
"""

import dataclasses
import io
import typing
import zipfile
import zlib
from typing import Any

import numpy as np
from etils import epath
from jaxtyping import Float, Int

from adr_jax.evaluation.workdir import SCORER, damaged, write_whole

BROKEN = (ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile, zlib.error)


@dataclasses.dataclass(frozen=True)
class Samples:
    """Forecasts of some windows of a protocol, n of them, at k of its steps."""

    protocol: str
    split: str
    # How many windows the protocol has, which of them these are, and what for: "best",
    # "median", "worst" by the score, or "first", which every run has kept.
    total: int
    windows: Int[np.ndarray, " n"]
    roles: tuple[str, ...]
    # The data set's first metric: of each window, and of each step of each.
    metric: str
    scores: Float[np.ndarray, " n"]
    scores_at: Float[np.ndarray, "n k"]
    # Forecast steps, from 1 to the last.
    steps: Int[np.ndarray, " k"]
    # What cells hold: values of each variable ("field"), the number of a class
    # ("classes", with their names), or red, green and blue from 0 to 1 ("colour").
    kind: str
    variables: tuple[str, ...]
    classes: tuple[str, ...]
    # Cells along each axis of the data's own grid.
    space: tuple[int, ...]
    # Target, forecast and their difference; of classes, 1 where they differ. In two
    # dimensions only, and of large grids the means of neighbouring cells.
    pictures: Float[np.ndarray, "n 3 k rows columns v"] | None = None
    # Of target, forecast and error, the mean over samples at some of the steps.
    spectra: Float[np.ndarray, "3 s wavenumbers v"] | None = None
    spectra_steps: Int[np.ndarray, " s"] | None = None
    # In two dimensions, displacements in cells of the data's grid, one for every
    # `spacing` by `spacing` of them: see `sampling.thinned`. What the blocks together
    # do to each sample before each step (means over groups, added over blocks), and
    # all that they do to the first sample before its first step, over `ground`.
    spacing: int = 1
    net_motion: Float[np.ndarray, "n k r c 2"] | None = None
    motion: Float[np.ndarray, "blocks r c groups 2"] | None = None
    ground: Float[np.ndarray, "rows columns"] | None = None
    # Of advection, diffusion and reaction in what each block does to these samples.
    shares: Float[np.ndarray, "blocks 3"] | None = None

    def write(self, path: epath.Path) -> None:
        """Writes an npz, whole or not at all."""
        arrays: dict[str, Any] = {
            name: np.asarray(value)
            for name, value in vars(self).items()
            if value is not None
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, buffer.getvalue())


def read(path: epath.Path) -> Samples | None:
    """Reads what `Samples.write` wrote; None where there is no such file.

    Raises:
      InputError: the file is damaged, or another's.
    """
    if not path.exists():
        return None
    try:
        arrays = dict(np.load(io.BytesIO(path.read_bytes()), allow_pickle=False))
        known = {field.name: field for field in dataclasses.fields(Samples)}
        values = {
            name: _as(known[name].type, value)
            for name, value in arrays.items()
            if name in known
        }
        samples = Samples(**values)
    except BROKEN as error:
        raise damaged(path, str(error), SCORER) from error
    n, k = len(samples.windows), len(samples.steps)
    expected = {
        "roles": (n,),
        "scores": (n,),
        "scores_at": (n, k),
        "pictures": (n, 3, k),
        "net_motion": (n, k),
    }
    for name, start in expected.items():
        if name in arrays and arrays[name].shape[: len(start)] != start:
            got = f"expected {name} of {n} samples, {k} steps; found "
            raise damaged(path, f"{got}{arrays[name].shape}", SCORER)
    return samples


def _as(kind: Any, value: np.ndarray) -> Any:
    """An array as the field's own type where that is none."""
    if kind in (str, int):
        return kind(value.item())
    if typing.get_origin(kind) is tuple:
        return tuple(value.tolist())
    return value
