"""A run that starts from the parameters of another."""

import shutil

import chex
import pytest
from etils import epath

from adr_jax.errors import InputError
from adr_jax.training import configuration, loop, setup
from adr_jax.training.model import load
from adr_jax.training.run import checkpoint

pytestmark = pytest.mark.slow


def prepared(config, workdir):
    """Set a run up to its first step."""
    folders = [
        checkpoint.Checkpoints(epath.Path(workdir) / name, keep=1)
        for name in ("checkpoints", "best")
    ]
    config = configuration.read(config)
    dataset = setup.open_data(config)
    run = setup.begin(config, epath.Path(workdir), dataset, *folders)
    for folder in folders:
        folder.close()
    return run


def test_its_first_parameters_are_the_other_runs_best(untrained, config, tmp_path):
    config.seed = 7
    other = prepared(config, tmp_path / "other")
    config.train.start_from = str(untrained)
    run = prepared(config, tmp_path / "run")
    best = load(untrained).params
    chex.assert_trees_all_equal(run.state.params, best, run.state.average)
    assert int(run.state.step) == run.record["step"] == 0
    with pytest.raises(AssertionError):
        chex.assert_trees_all_equal(best, other.state.params)


def test_a_resumed_run_needs_the_other_no_more(untrained, config, tmp_path):
    config.train.start_from = str(tmp_path / "other")
    shutil.copytree(untrained, tmp_path / "other")
    config.train.steps = 2
    loop.train_and_evaluate(config, tmp_path / "run")
    shutil.rmtree(tmp_path / "other")
    config.train.steps = 3
    loop.train_and_evaluate(config, tmp_path / "run")


def test_another_network_is_refused(untrained, config, tmp_path):
    config.train.start_from = str(untrained)
    config.model.channels *= 2
    with pytest.raises(InputError, match="start from a run of the same network"):
        prepared(config, tmp_path / "run")


def test_a_folder_without_a_run_is_refused(config, tmp_path):
    config.train.start_from = str(tmp_path / "nothing")
    with pytest.raises(InputError, match="nothing"):
        prepared(config, tmp_path / "run")
