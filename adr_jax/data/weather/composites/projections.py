"""Projections, by pyproj where it is installed: an extra, since forecasts need none."""

from collections.abc import Mapping


def of_mapping(attributes: Mapping[str, object]) -> str:
    """Return the projection that CF's grid mapping describes, "" if it is unknown."""
    try:
        import pyproj
        from pyproj.exceptions import CRSError
    except ImportError:
        return ""
    stated = {name: _plain(value) for name, value in attributes.items()}
    try:
        return pyproj.CRS.from_cf(stated).to_wkt()
    except (CRSError, KeyError, TypeError, ValueError):
        return ""


def as_mapping(projection: str) -> dict[str, object]:
    """Return the attributes of CF's grid mapping, {} if they are unknown."""
    try:
        import pyproj
        from pyproj.exceptions import CRSError
    except ImportError:
        return {}
    try:
        return pyproj.CRS.from_user_input(projection).to_cf()
    except CRSError:
        return {}


def in_metres(projection: str, lon: float, lat: float) -> tuple[float, float] | None:
    """Return where a place lies in a projection, (x, y); None if that is unknown."""
    try:
        import pyproj
        from pyproj.exceptions import ProjError
    except ImportError:
        return None
    try:
        project = pyproj.Transformer.from_crs("EPSG:4326", projection, always_xy=True)
    except ProjError:
        return None
    x, y = project.transform(lon, lat)
    return float(x), float(y)


def _plain(value):
    """Return an attribute of HDF5 as text or numbers."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if hasattr(value, "tolist"):
        value = value.tolist()
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return _plain(value) if isinstance(value, bytes) else value
    return value
