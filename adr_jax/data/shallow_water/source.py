"""PDEBench's 2-D shallow water, the radial dam break: made here, or the public file.

The public set's one random number, the radius, acts through a yes/no test at the cell
centres, so its 1,000 trajectories hold 81 distinct ones. A split by number therefore
has every test trajectory in training; the default split goes by initial state.
"""

import hashlib
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from adr_jax.data.contract import Dataset, data_file
from adr_jax.data.files.pdebench import PDEBenchFile, write
from adr_jax.data.shallow_water import dam_break
from adr_jax.data.windows import pad_rows
from adr_jax.errors import InputError

# Seeds whose initial states are held out by the split "distinct".
TEST_SEEDS = range(0, 8)
VALIDATION_SEEDS = range(8, 16)
SPLIT_NAMES = ("distinct", "pdebench", "all")
FIELDS = ("path", "trajectories", "shape", "cells", "frames", "exclude")
SHAPES = dam_break.SHAPES
# Trajectories solved at once: enough to use the cores, little memory.
CHUNK = 4


def generate(
    path: pathlib.Path, dam: dam_break.Dam, trajectories: int, first_seed: int = 0
) -> None:
    """Writes a file of dam breaks in PDEBench's layout; trajectory `s` is seed `s`.

    Args:
      path: the new file; an existing one is not overwritten.
      dam: grid, height and shape of the initial states.
      trajectories: how many.
      first_seed: seed, and key, of the first.

    Raises:
      InputError: the file exists, or a number is out of range.
    """
    if path.exists():
        raise InputError(f"{path} exists; name another file or delete it first")
    if trajectories < 1 or first_seed < 0:
        raise InputError(
            "a file needs at least 1 trajectory and seeds from 0 up; got "
            f"{trajectories} from seed {first_seed}"
        )
    centres = dam_break.cell_centres(dam.cells)
    times = np.linspace(0.0, dam_break.FINAL_TIME, dam.frames)
    attributes = {
        "source": "adr_jax.data.shallow_water.dam_break",
        "shape": dam.shape,
        "height": dam.height,
    }
    with tqdm(
        total=trajectories, desc=path.name, unit="trajectory", disable=None
    ) as bar:
        write(
            path,
            _solved(dam, range(first_seed, first_seed + trajectories)),
            {"x": centres, "y": centres, "t": times},
            attributes,
            bar.update,
        )


def _solved(dam: dam_break.Dam, seeds: range) -> Iterator[tuple[str, np.ndarray]]:
    for start in range(0, len(seeds), CHUNK):
        chunk = seeds[start : start + CHUNK]
        heights = np.stack([dam_break.initial_height(dam, seed) for seed in chunk])
        padded = pad_rows(heights, min(CHUNK, len(seeds)))
        frames = dam_break.simulate(dam, padded)
        for seed, trajectory in zip(chunk, frames, strict=False):
            yield f"{seed:04d}", trajectory


def default_file(config: ConfigDict) -> pathlib.Path:
    """The file of a configuration that names none: its name says what is in it."""
    name = f"shallow_water_{config.shape}_{config.cells}"
    if config.frames != dam_break.Dam.frames:
        name += f"_{config.frames}_frames"
    return data_file(config.root, f"{name}_x{config.trajectories}.h5")


def prepare(config: ConfigDict) -> None:
    """Makes the default file where it is missing; a file named in data.path must be."""
    path = default_file(config)
    if not config.path and not path.exists():
        print(f"{path} is missing: making it")
        dam = dam_break.Dam(
            cells=config.cells, shape=config.shape, frames=config.frames
        )
        generate(path, dam, config.trajectories)


def load(config: ConfigDict) -> Dataset:
    """Opens a file in PDEBench's layout and splits it.

    Splits: "distinct", no initial state in two of them: test is every trajectory whose
    state is that of seed 0 to 7, validation likewise 8 to 15, train the rest;
    "pdebench", the last 10 % of the keys are test, the 10 % before them validation;
    "all", everything is test.

    Raises:
      InputError: the file is absent, damaged, of another resolution than data.cells,
        or a key of data.exclude is not in it.
    """
    path = data_file(config.root, config.path) if config.path else default_file(config)
    file = PDEBenchFile(path)
    cells = file.frame_shape[:2]
    if cells != (config.cells, config.cells):
        raise InputError(
            f"{path} has {cells[0]} x {cells[1]} cells, data.cells is {config.cells}: "
            "use a file of that resolution (a model learns cells per frame: another "
            f"resolution is other physics), or set config.data.cells={cells[0]}"
        )
    states = [_digest(file.read(number, 0, 1)) for number in range(len(file.keys))]
    splits = _split(file.keys, states, config)
    shape = (file.lengths[0], *file.frame_shape)
    x, t = file.grid("x"), file.grid("t")
    return Dataset(
        name="shallow_water",
        trajectories=file,
        splits=splits,
        states={
            name: len({states[number] for number in numbers})
            for name, numbers in splits.items()
        },
        split_name=config.split,
        fingerprint=_digest(np.array([*file.keys, *states, str(shape)])),
        channels=("h",),
        cell_size=None if x is None else float(x[1] - x[0]),
        frame_interval=None if t is None else float(t[1] - t[0]),
    )


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def _split(
    keys: tuple[str, ...], states: list[str], config: ConfigDict
) -> Mapping[str, np.ndarray]:
    unknown = set(config.exclude) - set(keys)
    if unknown:
        raise InputError(
            f"data.exclude names {', '.join(sorted(unknown))}, not a key of the file; "
            f"its keys run from {keys[0]} to {keys[-1]}"
        )
    numbers = [n for n, key in enumerate(keys) if key not in config.exclude]
    if config.split == "all":
        test, validation = set(numbers), set()
    elif config.split == "pdebench":
        share = max(1, len(numbers) // 10)
        test, validation = set(numbers[-share:]), set(numbers[-2 * share : -share])
    else:
        held_out = _states_of_seeds(TEST_SEEDS, keys, states, config.cells)
        test = {n for n in numbers if states[n] in held_out}
        held_out = _states_of_seeds(VALIDATION_SEEDS, keys, states, config.cells)
        validation = {n for n in numbers if states[n] in held_out} - test
    train = set(numbers) - test - validation
    members = {"train": train, "validation": validation, "test": test}
    return {name: np.array(sorted(of), dtype=int) for name, of in members.items()}


def _states_of_seeds(
    seeds: range, keys: tuple[str, ...], states: list[str], cells: int
) -> set[str]:
    """Initial states of these seeds, in this file and in the public set.

    A file of other shapes, or one that starts at a later seed, thus holds none of the
    public test trajectories in its training split either.
    """
    dam = dam_break.Dam(cells=cells)
    public = {
        _digest(dam_break.initial_height(dam, seed).astype(np.float32))
        for seed in seeds
    }
    here = {
        state
        for key, state in zip(keys, states, strict=True)
        if key.isdigit() and int(key) in seeds
    }
    return public | here
