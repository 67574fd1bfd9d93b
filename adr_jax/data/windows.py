"""Windows cut from the trajectories of a split."""

import numpy as np
from jaxtyping import Float, Int, Shaped

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError


class Windows:
    """Every window of `length` frames of one split, by index, `stride` frames apart.

    Trajectories shorter than a window give none.
    """

    def __init__(self, dataset: Dataset, split: str, length: int, stride: int = 1):
        members = [int(index) for index in dataset.splits[split]]
        if not members:
            raise InputError(
                f"the {split} split of {dataset.name} ({dataset.split_name}) is empty: "
                "use a file with more trajectories or another data.split"
            )
        longest = max(dataset.trajectories.lengths[index] for index in members)
        if length > longest:
            raise InputError(
                f"a window of {length} frames does not fit into the trajectories of "
                f"{dataset.name}, split {split}, which have {longest}: shorten "
                "data.history or train.feedback"
            )
        self._trajectories = dataset.trajectories
        # Of each window: the index of its trajectory, and its first frame.
        self.starts = [
            (index, start)
            for index in members
            for start in range(
                0, dataset.trajectories.lengths[index] - length + 1, stride
            )
        ]
        self.length = length
        self.vectors = dataset.vectors

    def __len__(self) -> int:
        """Return the number of windows in the split."""
        return len(self.starts)

    def __getitem__(self, window: int) -> Float[np.ndarray, "time *space channels"]:
        """Return one window, (length, *space, channels)."""
        index, start = self.starts[window]
        return self._trajectories.read(index, start, start + self.length)

    def farthest_lead(self, window: int) -> int:
        """Return how far ahead of the frames before it a window's last frame can be."""
        index, start = self.starts[window]
        return self._trajectories.lengths[index] - start - self.length + 1

    def at_lead(
        self, window: int, lead: int
    ) -> Float[np.ndarray, "time *space channels"]:
        """Return one window whose last frame is `lead` intervals after the others."""
        if lead == 1:
            return self[window]
        index, start = self.starts[window]
        read, last = self._trajectories.read, start + self.length - 2
        past, ahead = (index, start, last + 1), (index, last + lead, last + lead + 1)
        return np.concatenate([read(*past), read(*ahead)])

    def read(
        self, indices: np.ndarray, leads: Int[np.ndarray, " windows"] | None = None
    ) -> Float[np.ndarray, "windows time *space channels"]:
        """Return several windows, (len(indices), length, *space, channels).

        With `leads`, the last frame of each is so many intervals after the others.
        """
        leads = np.ones(len(indices), int) if leads is None else leads
        pairs = zip(indices, leads, strict=True)
        return np.stack([self.at_lead(int(index), int(lead)) for index, lead in pairs])


def pad_rows(
    array: Shaped[np.ndarray, "rows ..."], multiple: int
) -> Shaped[np.ndarray, "padded ..."]:
    """Repeat the last row until the number of rows is a multiple of `multiple`.

    A function of batches of one size is then compiled once.
    """
    return np.concatenate([array, np.repeat(array[-1:], -len(array) % multiple, 0)])
