"""The meaning of dimensions, by what CF attributes or usual names say."""

from collections.abc import Mapping

NAMES = {
    "n": ("n", "sample", "trajectory", "realization", "member", "ensemble", "number"),
    "t": ("t", "time", "frame", "step", "valid_time", "forecast_time", "date", "xtime")
    + ("datetime", "timestamp"),
    "z": ("z", "lev", "level", "depth", "height", "altitude", "plev", "pressure")
    + ("pressure_level", "model_level", "model_level_number", "hybrid", "isobaric")
    + ("isobaricinhpa", "heightaboveground", "sigma", "layer", "bottom_top", "s_rho"),
    "y": ("y", "yc", "ny", "lat", "latitude", "nlat", "rlat", "row", "south_north")
    + ("grid_latitude", "projection_y_coordinate", "northing", "eta_rho"),
    "x": ("x", "xc", "nx", "lon", "longitude", "nlon", "rlon", "col", "column")
    + ("west_east", "grid_longitude", "projection_x_coordinate", "easting", "xi_rho"),
    "c": ("c", "channel", "band", "variable"),
}
# Values of the attribute `axis` of CF.
AXES = {"T": "t", "Z": "z", "Y": "y", "X": "x"}
# Values of `standard_name`, whole or their beginnings.
STANDARD_NAMES = {
    "time": "t",
    "forecast_period": "t",
    "latitude": "y",
    "grid_latitude": "y",
    "projection_y_coordinate": "y",
    "longitude": "x",
    "grid_longitude": "x",
    "projection_x_coordinate": "x",
    "realization": "n",
    "air_pressure": "z",
    "altitude": "z",
    "height": "z",
    "depth": "z",
    "model_level_number": "z",
    "atmosphere_": "z",
    "ocean_": "z",
}
UNITS = {
    "degrees_north": "y",
    "degree_north": "y",
    "degrees_n": "y",
    "degrees_east": "x",
    "degree_east": "x",
    "degrees_e": "x",
    "pa": "z",
    "hpa": "z",
    "mbar": "z",
    "millibar": "z",
    "level": "z",
}


def letter_of(name: str, attributes: Mapping[str, object] | None = None) -> str | None:
    """Return the letter of a dimension, one of NAMES; None where nothing says it.

    Attributes of its coordinates decide, as CF has it: `axis`, `standard_name`,
    `units`, `positive`. Without them it is the name, as time, times, lat or X.
    """
    stated = {key: str(value).strip() for key, value in (attributes or {}).items()}
    standard_name = stated.get("standard_name", "")
    units = stated.get("units", "").lower()
    if stated.get("axis", "").upper() in AXES:
        return AXES[stated["axis"].upper()]
    for known, letter in STANDARD_NAMES.items():
        if standard_name == known or (
            known.endswith("_") and standard_name.startswith(known)
        ):
            return letter
    if " since " in units:
        return "t"
    if units in UNITS:
        return UNITS[units]
    if stated.get("positive", "").lower() in ("up", "down"):
        return "z"
    return _by_name(name)


def _by_name(name: str) -> str | None:
    last = name.rpartition("/")[-1].lower()
    for letter, names in NAMES.items():
        if last in names or last.removesuffix("s") in names:
            return letter
    return None
