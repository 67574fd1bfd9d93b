"""Ocean currents from a file: cells a day, or a sentence on what is wrong."""

import h5py
import numpy as np
import pytest

from adr_jax.data.tracers import currents
from adr_jax.errors import InputError

DEGREE = 2 * np.pi * 6_371_000 / 360


@pytest.fixture
def path(tmp_path):
    """Write three days of 4 x 5 cells: 0.5 m/s east, 0.25 m/s south, some land."""
    path = tmp_path / "currents.h5"
    u, v = np.full((3, 4, 5), 500, np.int16), np.full((3, 4, 5), -250, np.int16)
    u[:, 0, 0] = v[:, 0, 0] = -32768
    u[1, 3, 4] = -32768
    with h5py.File(path, "w") as file:
        file["u"], file["v"] = u, v
        file["lat"] = np.linspace(59.75, 60.5, 4, dtype=np.float32)
        file["lon"] = np.linspace(-10, -8, 5, dtype=np.float32)
    return path


def change(path, name, data):
    with h5py.File(path, "a") as file:
        del file[name]
        if data is not None:
            file[name] = data


def test_currents_are_in_cells_per_day_north_first(path):
    velocity = currents.read(path)
    assert velocity.shape == (3, 4, 5, 2)
    assert velocity.dtype == np.float32
    north, east = velocity[
        0, 1, 2
    ]  # at 60 degrees north, where a degree is half as wide
    # float32, and 3 m between two round numbers for the length of a degree.
    assert north == pytest.approx(-0.25 * 86400 / (0.25 * DEGREE), rel=1e-5)
    assert east == pytest.approx(0.5 * 86400 / (0.5 * DEGREE * 0.5), rel=1e-5)


def test_a_cell_that_is_land_on_a_day_is_missing_on_all(path):
    missing = np.isnan(currents.read(path))
    expected = np.zeros((4, 5), bool)
    expected[0, 0] = expected[3, 4] = True
    np.testing.assert_array_equal(
        missing, np.broadcast_to(expected[..., None], missing.shape)
    )


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("u", None, "'u' is missing"),
        ("v", np.zeros((3, 4, 5), np.float32), "'v' is float32 of shape"),
        ("v", np.zeros((2, 4, 5), np.int16), "do not fit together"),
        ("lat", np.linspace(0, 1, 5), "do not fit together"),
        ("lat", np.linspace(60.5, 59.75, 4), "'lat' does not rise in even steps"),
        ("lon", np.array([0.0, 1, 2, 3, 5]), "'lon' does not rise in even steps"),
        ("lon", np.ones(5), "'lon' does not rise in even steps"),
        ("lon", np.full(5, np.nan), "'lon' does not rise in even steps"),
        ("lon", np.arange(5), "'lon' is int64"),
        ("u", np.full((3, 4, 5), -32768, np.int16), "no cell has a current"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_layout_is_refused(path, name, data, message):
    change(path, name, data)
    with pytest.raises(InputError, match=message) as error:
        currents.read(path)
    assert str(error.value).startswith(str(path))


def test_a_damaged_file_is_refused(path):
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"CDF\x01" + content):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="cannot be read"):
            currents.read(path)


def test_without_a_file_the_message_says_what_it_is(tmp_path):
    for absent in (tmp_path / "absent.h5", tmp_path):  # a root alone is no file
        with pytest.raises(InputError, match="no such file; data.path names daily"):
            currents.read(absent)


def test_the_real_currents(real_data):
    velocity = currents.read(real_data / "ocean" / "globcurrent_agulhas_2002_daily.h5")
    assert velocity.shape == (365, 41, 81, 2)
    land = np.isnan(velocity)
    np.testing.assert_array_equal(land, np.broadcast_to(land[:1, ..., :1], land.shape))
    assert 0.2 < land.mean() < 0.25
    # Africa is in the north, which is the last row: its first one is all sea.
    assert not land[:, 0].any()
    # The Agulhas current goes southwest at 1 to 2 m/s, 4 to 9 cells a day.
    assert 4 < np.nanmax(np.linalg.norm(velocity, axis=-1)) < 12
