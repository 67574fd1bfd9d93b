"""Objects on tracks: straight on before training, along what is learned after it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax import models
from adr_jax.models import moving_frame, objects
from adr_jax.models.measurement import displacement
from adr_jax.options import ModelOptions

OPTIONS = ModelOptions(
    head="advection", motions="objects", channels=4, num_blocks=1, frames_out=3
)
# Corners of two patches in the first frame, and how far they move in an interval.
CORNERS, STEPS = np.array([(3, 4), (28, 20)]), np.array([(2, 1), (-1, 2)])
NOTHING = -1.5


def frames(times):
    """Draw two patches that move straight on, over nothing; (time, 40, 44, 1)."""
    patches = np.random.default_rng(5).uniform(0.5, 1, (2, 9, 9))
    film = np.full((len(times), 40, 44, 1), NOTHING, np.float32)
    for frame, time in zip(film, times, strict=True):
        for patch, corner in zip(patches, CORNERS + time * STEPS, strict=True):
            row, column = corner
            frame[row : row + 9, column : column + 9, 0] += patch
    return film


@pytest.fixture(scope="module")
def history():
    return jnp.asarray(frames(range(5))[None])


@pytest.fixture(scope="module")
def network():
    return models.build(
        OPTIONS, change_scale=(0.1,), output_scale=(0.2,), zero=(NOTHING,)
    )


@pytest.fixture(scope="module")
def params(network, history):
    return jax.jit(network.init)(jax.random.key(1), history)


def with_turn(params, bias):
    """Return parameters with which every track ends `bias` farther at each lead."""
    tracks = params["params"]["tracks"]
    last = tracks["Dense_2"] | {"bias": jnp.asarray(bias)}
    return {"params": params["params"] | {"tracks": tracks | {"Dense_2": last}}}


@pytest.mark.slow
def test_untrained_objects_go_straight_on(network, params, history):
    ahead = jax.jit(network.apply)(params, history)
    # Whole cells: nothing is interpolated, and rounding is that of adding up.
    np.testing.assert_allclose(ahead[0], frames(range(5, 8)), atol=1e-5)
    expected = moving_frame.extrapolation(history, OPTIONS, jnp.array([NOTHING]))
    np.testing.assert_allclose(ahead, expected, atol=1e-5)


@pytest.mark.slow
def test_what_is_learned_of_tracks_moves_all_objects(network, params, history):
    # The side is 40 by 44 cells, and a bias counts in quarters of it.
    turned = with_turn(params, np.array([1, 2, -1]) / 10)
    ahead = jax.jit(network.apply)(turned, history)
    straight = frames(range(5, 8))
    for lead, cells in enumerate([1, 2, -1]):
        # 1.1 columns are interpolated: rows are compared by their sums.
        expected = np.roll(straight[lead], cells, axis=0).sum(axis=1)
        np.testing.assert_allclose(ahead[0, lead].sum(axis=1), expected, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "corners", "steps"),
    [
        ((60,), [(1,), (40,)], [(1,), (-1,)]),
        ((16, 18, 24), [(1, 1, 1), (9, 10, 16)], [(1, 0, 1), (-1, 0, 0)]),
    ],
    ids=["1-D", "3-D"],
)
def test_other_dimensions_and_several_variables(space, corners, steps):
    patches = np.random.default_rng(5).uniform(0.5, 1, (2, *[6] * len(space), 2))
    film = np.zeros((1, 6, *space, 2), np.float32)
    for time, frame in enumerate(film[0]):
        for patch, corner in zip(
            patches, np.add(corners, np.multiply(steps, time)), strict=True
        ):
            frame[tuple(slice(at, at + 6) for at in corner)] += patch
    network = models.build(
        dataclasses.replace(OPTIONS, frames_out=2, reach=2.0),
        change_scale=(0.1, 0.1),
        output_scale=(0.2, 0.2),
        zero=(0.0, 0.0),
    )
    params = jax.jit(network.init)(jax.random.key(1), film[:, :4])
    ahead = jax.jit(network.apply)(params, film[:, :4])
    np.testing.assert_allclose(ahead, film[:, 4:], atol=1e-5)


def test_frames_are_laid_on_the_last_one(history):
    found = objects.find(history - NOTHING, OPTIONS)
    first, second = np.moveaxis(np.asarray(found.frames[0, -1]), -1, 0)
    np.testing.assert_allclose(first + second, frames([4])[0, ..., 0] - NOTHING)
    for own, laid in zip(
        (first, second), np.moveaxis(found.frames[0], -1, 0), strict=True
    ):
        inside = own > 0
        for earlier in laid:
            np.testing.assert_allclose(earlier[inside], own[inside], atol=1e-6)
    centres = CORNERS + 4 * STEPS + 4  # of patches of nine cells, all about as heavy
    place = (np.asarray(found.place[0]) + 1) * np.array([40, 44]) / 2 - 0.5
    apart = np.abs(place - centres), np.abs(place[::-1] - centres)
    assert min(np.max(distance) for distance in apart) < 0.5


def test_the_displacement_is_that_of_what_is_in_a_cell(network, params, history):
    moved = np.asarray(displacement(network, params, history)[0])
    for corner, step in zip(CORNERS + 5 * STEPS, STEPS, strict=True):
        row, column = corner
        inside = moved[row + 1 : row + 8, column + 1 : column + 8]
        # Where content is 0.5 or more, the weight of an empty cell is 2 %.
        np.testing.assert_allclose(
            inside, np.broadcast_to(step, inside.shape), rtol=0.03
        )
    np.testing.assert_array_equal(moved[-3:], 0)


def test_errors_of_tracks_are_in_cells_whichever_object_comes_first():
    window = jnp.asarray(frames(range(2, 8))[None])
    ahead = STEPS * np.arange(1, 4)[:, None, None]
    for order in (ahead, ahead[:, ::-1]):
        missed = objects.track_error(
            jnp.asarray(order[None], jnp.float32) + 0.5, window, OPTIONS
        )
        np.testing.assert_allclose(missed, 0.5)
    # Half right is not right.
    same = np.repeat(ahead[:, :1], 2, axis=1)
    assert (
        objects.track_error(jnp.asarray(same[None], jnp.float32), window, OPTIONS) > 1
    )


def test_sides_scale_with_the_grid():
    follow = objects.Continuation(leads=2)
    steps = jax.random.normal(jax.random.key(0), (1, 4, 2, 2))
    place = jnp.array([[[0.1, 0.2], [-0.3, 0.4]]])
    params = follow.init(jax.random.key(1), steps, place, jnp.ones(2))
    params = jax.tree.map(lambda a: a + 0.1, params)
    small = follow.apply(params, steps, place, jnp.array([32.0, 64.0]))
    large = follow.apply(params, 2 * steps, place, jnp.array([64.0, 128.0]))
    np.testing.assert_allclose(large, 2 * small, rtol=1e-5)
