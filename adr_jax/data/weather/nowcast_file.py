"""Nowcasts of rain as netCDF-4 with the CF conventions, written by h5py."""

import dataclasses
import pathlib
from collections.abc import Mapping

import h5py
import numpy as np
from jaxtyping import Float

from adr_jax.data.weather.composites import projections
from adr_jax.data.weather.composites.film import Grid
from adr_jax.data.weather.rain import rain_rate

SUFFIXES = (".nc", ".nc4", ".h5", ".hdf5")
# Of mm/h and of probabilities.
DIGITS = 3
SINCE = "seconds since 1970-01-01 00:00:00"


@dataclasses.dataclass(frozen=True)
class Nowcast:
    """Rain in the next frames, in dBZ, row 0 in the north; a missing cell is NaN."""

    # Unix seconds of the last observed frame and of those ahead.
    start: float
    times: Float[np.ndarray, " time"]
    grid: Grid
    # As forecast, a mean of what may come; with the amounts of the last frame; and what
    # is reached with a probability of a third, None without probabilities.
    mean: Float[np.ndarray, "time rows columns"]
    matched: Float[np.ndarray, "time rows columns"]
    reached: Float[np.ndarray, "time rows columns"] | None = None
    # Of reaching each threshold, in mm/h; None where the model forecasts none.
    likely: Float[np.ndarray, "time rows columns thresholds"] | None = None
    thresholds: tuple[float, ...] = ()


def write(path: pathlib.Path, nowcast: Nowcast, attributes: Mapping[str, str]) -> None:
    """Write a new file; `attributes` are those of the whole."""
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs["Conventions"] = "CF-1.8"
        file.attrs.update(attributes)
        start = file.create_dataset("forecast_reference_time", data=nowcast.start)
        start.attrs.update({"standard_name": "forecast_reference_time", "units": SINCE})
        scales = [
            _scale(file, "time", nowcast.times, standard_name="time", units=SINCE)
        ]
        scales += _space(file, nowcast.grid)
        mapping = _mapping(file, nowcast.grid)
        for name, frames, words in (
            ("rain_rate", nowcast.reached, "reached with a probability of a third"),
            ("rain_rate_mean", nowcast.mean, "the mean of what may come"),
            (
                "rain_rate_matched",
                nowcast.matched,
                "with the amounts of the last observed frame",
            ),
        ):
            if frames is None:
                continue
            about = {"standard_name": "rainfall_rate", "units": "mm h-1"}
            rates = np.where(frames > 0, rain_rate(frames), 0 * frames)
            words = f"rain rate, {words}"
            _variable(file, name, rates, scales, about | mapping, words)
        if nowcast.likely is not None:
            edges = np.asarray(nowcast.thresholds, np.float32)
            words = "rain rate that is reached or exceeded"
            edge = _scale(file, "threshold", edges, long_name=words, units="mm h-1")
            likely = np.moveaxis(nowcast.likely, -1, 0)
            words = "probability that the rain rate reaches the threshold"
            about = {"units": "1"} | mapping
            _variable(file, "probability", likely, [edge, *scales], about, words)


def _scale(
    file: h5py.File, name: str, values: np.ndarray, **attributes: str
) -> h5py.Dataset:
    """Write a coordinate, which is a dimension of netCDF."""
    scale = file.create_dataset(name, data=values)
    scale.make_scale(name)
    scale.attrs.update(attributes)
    return scale


def _space(file: h5py.File, grid: Grid) -> list[h5py.Dataset]:
    """Write the coordinates of rows and columns: metres where they are known."""
    metres = 1000 * grid.cell_km if grid.cell_km else None
    left, top = grid.corner or (0.0, 0.0)
    scales = []
    for name, count, first, sign in (
        ("y", grid.shape[0], top, -1),
        ("x", grid.shape[1], left, 1),
    ):
        centres = 0.5 + np.arange(count)
        if metres is None:
            scales.append(_scale(file, name, sign * centres, units="1"))
            continue
        about = {"units": "m", "axis": name.upper()}
        if grid.is_placed:
            about["standard_name"] = f"projection_{name}_coordinate"
        scales.append(_scale(file, name, first + sign * metres * centres, **about))
    return scales


def _mapping(file: h5py.File, grid: Grid) -> dict[str, str]:
    """Write how the grid lies on the Earth; return the attribute that says so."""
    if not grid.is_placed:
        return {}
    crs = file.create_dataset("crs", data=np.int32(0))
    crs.attrs.update(projections.as_mapping(grid.projection))
    crs.attrs["proj4"] = grid.projection
    return {"grid_mapping": "crs"}


def _variable(
    file: h5py.File,
    name: str,
    values: np.ndarray,
    scales: list[h5py.Dataset],
    attributes: Mapping[str, str],
    words: str,
) -> None:
    data = file.create_dataset(
        *(name, values.shape, np.float32),
        # Digits that mean something: noise in the others would fill the disk.
        data=np.round(values, DIGITS),
        compression="gzip",
        compression_opts=4,
        shuffle=True,
        fillvalue=np.float32(np.nan),
    )
    data.attrs["_FillValue"] = np.float32(np.nan)
    data.attrs.update({"long_name": words, **attributes})
    for axis, scale in enumerate(scales):
        data.dims[axis].attach_scale(scale)
