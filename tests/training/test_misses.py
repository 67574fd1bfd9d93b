"""The unit of what is learned in the moving frame: what the extrapolation misses."""

import dataclasses

import numpy as np
import pytest

import adr_jax
from adr_jax import data
from adr_jax.data.normalisation import Statistics
from adr_jax.options import Configuration
from adr_jax.training import misses


@pytest.fixture
def config():
    return Configuration().override(
        data={"name": "synthetic", "shape": "vortex", "cells": 16, "trajectories": 3}
        | {"history": 4},
        model={"head": "advection", "frames_out": 5, "boundary": "periodic"},
    )


def test_the_unit_of_a_lead_is_what_the_extrapolation_misses(config):
    dataset = data.load(config.data)
    statistics = Statistics.of(dataset)
    found = np.array(misses.by_lead(config, dataset, statistics))
    assert found.shape == (5, 1)
    frames = [dataset.trajectories.read(int(n), 0, 20) for n in dataset.splits["train"]]
    windows = [film[start : start + 9] for film in frames for start in range(12)]
    windows = statistics.normalise(np.stack(windows))
    u = adr_jax.estimate_motion(windows[:, :4], boundary="periodic")
    ahead = adr_jax.extrapolate(windows[:, 3], u, 5, boundary="periodic")
    expected = np.sqrt(np.mean(np.square(ahead - windows[:, 4:]), axis=(0, 2, 3)))
    # Of 32 of the 36 windows.
    np.testing.assert_allclose(found, expected, rtol=0.05)
    assert (np.diff(found[:, 0]) > 0).all()


def test_a_forecast_that_is_right_has_a_unit_too(config):
    dataset = data.load(config.data)
    statistics = Statistics.of(dataset)

    class Still:
        lengths, frame_shape = dataset.trajectories.lengths, (16, 16, 1)

        def read(self, index, start, stop):
            return np.ones((stop - start, 16, 16, 1), np.float32)

    still = dataclasses.replace(dataset, trajectories=Still())
    found = misses.by_lead(config, still, statistics)
    least = misses.LEAST * statistics.first_difference[0]
    np.testing.assert_allclose(found, np.full((5, 1), least), rtol=1e-6)
