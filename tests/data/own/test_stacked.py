"""Several variables of a file as the channels of one model."""

import h5py
import numpy as np
import pytest

from adr_jax.__main__ import main
from adr_jax.data.own import writer
from adr_jax.data.own.inspection import describe
from adr_jax.data.own.sequences import channel_names, open_sequences
from adr_jax.data.own.source import load
from adr_jax.errors import InputError
from adr_jax.evaluation.metrics import metrics_of
from adr_jax.training import loop
from configs import own

STEPS = 3


@pytest.fixture
def path(tmp_path, generator):
    """Write packed winds, and a pressure that is not packed, with their units."""
    with h5py.File(tmp_path / "f.nc", "w") as file:
        for name, length in (("time", 40), ("y", 6), ("x", 7)):
            file[name] = np.arange(length)
            file[name].make_scale(name)
        file["time"].attrs["units"] = "hours since 2000-01-01"
        for name, scale, fill in (("u", 0.5, 7), ("v", 0.25, 9)):
            file[name] = generator.integers(10, 99, (40, 6, 7)).astype("i2")
            file[name][3, 2, 1] = fill
            file[name].attrs.update(
                {"scale_factor": scale, "_FillValue": np.int16(fill), "units": "m s-1"}
            )
        file["p"] = generator.normal(1000, 1, (40, 6, 7)).astype("f4")
        file["p"].attrs["units"] = "Pa"
        for name in ("u", "v", "p"):
            for axis, along in enumerate(("time", "y", "x")):
                file[name].dims[axis].attach_scale(file[along])
        file["small"] = np.ones((40, 6, 5))
        file["turned"] = np.ones((6, 40, 7))
    return tmp_path / "f.nc"


def test_each_is_read_by_its_own_rules(path):
    source = open_sequences(path, "u, v,p")
    frames = source.read(0, 2, 9)
    assert source.frame_shape == frames.shape[1:] == (6, 7, 3)
    assert channel_names(source) == ("u", "v", "p")
    for channel, name in enumerate(("u", "v", "p")):
        alone = open_sequences(path, name)
        np.testing.assert_array_equal(frames[..., channel], alone.read(0, 2, 9)[..., 0])
        assert np.isnan(frames[..., channel]).sum() == (name != "p")
    assert source.unit == "u in m s-1, v in m s-1, p in Pa"
    alike = open_sequences(path, "v,u")
    assert (alike.unit, alike.units) == ("m s-1", ())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("u,w", "no array 'w'; it has "),
        ("u,", "expected different names"),
        ("u,v,u", "expected different names"),
        ("u,small", "have not the same shape and axes: take them one at a time"),
        ("u,turned", "have not the same shape and axes"),
    ],
)
def test_what_does_not_go_together(names, message, path):
    with pytest.raises(InputError, match=message) as caught:
        open_sequences(path, names, "tyx")
    assert "\n" not in str(caught.value)


def test_a_name_may_have_a_comma(tmp_path, generator):
    values = generator.normal(size=(30, 6, 7))
    np.savez(tmp_path / "f.npz", **{"u,v": values, "w": values})
    assert channel_names(open_sequences(tmp_path / "f.npz", "u,v", "tyx")) == ("u,v",)


def test_both_remedies_are_named_where_all_fit(path):
    with pytest.raises(InputError, match="variable=p$"):
        open_sequences(path)
    with h5py.File(path, "a") as file:
        del file["small"], file["turned"]
    with pytest.raises(InputError, match="variable=p; all of them, as channels, are p"):
        open_sequences(path)


def test_inspect_says_how_to_take_them_together(path):
    text = "\n".join(describe(path, "u"))
    assert "of the same shape: p, u, v; together" in text
    assert "--variable p,u,v" in text
    *lines, last = describe(path, "u,v,p")
    assert "of the same shape" not in "\n".join(lines)
    # Numbers of each: a mean of metres a second and pascals means nothing.
    assert lines.count("unit: m s-1") == 2 and lines.count("unit: Pa") == 1
    assert "--config.data.variable=u,v,p --config.data.axes=tyx" in last


def test_what_varies_little_is_counted_from_its_own_number(path):
    with h5py.File(path, "a") as file:
        pressure = file["p"][...].astype("f8") + 1e9
        del file["p"]
        file["p"] = pressure
        for axis, along in enumerate(("time", "y", "x")):
            file["p"].dims[axis].attach_scale(file[along])
    dataset = dataset_of(path, "u,p")
    assert dataset.channels == ("u", "p")
    assert dataset.offset == pytest.approx((0, 1e9 + 1000), abs=10)
    read = np.float64(dataset.trajectories.read(0, 0, 9)[..., 1]) + dataset.offset[1]
    np.testing.assert_allclose(read, pressure[:9], rtol=0, atol=1e-5)


def test_forecasts_go_back_into_the_variables(path, tmp_path):
    source = open_sequences(path, "u,v,p")
    last = source.read(0, 39, 40)
    ahead = np.repeat(last, STEPS, axis=0)
    shape, output = (STEPS, *source.frame_shape), tmp_path / "out.nc"
    writer.write(output, ".nc", source, [(0, ahead)], shape, {})
    with h5py.File(output) as file:
        for channel, (name, unit) in enumerate(
            (("u", "m s-1"), ("v", "m s-1"), ("p", "Pa"))
        ):
            np.testing.assert_array_equal(file[name], ahead[..., channel])
            assert file[name].attrs["units"] == unit
            assert "scale_factor" not in file[name].attrs
            assert file[name].dims[0].keys() == ["time"]
        np.testing.assert_array_equal(file["time"], [40, 41, 42])


def test_a_dimension_that_is_called_as_a_variable(tmp_path, generator):
    values = generator.normal(size=(30, 6, 7))
    np.savez(tmp_path / "f.npz", u=values, y=values)
    source = open_sequences(tmp_path / "f.npz", "u,y", "tyx")
    ahead, output = source.read(0, 0, STEPS), tmp_path / "out.nc"
    writer.write(output, ".nc", source, [(0, ahead)], ahead.shape, {})
    with h5py.File(output) as file:
        np.testing.assert_array_equal(file["y"], ahead[..., 1])
        assert file["u"].dims[1][0].name == "/y_y"


def dataset_of(path, variable):
    config = own.get_config().data
    config.path, config.variable, config.axes = str(path), variable, "tyx"
    return load(config)


def test_scores_are_those_of_each_channel_where_units_differ(path):
    dataset = dataset_of(path, "u,p")
    metrics = {metric.name: metric for metric in metrics_of(dataset)}
    assert [*metrics] == ["nrmse", "nrmse_u", "nrmse_p", "vrmse", "rmse_u", "rmse_p"]
    target = np.nan_to_num(dataset.trajectories.read(0, 4, 6))[None]
    for channel, name in enumerate(("u", "p")):
        forecast = target.copy()
        forecast[..., channel] += 3
        for other in ("u", "p"):
            score = metrics[f"rmse_{other}"].measure(forecast, target).score()
            # A shift of all cells, in float32.
            assert score == pytest.approx(3 * (other == name), abs=1e-3)
    of_one = [metric.name for metric in metrics_of(dataset_of(path, "u,v"))]
    assert of_one == ["nrmse", "rmse", "vrmse"]


def test_one_score_chooses_though_values_lie_about_zero(tmp_path, generator):
    values = generator.normal(size=(2, 40, 6, 7))
    np.savez(tmp_path / "f.npz", u=values[0], w=values[1])
    metrics = metrics_of(dataset_of(tmp_path / "f.npz", "u,w"))
    # No unit is stated: they may be anything.
    assert [metric.name for metric in metrics] == ["vrmse", "rmse_u", "rmse_w"]


@pytest.mark.slow
def test_one_model_is_trained_and_continues_all(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = own.get_config()
    config.data.path, config.data.variable = str(path), "u,v,p"
    config.model.channels, config.model.num_blocks = 4, 1
    config.train.minutes, config.train.steps = 0.0, 2
    config.train.validate_every, config.train.validation_windows = 1, 2
    loop.train_and_evaluate(config, tmp_path / "run")
    card = (tmp_path / "run" / "model_card.md").read_text()
    assert "| rmse_u | rmse_v | rmse_p |" in card
    assert "unit: u in m s-1, v in m s-1, p in Pa" in card
    main(f"forecast --workdir run --input {path} --steps 2 --output out.h5".split())
    with h5py.File("out.h5") as file:
        assert {"u", "v", "p"} <= set(file)
        assert np.abs(file["p"][...] - 1000).max() < 50
