"""PDEBench's 2-D shallow water, the radial dam break: made here, or the public file.

The public set's one random number, the radius, acts through a yes/no test at the cell
centres, so its 1,000 trajectories hold 81 distinct ones. A split by number therefore
has every test trajectory in training; the default split goes by initial state.
"""

import pathlib
from collections.abc import Iterator, Mapping

import numpy as np
from tqdm import tqdm

from adr_jax.data.contract import Dataset, Source, data_file
from adr_jax.data.files.fingerprint import fingerprint, spans_taken_in
from adr_jax.data.files.pdebench import PDEBenchFile, write
from adr_jax.data.shallow_water import dam_break
from adr_jax.data.windows import pad_rows
from adr_jax.errors import InputError
from adr_jax.options import DataOptions

# Seeds whose initial states are held out by the split "distinct".
TEST_SEEDS = range(0, 8)
VALIDATION_SEEDS = range(8, 16)
# Trajectories solved at once: enough to use the cores, little memory.
CHUNK = 4


def generate(
    path: pathlib.Path, dam: dam_break.Dam, trajectories: int, first_seed: int = 0
) -> None:
    """Write a file of dam breaks in PDEBench's layout; trajectory `s` is seed `s`.

    Args:
      path: the new file; an existing one is not overwritten.
      dam: grid, height and shape of the initial states.
      trajectories: their number.
      first_seed: seed and key of the first.

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
    """Yield the key and the frames of each seed."""
    for start in range(0, len(seeds), CHUNK):
        chunk = seeds[start : start + CHUNK]
        heights = np.stack([dam_break.initial_height(dam, seed) for seed in chunk])
        padded = pad_rows(heights, min(CHUNK, len(seeds)))
        frames = dam_break.simulate(dam, padded)
        for seed, trajectory in zip(chunk, frames, strict=False):
            yield f"{seed:04d}", trajectory


def default_file(config: DataOptions) -> pathlib.Path:
    """Return the file of a configuration without a path, named by its content."""
    name = f"shallow_water_{config.shape}_{config.cells}"
    if config.frames != dam_break.Dam.frames:
        name += f"_{config.frames}_frames"
    return data_file(config.root, f"{name}_x{config.trajectories}.h5")


def prepare(config: DataOptions) -> None:
    """Make the default file where it is missing and data.path names no other."""
    path = default_file(config)
    if not config.path and not path.exists():
        print(f"{path} is missing: making it")
        dam = dam_break.Dam(
            cells=config.cells, shape=config.shape, frames=config.frames
        )
        generate(path, dam, config.trajectories)


def load(config: DataOptions) -> Dataset:
    """Open a file in PDEBench's layout and split it.

    Splits:
      "distinct": no initial state is in two splits. Test is every trajectory whose
        state is that of seed 0 to 7, validation likewise 8 to 15, train the rest.
      "pdebench": the last 10 % of the keys are test, the 10 % before them validation.
      "all": everything is test.

    Raises:
      InputError: the file is absent, damaged, or of another resolution than data.cells.
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
    states = [fingerprint([file.read(index, 0, 1)]) for index in range(len(file.keys))]
    splits = _split(file.keys, states, config)
    x, t = file.grid("x"), file.grid("t")
    return Dataset(
        name="shallow_water",
        trajectories=file,
        splits=splits,
        states={
            name: len({states[index] for index in indices})
            for name, indices in splits.items()
        },
        split_name=config.split,
        fingerprint=fingerprint(_taken_in(file, states)),
        channels=("h",),
        cell_size=None if x is None else float(x[1] - x[0]),
        frame_interval=None if t is None else float(t[1] - t[0]),
    )


def _taken_in(file: PDEBenchFile, states: list[str]) -> Iterator[object]:
    """Yield what a fingerprint takes in: all keys, lengths and states, and values."""
    yield repr([*zip(file.keys, file.lengths, states, strict=True), file.frame_shape])
    for span in spans_taken_in(file.lengths, file.frame_shape):
        yield file.read(*span)


def _split(
    keys: tuple[str, ...], states: list[str], config: DataOptions
) -> Mapping[str, np.ndarray]:
    """Return the trajectory indices of each split."""
    indices = range(len(keys))
    if config.split == "all":
        test, validation = set(indices), set()
    elif config.split == "pdebench":
        share = max(1, len(indices) // 10)
        test, validation = set(indices[-share:]), set(indices[-2 * share : -share])
    else:
        held_out = _states_of_seeds(TEST_SEEDS, keys, states, config.cells)
        test = {index for index in indices if states[index] in held_out}
        held_out = _states_of_seeds(VALIDATION_SEEDS, keys, states, config.cells)
        validation = {index for index in indices if states[index] in held_out} - test
    train = set(indices) - test - validation
    members = {"train": train, "validation": validation, "test": test}
    return {name: np.array(sorted(part), dtype=int) for name, part in members.items()}


def _states_of_seeds(
    seeds: range, keys: tuple[str, ...], states: list[str], cells: int
) -> set[str]:
    """Return the initial states of these seeds, in this file and in the public set.

    With the latter, a file of other shapes or later seeds has no public test trajectory
    in its training split.
    """
    dam = dam_break.Dam(cells=cells)
    public = {
        fingerprint([dam_break.initial_height(dam, seed).astype(np.float32)])
        for seed in seeds
    }
    stored = {
        state
        for key, state in zip(keys, states, strict=True)
        if key.isdigit() and int(key) in seeds
    }
    return public | stored


def _on_grid(config: DataOptions, cells: int, frames: int) -> Iterator[np.ndarray]:
    """Yield the test split's dam breaks, computed anew on a grid."""
    dam = dam_break.Dam(cells=cells, shape=config.shape, frames=frames)
    for seed in TEST_SEEDS:
        yield dam_break.simulate(dam, dam_break.initial_height(dam, seed)[None])[0]


SOURCE = Source(
    load,
    split_names=("distinct", "pdebench", "all"),
    fields=("path", "trajectories", "shape", "cells", "frames"),
    licence="generated, by adr_jax or by PDEBench's generator (MIT) with Clawpack "
    "(BSD-3)",
    shapes=dam_break.SHAPES,
    prepare=prepare,
    frame_shape=lambda config: (config.cells, config.cells, 1),
    on_grid=_on_grid,
)
