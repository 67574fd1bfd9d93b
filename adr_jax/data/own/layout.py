"""The dimensions, attributes and coordinates of a forecast, as CF names them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from adr_jax.data.files.array_file import Array
from adr_jax.data.files.dimensions import AXES
from adr_jax.data.files.packing import ATTRIBUTES
from adr_jax.data.own.array_sequences import ArraySequences
from adr_jax.data.own.coordinates import Coordinates

# Names of dimensions that have none in the source.
UNNAMED = {"n": "trajectory", "t": "time", "z": "z", "y": "y", "x": "x", "c": "channel"}
# Attributes that name other variables of the source.
REFERENCES = ("coordinates", "grid_mapping")
# Those that name variables which are not written.
DROPPED = ("bounds", "ancillary_variables", "cell_measures", "formula_terms")
EPOCH = "seconds since 1970-01-01"


class Dimension(NamedTuple):
    """A dimension of what is written."""

    name: str
    length: int
    coordinates: Coordinates | None


def dimensions(
    parts: Sequence[ArraySequences], sizes: Mapping[str, int], coordinates: Mapping
) -> list[Dimension]:
    """Return the dimensions, named as in the source, in its order of axes.

    Args:
      parts: the arrays that are continued, which have the same dimensions.
      sizes: the length of each axis, by letter.
      coordinates: along the axes, by letter.
    """
    found: list[Dimension] = []
    variables = [part.variable for part in parts]
    for letter, named in zip(parts[0].axes, parts[0].array.dimensions, strict=True):
        name = named or UNNAMED[letter]
        if name in variables or name in [known.name for known in found]:
            name = f"{name}_{letter}"
        along = coordinates.get(letter)
        if along is not None and len(along.values) == sizes[letter]:
            found.append(Dimension(name, sizes[letter], along))
        else:
            found.append(Dimension(name, sizes[letter], None))
    return found


def as_cf(along: Coordinates, letter: str) -> Coordinates:
    """Return coordinates as numbers, with the attributes that CF asks for."""
    values, attributes = along.values, dict(along.attributes)
    if values.dtype.kind == "M":  # netCDF knows no dates
        seconds = (values - np.datetime64(0, "s")) / np.timedelta64(1, "s")
        is_whole = (seconds % 1 == 0).all()
        values = seconds.astype(np.int64) if is_whole else seconds
        attributes["units"] = EPOCH
    axis = {letter: axis for axis, letter in AXES.items()}.get(letter)
    if axis:
        attributes.setdefault("axis", axis)
    if letter == "t" and " since " in str(attributes.get("units")):
        attributes.setdefault("standard_name", "time")
        attributes.setdefault("calendar", "standard")
    kept = {name: value for name, value in attributes.items() if name not in DROPPED}
    return Coordinates(along.name, values, kept)


def attributes_of(array: Array, references: Mapping[str, Array]) -> dict[str, object]:
    """Return attributes of unpacked values, which name no other array than these."""
    dropped = (*ATTRIBUTES, *DROPPED, *REFERENCES)
    kept = {k: value for k, value in array.attributes.items() if k not in dropped}
    for attribute in REFERENCES:
        names = [
            name
            for name in str(array.attributes.get(attribute, "")).split()
            if name in references
        ]
        if names:
            kept[attribute] = " ".join(names)
    return kept


def references(source: ArraySequences, names: Mapping[str, int]) -> dict[str, Array]:
    """Return the arrays that the source's attributes name, by these names.

    They are on axes that do not change, given by name and length: a map of latitudes, a
    mapping, the number of a member.
    """
    group, found = source.variable.rpartition("/")[0], {}
    for attribute in REFERENCES:
        for name in str(source.array.attributes.get(attribute, "")).split():
            path = f"{group}/{name}".strip("/")
            array = source.file.arrays.get(path)
            if (
                array is not None
                and array.dtype.kind in "fiuS"
                and all(
                    names.get(dimension) == length
                    for dimension, length in zip(
                        array.dimensions, array.shape, strict=True
                    )
                )
            ):
                found[name] = array
    return found
