"""The growth of perturbations, on linear networks whose growth is known."""

import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax import data
from adr_jax.evaluation.report import tables
from adr_jax.evaluation.rollout import rollout
from adr_jax.evaluation.studies import growth
from adr_jax.models.baselines import extrapolation


@pytest.fixture
def dataset(config):
    """Return shallow water on 16 x 16 cells."""
    return data.load(config.data)


def mean_of_three(factor, history):
    """Average neighbouring rows of a periodic grid, times a factor."""
    last = history[:, -1:]
    return factor * (last + jnp.roll(last, 1, axis=2) + jnp.roll(last, -1, axis=2)) / 3


def averaging(factor, history, num_frames):
    return rollout(lambda h: mean_of_three(factor, h), history, num_frames)


def test_a_cosine_is_multiplied_by_the_eigenvalue_of_a_linear_network(dataset):
    result = growth.score(averaging, 0.9, dataset, model_history=4)
    assert (result["split"], result["samples"]) == ("test", 4)
    for scope in growth.SCOPES:  # this network sees the last frame only
        found = result["growth"][scope]
        # Longer wavelengths do not fit into 16 cells.
        assert list(found) == ["level", "16", "8", "4"]
        for name, factors in found.items():
            angle = 0 if name == "level" else 2 * np.pi / int(name)
            eigenvalue = 0.9 * (1 + 2 * np.cos(angle)) / 3
            assert factors["1"] == pytest.approx(abs(eigenvalue), rel=1e-5)
            assert factors["10"] == pytest.approx(abs(eigenvalue) ** 10, rel=1e-4)


def test_linear_extrapolation_multiplies_the_last_frame_by_2_and_11(dataset):
    result = growth.score(
        lambda _, history, steps: extrapolation(history, steps),
        None,
        dataset,
        model_history=4,
    )
    for factors in result["growth"]["last frame"].values():
        assert factors == pytest.approx({"1": 2, "10": 11}, rel=1e-5)
    for factors in result["growth"]["all frames"].values():
        assert factors == pytest.approx({"1": 1, "10": 1}, rel=1e-5)


def test_growth_is_exact_to_first_order(dataset):
    def squared(_, history, steps):
        return jnp.square(history[:, -1:])

    result = growth.score(squared, None, dataset, model_history=4)
    (trajectory,) = {int(n) for n in dataset.splits["test"][:1]}
    last = dataset.trajectories.read(trajectory, 3, 4)
    # The derivative of q^2 is 2 q, for q around 1; a finite change would add to it.
    expected = 2 * np.sqrt(np.mean(np.square(last)))
    factor = result["growth"]["last frame"]["level"]["1"]
    assert factor == pytest.approx(expected, rel=0.05)  # other histories differ a bit
    assert result["growth"]["all frames"]["level"]["1"] == factor


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "stable"), (1.2, "UNSTABLE")])
def test_the_table_has_a_row_for_each_wavelength(dataset, factor, verdict):
    result = growth.score(averaging, factor, dataset, model_history=4)
    title, header, *rows, last = tables.growth_table(result).splitlines()
    assert title.startswith("growth: ") and "4 histories, split test" in title
    assert header.split("  ")[-1] == "all frames, 10 steps"
    assert [row.split()[0] for row in rows] == ["level", "16", "8", "4"]
    assert rows[0].split()[1] == f"{factor:.3f}"
    most = f"a shift of all frames grows most, {factor:.3f} times a step"
    assert last == f"{most}: {verdict}"


def test_a_wave_that_grows_is_named(dataset):
    def sharpened(history):
        last = history[:, -1:]
        around = (jnp.roll(last, 1, axis=2) + jnp.roll(last, -1, axis=2)) / 2
        return last + 0.2 * (last - around)

    def sharpening(_, history, steps):
        return rollout(sharpened, history, steps)

    result = growth.score(sharpening, None, dataset, model_history=4)
    # The mean of both neighbours of a wave of four cells is zero.
    line = "a wave of 4 cells of all frames grows most, 1.200 times a step: UNSTABLE"
    assert line in tables.growth_table(result)
