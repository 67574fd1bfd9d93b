"""Letters for the axes of an array: n trajectory, t time, z y x space, c channel.

They are stated, or follow from names, CF attributes and equal sides. Position alone
does not say what is time. One axis of space is x, two are y and x, three are z, y and
x.
"""

import re
from collections.abc import Mapping, Sequence

from adr_jax.data.files.dimensions import letter_of
from adr_jax.errors import InputError, counted

# The order of the axes of frames, whatever the order in the file.
ORDER = "ntzyxc"
SPACES = ("x", "yx", "zyx")
MEANING = {
    "n": "trajectories",
    "t": "frames",
    "z": "layers",
    "y": "rows",
    "x": "columns",
    "c": "channels",
}
# Common layouts of arrays, by rank.
LAYOUTS = {
    2: ("tx", "xt"),
    3: ("tyx", "yxt", "ntx", "txc"),
    4: ("tyxc", "ntyx", "tnyx", "tzyx", "tcyx", "ntxc"),
    5: ("ntyxc", "ntcyx", "ntzyx", "tzyxc"),
    6: ("ntzyxc",),
}
HOW = "with --axes, or train.py's --config.data.axes="
# The maximum length of an axis of channels; space is longer.
FEW = 4
# Names that say nothing, as xarray and netCDF give them to what has none.
NAMELESS = re.compile(r"(phony_)?dim_?\d+")


def space_of(axes: str) -> str:
    """Return the letters of space among `axes`, in the order of frames."""
    return "".join(letter for letter in "zyx" if letter in axes)


def check_axes(axes: str, shape: Sequence[int], what: str) -> None:
    """Raise InputError unless `axes` can name the axes of an array of this shape."""
    if (
        len(set(axes)) != len(axes)
        or not set(axes) <= set(ORDER)
        or "t" not in axes
        or space_of(axes) not in SPACES
    ):
        raise InputError(
            f"{what}: axes {axes!r}; expected each letter once, of n (trajectory), t "
            "(time), c (channel) and x, yx or zyx (space), among them t and x: set "
            "--config.data.axes, for example to tyx"
        )
    if len(axes) != len(shape):
        raise InputError(
            f"{what} has {len(shape)} axes, {_product(shape)}, but config.data.axes "
            f"names {len(axes)}, {axes!r}: name them all in their order"
        )


def guess_axes(
    dimensions: Sequence[str],
    shape: Sequence[int],
    what: str,
    coordinates: Mapping[str, Mapping[str, object]] | None = None,
) -> str:
    """Return the axes of an array from its dimensions and its shape.

    Args:
      dimensions: their names, "" where one is unknown.
      shape: of the array.
      what: the array, with which messages begin.
      coordinates: attributes of the coordinates of each dimension, by its name.

    Raises:
      InputError: several layouts are possible, or none. The message lists them with the
        flag to add.
    """
    names = ["" if NAMELESS.fullmatch(name) else name for name in dimensions]
    known = [letter_of(name, (coordinates or {}).get(name)) for name in names]
    if "t" in known:
        known = _with_single(known, shape)
    axes = "".join(letter or "" for letter in known)
    if len(set(axes)) == len(shape) and "t" in axes:
        check_axes(axes, shape, what)
        return axes
    possible = [
        layout
        for layout in LAYOUTS.get(len(shape), ())
        if all(k in (None, a) for k, a in zip(known, layout, strict=True))
        and _plausible(layout, shape)
    ]
    if any(names) and "t" not in known:
        raise InputError(
            f"{what}, {_product(shape)}: neither names nor attributes (axis, "
            "standard_name, units '... since ...') of "
            f"{', '.join(filter(None, names))} say which axis is time: name the axes "
            f"in their order, {HOW}{(possible or ['tyx'])[0]}"
        )
    # Equal sides suggest space.
    square = [layout for layout in possible if _is_square(layout, shape)]
    sure = (square or possible) if "t" in known else _with_time(square, shape)
    if len(sure) == 1:
        return sure[0]
    if not possible:
        raise InputError(
            f"{what}, {_product(shape)}, is laid out in no usual way (more than {FEW} "
            "rows and columns): name its axes in their order, letters of "
            f"n (trajectory), t (time), z, y, x (space), c (channel), {HOW}tyx"
        )
    readings = [f"{axes} ({explain_axes(axes, shape)})" for axes in possible]
    if len(shape) - (shape[-1] <= FEW or shape[0] <= FEW) == 2:
        readings.append("a single picture, which is no sequence")
    raise InputError(
        f"{what}, {_product(shape)}, may be {' or '.join(readings)}: say which, "
        f"{HOW}{possible[0]}"
    )


def explain_axes(axes: str, shape: Sequence[int]) -> str:
    """Return a text such as "100 frames of 64 rows x 64 columns"."""
    sizes = dict(zip(axes, shape, strict=True))
    space = " x ".join(
        f"{sizes[a]} {MEANING[a]}" for a in space_of(axes) if (a, sizes[a]) != ("z", 1)
    )
    start = f"{sizes['n']} trajectories of " if "n" in sizes else ""
    end = f", {counted(sizes['c'], 'channel')}" if "c" in sizes else ""
    return f"{start}{counted(sizes['t'], 'frame')} of {space}{end}"


def _with_single(known: Sequence[str | None], shape: Sequence[int]) -> list[str | None]:
    """Give letters that are free to unknown axes of length 1, which mean nothing."""
    free = iter([letter for letter in "cnz" if letter not in known])
    return [
        next(free, None) if letter is None and length == 1 else letter
        for letter, length in zip(known, shape, strict=True)
    ]


def _plausible(layout: str, shape: Sequence[int]) -> bool:
    sizes = dict(zip(layout, shape, strict=True))
    return sizes.get("c", 1) <= FEW < min(sizes[axis] for axis in space_of(layout))


def _with_time(layouts: Sequence[str], shape: Sequence[int]) -> list[str]:
    """Return the layouts if no axis of time may be that of a picture's channels."""
    lengths = [shape[layout.index("t")] for layout in layouts if "c" not in layout]
    return [] if any(1 < length <= FEW for length in lengths) else list(layouts)


def _is_square(layout: str, shape: Sequence[int]) -> bool:
    space = space_of(layout)
    sizes = dict(zip(layout, shape, strict=True))
    return len(space) > 1 and len({sizes[axis] for axis in space}) == 1


def _product(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
