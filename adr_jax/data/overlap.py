"""Frames that trajectories share: windows cut from one film are not distinct."""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from adr_jax.data.contract import Trajectories
from adr_jax.errors import InputError

# About how many values are read to look for shared frames: half a gigabyte. Of larger
# files the first trajectories are looked at.
VALUES = 2**27
# Values that are read at a time.
AT_ONCE = 2**22

# A digest of each frame of each trajectory, None for one that does not count.
Digests = Sequence[Sequence[bytes | None]]


def digests(trajectories: Trajectories, indices: Iterable[int]) -> Digests:
    """Return digests of the frames of some trajectories, up to VALUES in all.

    A uniform frame, and one that equals a neighbour, does not count: different films
    may have them in common, such as a sky without rain.
    """
    left, found = VALUES // math.prod(trajectories.frame_shape), []
    for index in indices:
        left -= trajectories.lengths[index]
        own = [*_frames(trajectories, index)] if left >= 0 else []
        around = [None, *own, None]
        found.append(
            [None if d in (around[k], around[k + 2]) else d for k, d in enumerate(own)]
        )
    return found


def _frames(trajectories: Trajectories, index: int) -> Iterator[bytes | None]:
    """Yield the digest of each frame of a trajectory, None for a uniform one."""
    length = trajectories.lengths[index]
    at_once = max(1, AT_ONCE // math.prod(trajectories.frame_shape))
    for start in range(0, length, at_once):
        for frame in trajectories.read(index, start, min(start + at_once, length)):
            cells = frame.reshape(-1, frame.shape[-1])
            varies = np.fmax.reduce(cells) > np.fmin.reduce(cells)
            digest = hashlib.blake2b(frame.tobytes(), digest_size=16).digest()
            yield digest if varies.any() else None


def merged(states: Sequence[str], frames: Digests) -> list[str]:
    """Return the states of trajectories, one for all that share a frame or a state.

    It holds along chains: a film cut into windows that overlap has one state.
    """
    parent = list(range(len(states)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[str | bytes, int] = {}
    for index, (state, own) in enumerate(zip(states, frames, strict=True)):
        for key in {state, *own} - {None}:
            one, other = sorted((root(first.setdefault(key, index)), root(index)))
            parent[other] = one
    return [states[root(index)] for index in range(len(states))]


def check(
    what: object, parts: Mapping[str, Sequence[tuple[int, int, int]]], frames: Digests
) -> None:
    """Raise InputError if trajectories have a frame in common, in different splits.

    Args:
      what: the file, with which the message begins.
      parts: for each split, spans of trajectories.
      frames: digests of all trajectories.
    """
    seen: dict[bytes, tuple[str, int]] = {}
    for split, spans in parts.items():
        for index, start, stop in spans:
            for digest in frames[index][start:stop]:
                if digest is None:
                    continue
                where, other = seen.setdefault(digest, (split, index))
                if where != split and other != index:
                    raise InputError(
                        f"{what}: trajectories {other} and {index} share frames, which "
                        f"would be in {where} and in {split}: give their film once, as "
                        "one trajectory"
                    )


def count_shared(one: Digests, other: Digests) -> tuple[int, int]:
    """Return how many frames of the second are in the first, and of how many."""
    known = {digest for trajectory in one for digest in trajectory}
    counted = [d for trajectory in other for d in trajectory if d is not None]
    return sum(digest in known for digest in counted), len(counted)
