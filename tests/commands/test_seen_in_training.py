"""`evaluate --data` of a file that the model may have seen."""

from types import SimpleNamespace

import numpy as np
import pytest

from adr_jax.commands.seen_in_training import describe
from adr_jax.data.own.source import load
from configs import own


@pytest.fixture
def film(tmp_path, generator):
    values = generator.normal(size=(60, 8, 8)).astype("f4")
    np.save(tmp_path / "film.npy", values)
    return values


def data_of(path, **fields):
    config = own.get_config().data
    config.path, config.axes = str(path), "tyx"
    config.update(fields)
    return config


def told(tmp_path, name, values):
    """Return the sentence on a file, for a model of the film."""
    training = data_of(tmp_path / "film.npy")
    record = {"fingerprint": load(training).fingerprint}
    model = SimpleNamespace(workdir="run", record=record)
    np.save(tmp_path / name, values)
    scored = load(data_of(tmp_path / name, split="all"))
    return lambda: describe(model, training, scored, name)


def test_the_file_of_training_by_another_name(tmp_path, film):
    assert (
        "copy.npy is the file that run was trained on"
        in told(tmp_path, "copy.npy", film)()
    )


def test_a_part_of_it(tmp_path, film):
    # The first 34 frames train.
    assert (
        "trained on 4 of the 30 frames of part"
        in told(tmp_path, "part.npy", film[-30:])()
    )


def test_another(tmp_path, film):
    assert "none of the 60 frames" in told(tmp_path, "new.npy", film + 1)()


def test_training_data_that_are_gone(tmp_path, film):
    sentence = told(tmp_path, "new.npy", film + 1)
    (tmp_path / "film.npy").unlink()
    assert "is not known, as its training data cannot be opened" in sentence()
