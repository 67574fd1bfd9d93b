"""Two objects whose tracks are known, followed from frame to frame."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax.operators.objects import track_objects

RANDOM = np.random.default_rng(3)


def film(paths, cells=(40, 44), size=9, channels=1):
    """Draw a random patch at each corner of each path, the brighter one in front.

    `paths` is (objects, time, axes); returned are frames (time, *cells, channels), and
    for each object where it is seen in the last frame.
    """
    alone = []
    for path in paths:
        patch = RANDOM.uniform(0.2, 1, (size,) * len(cells) + (channels,))
        frames = np.zeros((len(path), *cells, channels), np.float32)
        for frame, corner in zip(frames, path, strict=True):
            frame[tuple(slice(at, at + size) for at in corner)] = patch
        alone.append(frames)
    whole = np.max(alone, axis=0)
    seen = [(frames[-1] > 0) & (frames[-1] == whole[-1]) for frames in alone]
    return whole, [where[..., 0] for where in seen]


def straight(corner, step, times=5):
    return [np.add(corner, np.multiply(step, t)).tolist() for t in range(times)]


def in_order(tracks, expected):
    """Return tracks with the objects in the order that fits best."""
    steps, shares = np.asarray(tracks.steps), np.asarray(tracks.shares)
    if np.abs(steps - expected).sum() > np.abs(steps[:, ::-1] - expected).sum():
        steps, shares = steps[:, ::-1], shares[..., ::-1]
    return steps, shares


CROSSING = np.array([straight((4, 6), (3, 2)), straight((24, 8), (-2, 3))])
TURNING = np.array(
    [
        [(3, 10), (1, 12), (0, 14), (2, 16), (4, 18)],
        [(20, 30), (22, 27), (24, 24), (26, 21), (28, 24)],
    ]
)
ALIKE = np.array([straight((4, 4), (2, 1)), straight((20, 24), (2, 1))])


@pytest.mark.parametrize(
    "paths", [CROSSING, TURNING, ALIKE], ids=["crossing", "turning", "alike"]
)
def test_objects_are_followed_by_whole_cells(paths):
    frames, _ = film(paths)
    expected = np.moveaxis(np.diff(paths, axis=1), 0, 1)
    steps, _ = in_order(track_objects(frames, reach=4), expected)
    np.testing.assert_array_equal(steps, expected)


def test_shares_say_whose_a_cell_is():
    frames, seen = film(TURNING)
    expected = np.moveaxis(np.diff(TURNING, axis=1), 0, 1)
    _, shares = in_order(track_objects(frames, reach=4), expected)
    for share, where in zip(np.moveaxis(shares[-1], -1, 0), seen, strict=True):
        assert (share[where] == 1).all()


def test_crossing_objects_keep_their_numbers():
    frames, _ = film(CROSSING)
    # They overlap in the end, or nothing is tested.
    assert (np.abs(np.subtract(*CROSSING[:, -1])) < 9).all()
    expected = np.diff(CROSSING, axis=1).swapaxes(0, 1)
    steps, _ = in_order(track_objects(frames, reach=4), expected)
    assert (steps == steps[:1]).all()


@pytest.mark.parametrize("axes", [1, 3])
def test_space_may_have_other_axes(axes):
    cells, size = {1: ((96,), 15), 3: ((20, 22, 24), 7)}[axes]
    first, second = (2,) * axes, (10,) * axes if axes == 3 else (60,)
    paths = np.array(
        [straight(first, (1,) * axes, 3), straight(second, (-1,) * axes, 3)]
    )
    frames, _ = film(paths, cells, size)
    expected = np.moveaxis(np.diff(paths, axis=1), 0, 1)
    steps, _ = in_order(track_objects(frames, axes=axes, reach=2), expected)
    np.testing.assert_array_equal(steps, expected)


def test_a_batch_is_its_samples():
    films = np.stack([film(CROSSING)[0], film(TURNING)[0]])
    both = track_objects(films, reach=4)
    for n, frames in enumerate(films):
        alone = track_objects(frames, reach=4)
        jax.tree.map(
            np.testing.assert_array_equal,
            alone,
            jax.tree.map(lambda a, n=n: a[n], both),
        )


def test_shares_add_up_and_have_no_gradient():
    frames = jnp.asarray(film(CROSSING)[0])
    shares = track_objects(frames, reach=4).shares
    np.testing.assert_array_equal(jnp.sum(shares, axis=-1), 1)
    gradient = jax.grad(
        lambda frames: jnp.sum(track_objects(frames, reach=4).shares[..., 0])
    )(frames)
    assert not gradient.any()


def test_missing_values_agree_with_any():
    frames, _ = film(CROSSING)
    expected = np.moveaxis(np.diff(CROSSING, axis=1), 0, 1)
    frames[RANDOM.random(frames.shape) < 0.1] = np.nan
    steps, shares = in_order(track_objects(frames, reach=4), expected)
    np.testing.assert_array_equal(steps, expected)
    assert np.isfinite(shares).all()


def test_neither_scale_nor_offset_matters():
    frames, _ = film(CROSSING)
    # 2 and 8 are exact in binary, so nothing is rounded.
    jax.tree.map(
        np.testing.assert_array_equal,
        track_objects(frames, reach=4).steps,
        track_objects(8 * frames + 2, reach=4).steps,
    )


@pytest.mark.parametrize(
    ("frames", "options", "said"),
    [
        (np.zeros((3, 8, 8), np.float32), {}, "add a channel axis"),
        (np.zeros((1, 8, 8, 1), np.float32), {}, "two frames or more"),
        (np.zeros((3, 8, 8, 1), int), {}, "expected a floating dtype"),
        (np.zeros((3, 8, 8, 1), np.float32), {"axes": 4}, "1, 2 or 3"),
        (np.zeros((3, 8, 8, 1), np.float32), {"reach": 0}, "1 cell or more"),
    ],
)
def test_bad_input_is_told(frames, options, said):
    with pytest.raises(ValueError, match=said):
        track_objects(frames, **options)
