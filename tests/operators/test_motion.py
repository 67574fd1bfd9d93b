"""The motion that frames show, on fields whose motion is known exactly."""

import subprocess
import sys

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from motion_scores import angle_and_length

import adr_jax
from adr_jax.data.tracers import synthetic
from adr_jax.operators import alignment, motion


def waves(shape, generator, shortest=8.0, count=40):
    """Make a periodic field of any axes, and a function that moves it exactly."""
    most = [max(n / shortest, 1) for n in shape]
    numbers = np.stack(
        [
            np.round(generator.uniform(-m, m, count)) / n
            for m, n in zip(most, shape, strict=True)
        ],
        1,
    )
    phases = generator.uniform(0, 2 * np.pi, count)
    cells = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)

    def moved(shift):
        angle = 2 * np.pi * (cells - np.asarray(shift)) @ numbers.T + phases
        return np.cos(angle).sum(-1, keepdims=True).astype(np.float32)

    return moved


def film(moved, step, count=4):
    return np.stack([moved(n * np.asarray(step)) for n in range(count)])


# As the issue of this operator has them: degrees, relative length, nRMSE of ten frames.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "degrees", "length", "error"),
    [
        ("uniform", 1, 0.02, 0.04),
        ("shear", 1, 0.02, 0.04),
        ("rotation", 2, 0.04, 0.06),
        ("vortex", 4, 0.05, 0.07),
    ],
)
def test_ten_frames_of_known_flows(shape, degrees, length, error):
    """Motion within the bounds, and the forecast that follows from it."""
    boundary = "clamp" if shape == "rotation" else "periodic"
    seeds = range(4)
    frames = np.stack([synthetic.tracer(shape, 64, seed, range(20)) for seed in seeds])
    truth = np.stack([synthetic.velocity(shape, 64, seed) for seed in seeds])
    u = adr_jax.estimate_motion(frames[:, :10], boundary=boundary)
    found = angle_and_length(np.asarray(u), truth)
    assert found[0] <= degrees
    assert abs(found[1] - 1) <= length
    assert found[2] >= 0.99
    ahead = adr_jax.extrapolate(frames[:, 9], u, 10, order=3, boundary=boundary)
    squares = np.mean(np.square(ahead - frames[:, 10:]), (2, 3, 4))
    size = np.mean(np.square(frames[:, 10:]), (2, 3, 4))
    assert np.mean(np.sqrt(squares / size)) <= error


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("shift", [(0, 0), (3, -5), (-16, 2), (7, 16)], ids=str)
def test_whole_cells_of_a_textured_field(shift, count, generator):
    field = generator.normal(size=(64, 64, 1)).astype(np.float32)
    for axis in (0, 1):  # as far as a quarter of the side needs structure of that size
        field = field + np.cumsum(field - field.mean(axis, keepdims=True), axis) / 3
    frames = np.stack(
        [np.roll(field, (n * shift[0], n * shift[1]), (0, 1)) for n in range(count)]
    )
    u = np.asarray(adr_jax.estimate_motion(frames, boundary="periodic"))
    off = np.abs(u - shift)
    # Hundredths of a cell are lost between the cells of so rough a field, more by a
    # single pair of frames.
    assert off.mean() < 0.01 and off.max() < 0.02 * (2 if count == 2 else 1)


@pytest.mark.slow
@pytest.mark.parametrize("step", [(0.3, 0.0), (-1.5, 2.25), (0.71, -3.4)], ids=str)
def test_parts_of_a_cell(step, generator):
    frames = film(waves((49, 41), generator), step)
    off = np.abs(adr_jax.estimate_motion(frames, boundary="periodic") - np.array(step))
    # Waves of 8 cells, linearly interpolated, are not quite where they seem to be.
    assert off.mean() < 0.01 and off.max() < 0.1


@pytest.mark.slow
def test_both_directions_of_each_axis(generator):
    """Mirrored frames show the mirrored motion, exchanged axes the exchanged one."""
    frames = film(waves((32, 32), generator), (1.3, -0.6))
    u = np.asarray(adr_jax.estimate_motion(frames))
    for axis in (0, 1):
        flipped = np.asarray(adr_jax.estimate_motion(np.flip(frames, 1 + axis)))
        sign = np.where(np.arange(2) == axis, -1, 1)
        # Sums are taken in another order, in float32.
        np.testing.assert_allclose(np.flip(flipped, axis) * sign, u, atol=2e-3)
    turned = np.asarray(adr_jax.estimate_motion(frames.swapaxes(1, 2)))
    np.testing.assert_allclose(turned.swapaxes(0, 1)[..., ::-1], u, atol=2e-3)


@pytest.mark.slow
def test_a_view_through_a_window(generator):
    """Take nothing that enters or leaves at the edges for motion."""
    scene = waves((120, 120), generator, shortest=12)
    frames = film(scene, (3, -4))[:, 30:78, 30:70]
    u = np.asarray(adr_jax.estimate_motion(frames))
    off = np.abs(u - (3, -4))
    # At the edges four cells have been seen once.
    assert off.mean() < 0.02 and off.max() < 0.2


@pytest.mark.slow
def test_missing_cells(generator):
    """A quarter of the cells missing, elsewhere in each frame, and a whole frame."""
    frames = film(waves((48, 48), generator), (1.5, -2))
    frames[generator.random(frames.shape) < 0.25] = np.nan
    u = np.asarray(adr_jax.estimate_motion(frames, boundary="periodic"))
    # Where half of what a reading needs is missing it is a mean of the rest.
    np.testing.assert_allclose(u, np.broadcast_to((1.5, -2), u.shape), atol=0.1)
    frames = film(waves((48, 48), generator), (1.5, -2), 5)
    frames[2] = np.nan
    u = np.asarray(adr_jax.estimate_motion(frames, boundary="periodic"))
    np.testing.assert_allclose(u, np.broadcast_to((1.5, -2), u.shape), atol=0.02)


def test_what_appears_and_vanishes(generator):
    """A patch that flashes in one frame, and a frame of zeros among five."""
    frames = film(waves((48, 48), generator), (1.5, -2), 5)
    frames[3, 20:26, 10:16] = 4 * np.std(frames)
    u = np.asarray(adr_jax.estimate_motion(frames, boundary="periodic"))
    assert np.median(np.abs(u - (1.5, -2))) < 0.02
    frames[2] = 0
    u = np.asarray(adr_jax.estimate_motion(frames, boundary="periodic"))
    assert np.median(np.abs(u - (1.5, -2))) < 0.1


@pytest.mark.slow
def test_motion_is_continued_to_where_nothing_can_be_seen(generator):
    scene = film(waves((64, 64), generator), (1.0, 2.0))
    rows = np.arange(64)[:, None, None]
    frames = np.where(rows < 32, scene, np.nan)
    u = np.asarray(adr_jax.estimate_motion(frames))
    # Nothing holds the other half but what is known at its edge.
    assert np.abs(u - (1, 2)).mean() < 0.05
    np.testing.assert_allclose(u, np.broadcast_to((1, 2), u.shape), atol=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.0, 7.3, -1e6])
def test_a_constant_field_does_not_move(value):
    frames = np.full((3, 12, 14, 2), value, np.float32)
    frames[0, 3:5] = np.nan
    np.testing.assert_array_equal(adr_jax.estimate_motion(frames), 0)


@pytest.mark.slow
def test_gradients_where_nothing_can_be_seen():
    frames = jnp.full((2, 12, 14, 1), 7.3).at[0, 3:5].set(jnp.nan)
    gradient = jax.grad(lambda x: adr_jax.estimate_motion(x).sum())(frames)
    assert np.isfinite(np.asarray(gradient)).all()


@pytest.mark.slow
def test_what_stands_still_stays(generator):
    field = waves((40, 40), generator)((0, 0))
    u = adr_jax.estimate_motion(np.stack([field] * 4))
    np.testing.assert_allclose(u, 0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "step"),
    [
        ((60,), (2.5,)),
        ((1, 60), (0, 2.5)),
        ((60, 1), (-2.5, 0)),
        ((37, 90), (-2.5, 6.5)),
        ((24, 20, 28), (1.5, -1, 2)),
    ],
    ids=str,
)
def test_other_grids(shape, step, generator):
    frames = film(waves(shape, generator), step)
    axes = len(shape)
    u = adr_jax.estimate_motion(frames, axes=axes, boundary="periodic")
    assert u.shape == (*shape, axes)
    np.testing.assert_allclose(u, np.broadcast_to(step, u.shape), atol=0.05)


@pytest.mark.slow
def test_a_batch_is_its_samples(generator):
    """By leading axes and by vmap; two frames are the fewest."""
    steps = ((1.0, 2.0), (-0.5, 0.3), (0.0, -2.0))
    frames = np.stack([film(waves((12, 15), generator), step, 3) for step in steps])
    together = adr_jax.estimate_motion(frames)
    mapped = jax.vmap(adr_jax.estimate_motion)(jnp.asarray(frames))
    for n in range(3):
        alone = adr_jax.estimate_motion(frames[n])
        # Other code for the same numbers, in float32.
        np.testing.assert_allclose(together[n], alone, atol=1e-3)
        np.testing.assert_allclose(mapped[n], alone, atol=1e-3)
    assert adr_jax.estimate_motion(frames[:, None, :2]).shape == (3, 1, 12, 15, 2)


@pytest.mark.slow
def test_units_and_type_do_not_matter(generator):
    frames = film(waves((32, 32), generator), (1.0, -1.5))
    u = adr_jax.estimate_motion(frames)
    np.testing.assert_allclose(
        adr_jax.estimate_motion(300 + 1e3 * frames), u, atol=5e-3
    )
    for scale in (1e-30, 1e30):
        other = adr_jax.estimate_motion(np.float32(scale) * frames)
        np.testing.assert_allclose(other, u, atol=5e-3)
    half = adr_jax.estimate_motion(jnp.asarray(frames, jnp.bfloat16))
    assert half.dtype == jnp.float32
    # bfloat16 rounds to 1 / 256, noise that the wider sums see.
    np.testing.assert_allclose(half, u, atol=0.1)


@pytest.mark.slow
def test_gradients_are_those_of_finite_differences(generator):
    with jax.enable_x64(True):
        frames = film(waves((16, 13), generator), (0.8, -0.5), 3).astype(np.float64)
        direction = generator.normal(size=frames.shape)

        @jax.jit
        def along(t):
            u = adr_jax.estimate_motion(frames + t * direction)
            return jnp.sum(u * jnp.cos(jnp.arange(u.size).reshape(u.shape)))

        # The hat has kinks, a few in so small a step.
        step = 1e-7
        differences = (along(step) - along(-step)) / (2 * step)
        np.testing.assert_allclose(jax.grad(along)(0.0), differences, rtol=1e-4)
        np.testing.assert_allclose(
            jax.jvp(along, (0.0,), (1.0,))[1], differences, rtol=1e-4
        )


@pytest.mark.slow
def test_stiff_for_rain_and_loose_for_eddies(generator):
    """`shear=None` chooses what forecasts the frame it has not seen."""
    clean = synthetic.tracer("vortex", 64, 0, range(3)).astype(np.float32)
    noisy = clean + 0.5 * generator.normal(size=clean.shape).astype(np.float32)
    for frames, shear in ((clean, motion.LOOSE), (noisy, motion.STIFF)):
        chosen = adr_jax.estimate_motion(frames, boundary="periodic")
        given = adr_jax.estimate_motion(frames, boundary="periodic", shear=shear)
        np.testing.assert_allclose(chosen, given, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frames": np.zeros((1, 8, 8, 1))}, "one alone shows no motion"),
        ({"frames": np.zeros((4, 3))}, "axes of space"),
        ({"frames": np.zeros((4, 8, 8))}, "add a channel axis"),
        ({"frames": np.zeros((4, 0, 8, 1))}, "axes of space"),
        ({"frames": np.zeros((4, 8, 8, 1), np.uint8)}, "expected a floating dtype"),
        ({"frames": np.full((4, 8, 8, 1), np.nan)}, "every value is missing"),
        ({"frames": np.full((4, 8, 8, 1), np.inf)}, "infinite values"),
        ({"axes": 4}, "got axes=4"),
        ({"axes": None}, "got axes=None"),
        ({"boundary": "wrap"}, "got boundary='wrap'"),
        ({"boundary": ("clamp",)}, "each of the 2 spatial axes"),
        ({"shear": 0.0}, "got shear=0.0"),
        ({"shear": float("nan")}, "got shear=nan"),
        ({"shear": "stiff"}, "got shear='stiff'"),
    ],
)
def test_bad_arguments(change, said):
    arguments = {"frames": np.zeros((4, 8, 8, 1), np.float32)} | change
    with pytest.raises(ValueError, match="estimate_motion got") as error:
        adr_jax.estimate_motion(arguments.pop("frames"), **arguments)
    assert said in str(error.value)


@pytest.mark.slow
def test_the_storm_over_the_netherlands(real_data):
    with h5py.File(real_data / "radar" / "knmi_20100826_128.h5") as file:
        frames = file["dbz8"][...][..., None].astype(np.float32)
    u = adr_jax.estimate_motion(frames[40:44])
    # Measured by cross-correlation when the data were made: (-1.16, 3.71), sd 0.2, one
    # for the whole image, where this one varies.
    np.testing.assert_allclose(np.median(u, (0, 1)), (-1.16, 3.71), rtol=0, atol=0.4)


@pytest.mark.slow
def test_slow_rain_over_finland(real_data):
    """1.27 cells up a frame, where phase correlation sees 1.93."""
    with h5py.File(real_data / "radar" / "fmi_20160928_256.h5") as file:
        frames = file["dbz8"][...][..., None].astype(np.float32) / 4
    u = adr_jax.estimate_motion(frames[4:8])
    np.testing.assert_allclose(np.median(u, (0, 1)), (-1.27, 1.09), rtol=0, atol=0.3)


@pytest.mark.slow
def test_using_it_loads_jax_and_nothing_else():
    code = (
        "import sys, jax.numpy as jnp, adr_jax;"
        "u = adr_jax.estimate_motion(jnp.ones((2, 8, 8, 1)));"
        "adr_jax.extrapolate(jnp.ones((8, 8, 1)), u, 2);"
        "print({'flax', 'optax', 'h5py', 'jaxtyping'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout.strip() == "set()", out.stderr


@pytest.mark.slow
def test_outliers_count_little():
    """The weight of a cell, beside one that agrees with its neighbours."""
    difference = np.full((16, 16, 1), 0.1, np.float32)
    difference[8, 8] = 5
    known = np.ones_like(difference)
    grid = alignment.Grid((16, 16), (False, False))
    weight = np.asarray(alignment._weights(difference, known, grid))
    assert weight[8, 8] < 0.01 * weight[8, 9]
