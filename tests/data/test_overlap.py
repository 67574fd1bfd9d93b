"""Frames that trajectories share: found, kept together, or refused."""

import numpy as np
import pytest

from adr_jax.data import overlap
from adr_jax.data.own.source import load
from adr_jax.errors import InputError
from configs import own


def dataset_of(tmp_path, trajectories, **fields):
    np.save(tmp_path / "f.npy", trajectories)
    config = own.get_config().data
    config.path, config.axes = str(tmp_path / "f.npy"), "ntyx"
    config.update(fields)
    return load(config)


def windows_of(film, length, every):
    starts = range(0, len(film) - length + 1, every)
    return [film[start : start + length] for start in starts]


def first_frames(dataset, split):
    read = dataset.trajectories.read
    return {read(int(index), 0, 1).tobytes() for index in dataset.splits[split]}


def test_windows_of_one_film_are_refused(tmp_path, generator):
    film = generator.normal(size=(60, 8, 8)).astype("f4")
    windows = windows_of(film, 30, 3)
    for split in ("auto", "trajectories"):
        with pytest.raises(InputError, match="its 11 trajectories share .* of 1 film;"):
            dataset_of(tmp_path, windows, split=split)
    with pytest.raises(InputError, match="share frames, which would be in train and"):
        dataset_of(tmp_path, windows, split="in_time")
    assert dataset_of(tmp_path, windows, split="all").states["test"] == 11


def test_shuffled_windows_too(tmp_path, generator):
    film = generator.normal(size=(40, 8, 8)).astype("f4")
    windows = generator.permutation(windows_of(film, 10, 5))
    with pytest.raises(InputError, match="give the film once"):
        dataset_of(tmp_path, windows)


def test_windows_of_one_film_stay_in_one_split(tmp_path, generator):
    films = generator.normal(size=(6, 20, 8, 8)).astype("f4")
    windows = [window for film in films for window in windows_of(film, 8, 3)]
    dataset = dataset_of(tmp_path, windows)
    assert dataset.split_name == "trajectories"
    assert dataset.states == {"train": 4, "validation": 1, "test": 1}
    for split in ("validation", "test"):
        assert first_frames(dataset, split) in [
            {window[:1, ..., None].tobytes() for window in windows_of(film, 8, 3)}
            for film in films
        ]


def test_a_sky_without_rain_and_a_still_one_are_no_film(tmp_path, generator):
    rain = generator.uniform(1, 2, (5, 12, 8, 8)).astype("f4")
    rain[:, 3] = 0
    rain[:, 6:8] = generator.normal(size=(8, 8))
    rain[:, 9, :4] = np.nan
    rain[:, 9, 4:] = 0
    dataset = dataset_of(tmp_path, rain, fill="none")
    assert dataset.states == {"train": 3, "validation": 1, "test": 1}


def test_trajectories_that_begin_alike_may_be_split_in_time(tmp_path, generator):
    films = generator.normal(size=(2, 40, 8, 8)).astype("f4")
    films[1, 0] = films[0, 0]
    with pytest.raises(InputError, match="or set config.data.split=in_time"):
        dataset_of(tmp_path, films)
    assert len(dataset_of(tmp_path, films, split="in_time").splits["test"]) == 2


def test_larger_files_are_looked_at_in_part(tmp_path, generator, monkeypatch):
    films = generator.normal(size=(5, 12, 8, 8)).astype("f4")
    films[1, 0], films[4, 0] = films[0, 5], films[0, 5]
    assert sum(dataset_of(tmp_path, films).states.values()) == 3
    monkeypatch.setattr(overlap, "VALUES", 3 * films[0].size)
    monkeypatch.setattr(overlap, "AT_ONCE", 1)
    assert sum(dataset_of(tmp_path, films).states.values()) == 4
