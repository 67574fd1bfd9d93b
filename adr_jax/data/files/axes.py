"""Letters for the axes of an array: n trajectory, t time, z y x space, c channel.

They are stated, or guessed where names and shape leave one choice. One axis of space is
x, two are y and x, three are z, y and x.
"""

from collections.abc import Sequence

from adr_jax.errors import InputError

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
NAMES = {
    "n": ("n", "sample", "trajectory", "realization", "member", "ensemble", "number"),
    "t": ("t", "time", "frame", "step", "valid_time"),
    "z": ("z", "lev", "level", "depth", "altitude", "plev", "pressure_level"),
    "y": ("y", "yc", "lat", "latitude", "nlat", "rlat", "row", "south_north"),
    "x": ("x", "xc", "lon", "longitude", "nlon", "rlon", "col", "column", "west_east"),
    "c": ("c", "channel", "band", "variable"),
}
# Common layouts of arrays, by rank.
LAYOUTS = {
    2: ("tx",),
    3: ("tyx", "yxt", "ntx", "txc"),
    4: ("tyxc", "ntyx", "tnyx", "tzyx", "tcyx", "ntxc"),
    5: ("ntyxc", "ntcyx", "ntzyx", "tzyxc"),
    6: ("ntzyxc",),
}
HOW = "with --axes, or train.py's --config.data.axes="
# The maximum length of an axis of channels; only one of trajectories may be as short.
FEW = 4


def space_of(axes: str) -> str:
    """Return the letters of space among `axes`, in the order of frames."""
    return "".join(letter for letter in "zyx" if letter in axes)


def letter_of(name: str) -> str | None:
    """Return the letter of a dimension by its name, as time, times, lat or X."""
    last = name.rpartition("/")[-1].lower()
    for letter, names in NAMES.items():
        if last in names or last.removesuffix("s") in names:
            return letter
    return None


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


def guess_axes(dimensions: Sequence[str], shape: Sequence[int], what: str) -> str:
    """Return the axes of an array from the names of its dimensions and its shape.

    A name is "" where it is unknown.

    Raises:
      InputError: several layouts are possible, or none. The message lists them with the
        flag to add.
    """
    known = [letter_of(name) for name in dimensions]
    axes = "".join(letter or "" for letter in known)
    if len(set(axes)) == len(shape):
        check_axes(axes, shape, what)
        return axes
    possible = [
        layout
        for layout in LAYOUTS.get(len(shape), ())
        if all(k in (None, a) for k, a in zip(known, layout, strict=True))
        and _plausible(layout, shape)
    ]
    # Equal sides suggest space.
    square = [layout for layout in possible if _is_square(layout, shape)]
    if len(square or possible) == 1:
        return (square or possible)[0]
    if not possible:
        raise InputError(
            f"{what}, {_product(shape)}, is laid out in no usual way (more than {FEW} "
            "frames, rows and columns each): name its axes in their order, letters of "
            f"n (trajectory), t (time), z, y, x (space), c (channel), {HOW}tyx"
        )
    readings = " or ".join(f"{axes} ({explain_axes(axes, shape)})" for axes in possible)
    raise InputError(
        f"{what}, {_product(shape)}, may be {readings}: say which, {HOW}{possible[0]}"
    )


def explain_axes(axes: str, shape: Sequence[int]) -> str:
    """Return a text such as "100 frames of 64 rows x 64 columns"."""
    sizes = dict(zip(axes, shape, strict=True))
    space = " x ".join(f"{sizes[a]} {MEANING[a]}" for a in space_of(axes))
    start = f"{sizes['n']} trajectories of " if "n" in sizes else ""
    end = f", {sizes['c']} channels" if "c" in sizes else ""
    return f"{start}{sizes['t']} frames of {space}{end}"


def _plausible(layout: str, shape: Sequence[int]) -> bool:
    sizes = dict(zip(layout, shape, strict=True))
    if sizes.pop("c", 1) > FEW:
        return False
    sizes.pop("n", None)
    if sizes["t"] == 1:  # a single picture, refused later as too few frames
        del sizes["t"]
    return min(sizes.values()) > FEW


def _is_square(layout: str, shape: Sequence[int]) -> bool:
    space = space_of(layout)
    sizes = dict(zip(layout, shape, strict=True))
    return len(space) > 1 and len({sizes[axis] for axis in space}) == 1


def _product(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
