"""What a configuration may hold."""

import dataclasses
import importlib
import pathlib

import numpy as np
import pytest

from adr_jax.data.contract import Dataset
from adr_jax.errors import InputError
from adr_jax.options import Configuration
from adr_jax.training import configuration, heads
from configs import base

FILES = sorted(
    path.stem for path in pathlib.Path(base.__file__).parent.glob("[a-z]*.py")
)


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_configs_can_run(name):
    configuration.read(importlib.import_module(f"configs.{name}").get_config())


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("model.name", "unte", "config.model.name is 'unte'; expected one of adrnet"),
        ("model.boundary", "wall", "expected one of clamp"),
        ("model.displacement_fields", 5, "expected a divisor of 24 channels"),
        ("model.diffusion", "spectral", "one of explicit, implicit, exact, none"),
        ("model.dtype", "float16", "one of float32, bfloat16"),
        ("data.split", "random", "expected one of distinct, pdebench"),
        ("data.history", 1, "expected 2 or more to extrapolate from"),
        ("model.head", "frame", "expected one of frames, persistence"),
        ("model.frames_in", 1, "expected 2 or more to extrapolate from"),
        ("model.frames_in", 11, "expected at most data.history, 10"),
        ("model.interpolation", "nearest", "one of linear, cubic"),
        ("data.trajectories", 0, "a number from 1 up"),
        ("train.steps", -5, "a number from 1 up"),
        ("train.learning_rate", float("nan"), "a number from 0 up"),
        ("train.ema", 1.0, "a number below 1"),
        ("train.optimizer", "adm", "such as adamw"),
        ("eval.protocols", ("one_stop",), "names among one_step, rollout"),
    ],
    ids=str,
)
def test_an_impossible_value_is_named_with_what_was_expected(field, value, message):
    config = base.get_config()
    with config.ignore_type():
        config.update_from_flattened_dict({field: value})
    with pytest.raises(InputError, match=message) as error:
        configuration.read(config)
    assert "\n" not in str(error.value)
    assert f"config.{field}" in str(error.value)


@dataclasses.dataclass
class Films:
    """Trajectories of some length on some grid."""

    lengths: tuple[int, ...]
    frame_shape: tuple[int, ...]


@pytest.mark.parametrize(
    ("lengths", "space", "message"),
    [
        (
            (14, 40),
            (8, 8),
            "frames_out is 24; expected at most 4 .* 14 frames or fewer",
        ),
        ((40, 14), (8, 1), "head is 'advection'; expected another .* grid of 8 x 1"),
        ((40, 14), (8, 8), None),
    ],
    ids=["too short", "flat", "fits"],
)
def test_data_that_the_moving_frame_is_not_made_for(lengths, space, message):
    dataset = Dataset(
        name="films",
        trajectories=Films(lengths, (*space, 1)),
        splits={"train": np.array([0]), "validation": np.array([1]), "test": []},
        states={},
        split_name="by hand",
        fingerprint="",
        channels=("a",),
    )
    config = Configuration().override(model={"head": "advection", "frames_out": 24})
    if message is None:
        heads.check(config, dataset)
        return
    with pytest.raises(InputError, match=message) as error:
        heads.check(config, dataset)
    assert "\n" not in str(error.value)


def test_probabilities_cannot_be_conserved():
    config = base.get_config()
    config.train.loss, config.model.conserve = "cross_entropy", True
    with pytest.raises(InputError, match="model.conserve is True.*cross_entropy"):
        configuration.read(config)


def test_a_configuration_survives_json():
    config = configuration.read(base.get_config())
    assert configuration.from_json(configuration.as_json(config)) == config


def test_differences_are_listed_but_for_those_that_may_change():
    old = Configuration()
    new = old.override(
        train={"steps": 7, "learning_rate": 1.0},
        data={"root": "elsewhere"},
        model={"channels": 8},
    )
    assert configuration.differences(old, new) == [
        "model.channels: 24 -> 8",
        "train.learning_rate: 0.002 -> 1.0",
    ]


@pytest.fixture
def old():
    """Return what version 0.1.0 wrote."""
    tree = configuration.as_json(Configuration())
    tree["workdir"] = ""
    tree["data"] |= {"horizon": 1, "exclude": [], "dropped": 0.0}
    tree["model"] |= {"size": "base", "channels": 0, "num_blocks": 0, "name": "cnn"}
    tree["model"] |= {"splitting": "lie", "balance": "fixed", "variables_out": 0}
    tree["model"] |= {"time_step": "fixed"}
    tree["train"] |= {"feedback_gradient": 0, "patience": 0}
    return tree


def test_a_configuration_of_an_older_version_is_read(old):
    config = configuration.from_json(old)
    network = {"channels": 64, "num_blocks": 6, "transport": "none"}
    assert config == Configuration().override(model=network)


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [("model", "balance", "learned"), ("data", "exclude", ["0"])],
)
def test_one_whose_options_are_gone_is_refused(old, section, field, value):
    old[section][field] = value
    with pytest.raises(InputError, match=f"unknown field {section}.{field}: another"):
        configuration.from_json(old)


def test_a_window_holds_history_and_what_is_fed_back():
    config = Configuration()
    assert configuration.window_length(config) == 11
    config = config.override(train={"feedback": 3})
    assert configuration.window_length(config) == 14
    config = config.override(model={"frames_out": 2})
    assert configuration.window_length(config) == 18


def test_a_window_of_the_moving_frame_holds_history_and_the_nearest_lead():
    config = Configuration().override(model={"head": "advection", "frames_out": 24})
    assert configuration.window_length(config) == 11


def test_a_window_of_objects_holds_the_frames_of_their_tracks():
    model = {"head": "advection", "frames_out": 24, "motions": "objects"}
    assert configuration.window_length(Configuration().override(model=model)) == 34


@pytest.mark.parametrize(
    ("section", "field", "value", "message"),
    [
        ("data", "history", 1, "2 or more: one frame shows no motion"),
        ("model", "frames_in", 1, "2 or more: one frame shows no motion"),
        ("train", "feedback", 2, "0 with model.head=advection"),
    ],
)
def test_the_moving_frame_refuses(section, field, value, message):
    headed = {"model": {"head": "advection"}}
    headed[section] = headed.get(section, {}) | {field: value}
    with pytest.raises(InputError, match=f"config.{section}.{field} is.*{message}"):
        Configuration().override(**headed)
