"""A stand-in for CloudCast: generated clouds in three layers.

Each layer has a moisture q, a random field of zero mean and unit variance. The layer's
own wind carries it, while it is renewed over its lifetime tau:

    q(t + 1) = a carried(q(t)) + sqrt(1 - a^2) fresh(t),   a = exp(-1 / tau)

So clouds move, grow and vanish. Where q exceeds a threshold the layer is cloudy; a
satellite sees the highest cloudy layer. A wind is a mean flow that turns slowly and
eddies of equal strength, free of divergence. It is faster, and turned, from layer to
layer. The world is periodic and larger than the part that is seen, so clouds enter and
leave.

Files are those of CloudCast's small set, in the authors' layout and raw values.
"""

import dataclasses
import functools
import pathlib
import statistics
from collections.abc import Callable
from typing import NamedTuple

import h5py
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, UInt8
from tqdm import tqdm

from adr_jax.data.cloudcast import source as cloudcast
from adr_jax.data.contract import Dataset, Source, data_file
from adr_jax.data.files.atomic import written_whole
from adr_jax.errors import InputError
from adr_jax.operators.advection import pull
from adr_jax.options import DataOptions


class Layer(NamedTuple):
    """Clouds of one height."""

    raw: int  # CloudCast's value of such a cloud
    cover: float  # share of the sky
    speed: float  # root mean square of the wind, cells a frame
    size: float  # cells of a cloud
    lifetime: float  # frames


# From the lowest to the highest.
LAYERS = (
    Layer(raw=6, cover=0.30, speed=1.0, size=24.0, lifetime=200.0),
    Layer(raw=7, cover=0.16, speed=1.4, size=24.0, lifetime=200.0),
    Layer(raw=8, cover=0.10, speed=2.0, size=24.0, lifetime=200.0),
)
CLEAR = 1  # raw value of land without clouds
EDDY_SIZE = 24.0  # cells
WIND_LIFETIME = 100.0  # frames
TURN_WITH_HEIGHT = 0.5  # radians from layer to layer


class File(NamedTuple):
    """One of the two files."""

    name: str
    first_day: str
    frames: int


FILES = (
    File("TrainCloud.nc", "2017-01-01", 640),
    File("TestCloud.nc", "2018-07-01", 192),
)


class Sky(NamedTuple):
    """The state of the world."""

    moisture: Float[Array, "world world layers"]
    # Stream functions of the eddies, and the direction of the mean wind, radians.
    stream: Float[Array, "world world layers"]
    direction: Float[Array, ""]


def first_sky(key: PRNGKeyArray, world: int) -> Sky:
    """Draw a state from the distribution that it keeps."""
    keys = jax.random.split(key, 3)
    moisture, stream = _spectra(world)
    return Sky(
        _random_field(keys[0], moisture),
        _random_field(keys[1], stream),
        jax.random.uniform(keys[2], maxval=2 * jnp.pi),
    )


@jax.jit
def next_sky(key: PRNGKeyArray, sky: Sky) -> Sky:
    """Return the state a frame later."""
    keys = jax.random.split(key, 3)
    moisture, stream = _spectra(len(sky.moisture))
    lifetimes = np.array([layer.lifetime for layer in LAYERS], np.float32)
    carried = pull(sky.moisture, -wind(sky), boundary="periodic", order=3, grouped=True)
    turn = jax.random.normal(keys[2]) / np.sqrt(WIND_LIFETIME)
    return Sky(
        _renewed(carried, _random_field(keys[0], moisture), lifetimes),
        _renewed(sky.stream, _random_field(keys[1], stream), WIND_LIFETIME),
        sky.direction + 0.5 * turn,
    )


def wind(sky: Sky) -> Float[Array, "world world layers 2"]:
    """Return the wind of each layer, in cells a frame."""
    k = _wavenumbers(len(sky.stream))
    stream = jnp.fft.fft2(sky.stream, axes=(0, 1))
    along_rows, along_columns = (
        jnp.fft.ifft2(1j * axis * stream, axes=(0, 1)).real for axis in k
    )
    eddies = jnp.stack([along_columns, -along_rows], axis=-1)
    angles = sky.direction + TURN_WITH_HEIGHT * np.arange(len(LAYERS))
    mean = jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    speeds = np.array([layer.speed for layer in LAYERS], np.float32)
    return speeds[:, None] * (mean + eddies) / np.sqrt(2.0)


@jax.jit
def seen(sky: Sky) -> UInt8[Array, "world world"]:
    """Return what a satellite sees, in CloudCast's raw values."""
    values = jnp.full(sky.moisture.shape[:2], CLEAR, jnp.uint8)
    for index, layer in enumerate(LAYERS):
        threshold = statistics.NormalDist().inv_cdf(1 - layer.cover)
        cloudy = sky.moisture[..., index] > threshold
        values = jnp.where(cloudy, jnp.uint8(layer.raw), values)
    return values


def _renewed(old, fresh, lifetime):
    kept = np.exp(-1 / lifetime)
    return kept * old + np.sqrt(1 - kept**2) * fresh


def _random_field(key: PRNGKeyArray, spectrum: np.ndarray) -> Array:
    white = jnp.fft.fft2(jax.random.normal(key, spectrum.shape), axes=(0, 1))
    return jnp.fft.ifft2(spectrum * white, axes=(0, 1)).real


@functools.cache
def _spectra(world: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the amplitudes of moisture, unit variance, and of streams, unit wind."""
    rows, columns = _wavenumbers(world)
    k2 = rows**2 + columns**2
    sizes = np.array([layer.size for layer in LAYERS])
    moisture = np.where(k2 > 0, 1 / (1 + k2 * sizes**2), 0.0)
    stream = np.exp(-k2 * np.full(len(LAYERS), EDDY_SIZE) ** 2 / 2)
    moisture /= np.sqrt(np.mean(moisture**2, axis=(0, 1)))
    stream /= np.sqrt(np.mean(k2 * stream**2, axis=(0, 1)))
    return moisture.astype(np.float32), stream.astype(np.float32)


def _wavenumbers(world: int) -> tuple[np.ndarray, np.ndarray]:
    """Return those along rows and columns, radians a cell, with an axis of layers."""
    k = (2 * np.pi * np.fft.fftfreq(world)).astype(np.float32)
    return k[:, None, None], k[None, :, None]


def raw_frames(
    key: PRNGKeyArray, cells: int, frames: int, progress: Callable[[], object]
) -> UInt8[np.ndarray, "frames cells cells"]:
    """Return raw values of the middle of a world half as large again.

    In float32, whatever JAX's default type is: the numbers drawn depend on it.
    """
    world, margin = cells + 2 * (cells // 4), cells // 4
    values = np.empty((frames, cells, cells), np.uint8)
    with jax.enable_x64(False):
        sky = first_sky(jax.random.fold_in(key, 0), world)
        for frame in range(frames):
            values[frame] = seen(sky)[margin : margin + cells, margin : margin + cells]
            sky = next_sky(jax.random.fold_in(key, frame + 1), sky)
            progress()
    return values


def generate(folder: pathlib.Path, cells: int = 64, seed: int = 0) -> None:
    """Make the folder, whole or not at all: a pure function of cells and seed.

    Raises:
      InputError: it exists, or cannot be written.
    """
    if folder.exists():
        raise InputError(f"{folder} exists; name another folder or delete it first")
    if cells < 16 or seed < 0:
        raise InputError(
            "a sky needs at least 16 cells and a seed from 0 up; got "
            f"{cells} and {seed}"
        )
    total = sum(file.frames for file in FILES)
    try:
        with (
            written_whole(folder) as partial,
            tqdm(total=total, desc=folder.name, unit="frame", disable=None) as bar,
        ):
            partial.mkdir(parents=True)
            for index, file in enumerate(FILES):
                key = jax.random.fold_in(jax.random.key(seed), index)
                frames = raw_frames(key, cells, file.frames, bar.update)
                _write(partial / file.name, frames, file.first_day)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written ({error}); make room or name another folder"
        ) from error


def _write(path: pathlib.Path, frames: np.ndarray, first_day: str) -> None:
    minutes = np.datetime64(first_day, "m") - np.datetime64("2017-01-01", "m")
    times = minutes.astype(np.int64) + 15 * np.arange(len(frames))
    with h5py.File(path, "w") as file:
        file.attrs["source"] = (
            "adr_jax.data.cloudcast.generated: generated, not CloudCast"
        )
        labels = file.create_dataset(
            "__xarray_dataarray_variable__",
            data=np.moveaxis(frames, 0, -1),
            chunks=(*frames.shape[1:], 16),
            compression="gzip",
        )
        for axis, name in enumerate(("lat", "lon", "time")):
            file[name] = times if name == "time" else np.arange(float(frames.shape[1]))
            file[name].make_scale(name)
            labels.dims[axis].attach_scale(file[name])
        file["time"].attrs["units"] = "minutes since 2017-01-01"
        file["time"].attrs["calendar"] = "proleptic_gregorian"


def prepare(config: DataOptions) -> None:
    """Make the folder where it is missing and data.path names no other."""
    folder = _folder(config)
    if not config.path and not folder.exists():
        print(f"{folder} is missing: making it")
        generate(folder, config.cells)


def load(config: DataOptions) -> Dataset:
    """Open the folder as CloudCast is opened."""
    dataset = cloudcast.load_folder(config, _folder(config))
    return dataclasses.replace(
        dataset, name="cloud_sample", cell_size=None, frame_interval=None
    )


def _folder(config: DataOptions) -> pathlib.Path:
    """Return the folder data.path, or without it one named by its content."""
    return data_file(config.root, config.path or f"cloud_sample_{config.cells}")


SOURCE = Source(
    load,
    split_names=cloudcast.SOURCE.split_names,
    fields=cloudcast.SOURCE.fields,
    licence="generated by adr_jax",
    prepare=prepare,
    frame_shape=cloudcast.SOURCE.frame_shape,
)
