"""Hold what every format of composites becomes: frames of dBZ, times and a grid."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float


@dataclasses.dataclass(frozen=True)
class Grid:
    """Cells of a map: row 0 is the north, column 0 the west."""

    shape: tuple[int, int]
    # Length of a cell in km; None where the file does not say.
    cell_km: float | None = None
    # How the map is projected, as PROJ writes it, "" where the file does not say.
    projection: str = ""
    # Metres of the upper left corner in that projection, (x, y).
    corner: tuple[float, float] | None = None

    @property
    def is_placed(self) -> bool:
        """Return whether it is known where on the Earth the cells lie."""
        return self.corner is not None and bool(self.projection)


@dataclasses.dataclass(frozen=True)
class Film:
    """The frames of a file, read lazily."""

    path: pathlib.Path
    # As in messages: the file and the variable.
    name: str
    # Unix seconds of each frame: the end of a scan or of an accumulation.
    times: Float[np.ndarray, " frames"]
    grid: Grid
    # From frame to frame, dBZ from 0 up, (frames, rows, columns), NaN where missing.
    read: Callable[[int, int], np.ndarray]
    # What the file holds, in words, as "rain rate in mm/h".
    quantity: str = ""
    # Facts that change what its numbers mean: a fingerprint takes them in.
    facts: Mapping[str, object] = dataclasses.field(default_factory=dict)
