"""Coordinates of cells and frames along an axis."""

import dataclasses
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True)
class Coordinates:
    """Positions along an axis: numbers or dates, and the attributes of their array."""

    name: str
    values: np.ndarray
    attributes: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def step(self) -> np.floating | np.integer | np.timedelta64 | None:
        """The distance between neighbours, None for fewer than two positions.

        It is the median where distances vary, and otherwise the mean, in which their
        rounding averages out.
        """
        steps = np.sort(np.diff(self.values))
        if not len(steps):
            return None
        if self.values.dtype.kind == "f" and self.is_regular:
            return (self.values[-1] - np.float64(self.values[0])) / len(steps)
        return steps[len(steps) // 2]

    @property
    def is_regular(self) -> bool:
        """Return whether all distances are equal, to rounding and a thousandth."""
        steps, rounding = np.diff(self.values), 0.0
        if not len(steps):
            return False
        if self.values.dtype.kind == "M":
            steps = steps / np.timedelta64(1, "s")
        if self.values.dtype.kind == "f":
            largest = np.max(np.abs(self.values))
            rounding = 2 * np.finfo(self.values.dtype).eps * largest
        middle = np.median(steps)
        return bool(np.all(np.abs(steps - middle) <= 1e-3 * abs(middle) + rounding))

    @property
    def step_in_words(self) -> float | str | None:
        """The step with its unit, as "300 seconds", or 0.01; None where it varies."""
        if self.step is None or not self.is_regular:
            return None
        if isinstance(self.step, np.timedelta64):
            return f"{self.step / np.timedelta64(1, 's'):g} seconds"
        unit = str(self.attributes.get("units", "")).partition(" since ")[0].strip()
        step = f"{float(self.step):.6g}"
        return f"{step} {unit}" if unit else float(step)

    def continued(self, count: int) -> "Coordinates | None":
        """Return the next `count` positions, a step apart; None without a step."""
        if self.step is None:
            return None
        ahead = self.values[-1] + self.step * np.arange(1, count + 1)
        return dataclasses.replace(self, values=ahead.astype(self.values.dtype))
