"""Example forecasts of a run, stored with its scores for the report to draw.

With them a page can be made without the data or the checkpoints. They hold only what
the pictures show, on grids of about `pictures.SIDE` cells: a few megabytes.
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

UNREADABLE = (ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile, zlib.error)


@dataclasses.dataclass(frozen=True)
class Examples:
    """Forecasts of n windows of a protocol, at k of its steps."""

    protocol: str
    split: str
    # The number of windows of the protocol, the indices of these, and their roles:
    # "best", "median", "worst" by the score, or "first", which every run keeps.
    total: int
    windows: Int[np.ndarray, " n"]
    roles: tuple[str, ...]
    # The data set's first metric: of each window, and of each step of each.
    metric: str
    scores: Float[np.ndarray, " n"]
    scores_at: Float[np.ndarray, "n k"]
    # Forecast steps, from 1 to the last.
    steps: Int[np.ndarray, " k"]
    # Content of a cell: a value of each variable ("field"), the index of a class
    # ("classes", with their names), or red, green and blue from 0 to 1 ("colour").
    kind: str
    variables: tuple[str, ...]
    classes: tuple[str, ...]
    # Cells along each axis of the data's own grid.
    space: tuple[int, ...]
    # Target, forecast and their difference; for classes, 1 where they differ. In two
    # dimensions only; large grids are averaged.
    pictures: Float[np.ndarray, "n 3 k rows columns v"] | None = None
    # Spectra of target, forecast and error at some of the steps, mean over windows.
    spectra: Float[np.ndarray, "3 s wavenumbers v"] | None = None
    spectra_steps: Int[np.ndarray, " s"] | None = None
    # In two dimensions, displacements in cells of the data's grid, one for every
    # `spacing` by `spacing` cells (`collecting.thinned`). `net_motion` moves the frame
    # before each step. `motion` is that of each group of each block before the first
    # step of the first window, shown over `ground`.
    spacing: int = 1
    net_motion: Float[np.ndarray, "n k r c 2"] | None = None
    motion: Float[np.ndarray, "blocks r c groups 2"] | None = None
    ground: Float[np.ndarray, "rows columns"] | None = None
    # Shares of advection, diffusion and reaction in each block, mean over windows.
    shares: Float[np.ndarray, "blocks 3"] | None = None

    def write(self, path: epath.Path) -> None:
        """Write an npz file, complete or not at all."""
        arrays: dict[str, Any] = {
            name: np.asarray(value)
            for name, value in vars(self).items()
            if value is not None
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, buffer.getvalue())


def read(path: epath.Path) -> Examples | None:
    """Read a file of `Examples.write`; return None if it is missing.

    Raises:
      InputError: the file is damaged, or has other content.
    """
    if not path.exists():
        return None
    try:
        arrays = dict(np.load(io.BytesIO(path.read_bytes()), allow_pickle=False))
        known = {field.name: field for field in dataclasses.fields(Examples)}
        values = {
            name: _converted(value, known[name].type)
            for name, value in arrays.items()
            if name in known
        }
        examples = Examples(**values)
    except UNREADABLE as error:
        raise damaged(path, str(error), SCORER) from error
    n, k = len(examples.windows), len(examples.steps)
    expected = {
        "roles": (n,),
        "scores": (n,),
        "scores_at": (n, k),
        "pictures": (n, 3, k),
        "net_motion": (n, k),
    }
    for name, start in expected.items():
        if name in arrays and arrays[name].shape[: len(start)] != start:
            reason = (
                f"expected {name} of {n} samples, {k} steps; found {arrays[name].shape}"
            )
            raise damaged(path, reason, SCORER)
    return examples


def _converted(value: np.ndarray, kind: Any) -> Any:
    """Return an array as text, integer or tuple where a field has that type."""
    if kind in (str, int):
        return kind(value.item())
    if typing.get_origin(kind) is tuple:
        return tuple(value.tolist())
    return value
