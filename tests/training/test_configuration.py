"""What a configuration may hold."""

import importlib
import pathlib

import pytest

from adr_jax.errors import InputError
from adr_jax.training import configuration
from configs import base

FILES = sorted(
    path.stem for path in pathlib.Path(base.__file__).parent.glob("[a-z]*.py")
)


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_configs_can_run(name):
    configuration.check(importlib.import_module(f"configs.{name}").get_config())


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("model.name", "unte", "config.model.name is 'unte'; expected one of adrnet"),
        ("model.boundary", "wall", "expected one of clamp"),
        ("model.displacement_fields", 5, "expected a divisor of 24 channels"),
        ("model.diffusion", "spectral", "one of explicit, implicit, exact, none"),
        ("model.size", "huge", "one of tiny, small, base"),
        ("model.dtype", "float16", "one of float32, bfloat16"),
        ("data.split", "random", "expected one of distinct, pdebench"),
        ("data.history", 1, "expected 2 or more to extrapolate from"),
        ("model.head", "frame", "expected one of frames, persistence"),
        ("model.frames_in", 1, "expected 2 or more to extrapolate from"),
        ("model.frames_in", 11, "expected at most data.history, 10"),
        ("data.trajectories", 0, "a number from 1 up"),
        ("train.steps", -5, "a number from 1 up"),
        ("train.learning_rate", float("nan"), "a number from 0 up"),
        ("train.ema", 1.0, "a share below 1"),
        ("train.optimizer", "adm", "expected one of adamw"),
        ("eval.protocols", ("one_stop",), "names among one_step, rollout"),
    ],
    ids=str,
)
def test_an_impossible_value_is_named_with_what_was_expected(field, value, message):
    config = base.get_config()
    with config.ignore_type():
        config.update_from_flattened_dict({field: value})
    with pytest.raises(InputError, match=message) as error:
        configuration.check(config)
    assert "\n" not in str(error.value)
    assert f"config.{field}" in str(error.value)


@pytest.mark.parametrize(("field", "value"), [("conserve", True), ("variables_out", 1)])
def test_what_probabilities_cannot_have_is_refused(field, value):
    config = base.get_config()
    config.train.loss = "cross_entropy"
    config.model[field] = value
    with pytest.raises(InputError, match=f"model.{field} is {value}.*cross_entropy"):
        configuration.check(config)


def test_a_configuration_survives_json():
    config = configuration.as_json(base.get_config())
    again = configuration.as_json(configuration.from_json(config))
    assert again == config
    assert configuration.differences(config, again) == []


def test_differences_are_listed_but_for_those_that_may_change():
    old, new = (configuration.as_json(base.get_config()) for _ in range(2))
    new["train"] |= {"steps": 7, "learning_rate": 1.0}
    new["data"]["root"] = "elsewhere"
    new["model"]["channels"] = 8
    assert configuration.differences(old, new) == [
        "model.channels: 0 -> 8",
        "train.learning_rate: 0.002 -> 1.0",
    ]


def test_a_field_that_an_old_run_had_not_is_no_difference_at_its_default():
    old, new = (configuration.as_json(base.get_config()) for _ in range(2))
    del old["train"]["start_from"]
    assert configuration.differences(old, new) == []
    new["train"]["start_from"] = "elsewhere"
    assert configuration.differences(old, new) == [
        "train.start_from: '' -> 'elsewhere'"
    ]


def test_a_window_holds_history_and_what_is_fed_back():
    config = base.get_config()
    assert configuration.window_length(config) == 11
    config.train.feedback = 3
    assert configuration.window_length(config) == 14
    config.model.frames_out = 2
    assert configuration.window_length(config) == 18
    config.data.horizon = 20
    assert configuration.window_length(config) == 30
