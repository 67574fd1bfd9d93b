"""Values that look like fill values are asked about, others are not."""

import numpy as np
import pytest

from adr_jax.data.own.source import load
from adr_jax.errors import InputError
from configs import own


def config_of(tmp_path, values, **fields):
    np.save(tmp_path / "f.npy", values)
    config = own.get_config().data
    config.path = str(tmp_path / "f.npy")
    config.update(fields)
    return config


@pytest.mark.parametrize(
    ("fill", "scale", "dtype"),
    [
        (9.96921e36, 10, "f4"),
        (-32768, 300, "i2"),
        (-9999, 20_000, "f4"),
        (-999, 30, "f8"),
        (1e20, 7, "f8"),
        (65535, 400, "u2"),
    ],
)
def test_an_extreme_is_named_with_the_remedy(fill, scale, dtype, tmp_path, generator):
    values = scale * generator.uniform(size=(40, 9, 9)) + scale
    values[:, 2:4, 3] = fill
    values = values.astype(dtype)
    named = f"{np.float32(fill):.6g}"[:5].rstrip("e")
    with pytest.raises(InputError, match="far from all others.*fill=none") as error:
        load(config_of(tmp_path, values))
    assert named in str(error.value)
    kept = load(config_of(tmp_path, values, fill="none"))
    assert np.isfinite(kept.trajectories.read(0, 0, 5)).all()
    told = load(config_of(tmp_path, values, fill=repr(fill)))
    assert np.isnan(told.trajectories.read(0, 0, 5)[:, 2:4, 3]).all()


@pytest.mark.parametrize("kind", ["mask", "sparse", "saturated", "constant", "bytes"])
def test_usual_values_are_not_asked_about(kind, tmp_path, generator):
    noise = generator.normal(size=(40, 9, 9))
    values = {
        "mask": noise > 1,
        "sparse": np.where(noise > 2, np.exp(3 * noise), 0),
        "saturated": np.clip(noise, -0.5, 0.5),
        "constant": np.full(noise.shape, 99.0),
        "bytes": np.where(noise > 1, 255, 40 + noise).astype(np.uint8),
    }[kind]
    load(config_of(tmp_path, values))


def test_one_frame_of_many_is_enough(tmp_path, generator):
    values = generator.normal(size=(200, 9, 9))
    values[101, 3:5, 4] = -9999
    with pytest.raises(InputError, match="-9999 is stored in 2 of the cells"):
        load(config_of(tmp_path, values))
