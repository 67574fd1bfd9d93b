"""The solver of the dam break: against the public set, and by its properties."""

import os
import pathlib

import h5py
import jax
import numpy as np
import pytest

from adr_jax.data.shallow_water import dam_break
from adr_jax.data.shallow_water.dam_break import Dam, initial_height, simulate
from adr_jax.errors import InputError

pytestmark = pytest.mark.slow

# (seed, frame, x, y, height) from trajectories that the public generator's own code
# (Clawpack) computed: cells that had moved, off both axes and both diagonals.
REFERENCE = [
    (0, 1, 77, 71, 1.0208378),
    (0, 1, 70, 50, 1.1104877),
    (0, 2, 54, 53, 1.5932919),
    (0, 2, 70, 75, 1.9065288),
    (0, 10, 63, 76, 1.4885808),
    (0, 10, 70, 54, 1.664667),
    (0, 40, 66, 57, 1.1358613),
    (0, 40, 57, 82, 1.2915071),
    (0, 75, 101, 68, 1.2209797),
    (0, 75, 73, 68, 0.81141615),
    (0, 100, 47, 105, 1.2329152),
    (0, 100, 61, 55, 0.6756931),
    (3, 1, 56, 62, 1.8710489),
    (3, 1, 73, 65, 1.0208378),
    (3, 2, 68, 55, 1.0716157),
    (3, 2, 54, 67, 1.0189298),
    (3, 10, 66, 73, 1.3827089),
    (3, 10, 55, 59, 1.3915111),
    (3, 40, 46, 52, 1.2318661),
    (3, 40, 85, 57, 1.032725),
    (3, 75, 57, 62, 0.7269254),
    (3, 75, 68, 81, 1.0340548),
    (3, 100, 96, 43, 1.1835477),
    (3, 100, 66, 38, 1.039726),
]


def initial_heights(dam, seeds):
    return np.stack([initial_height(dam, seed) for seed in seeds])


def run(dam, seeds):
    return simulate(dam, initial_heights(dam, seeds))


@pytest.fixture(scope="module")
def public():
    """Read trajectories 0 and 3 of the public set, frames without channel by seed."""
    seeds = (0, 3)
    return dict(zip(seeds, run(Dam(), seeds)[..., 0], strict=True))


@pytest.mark.parametrize(("seed", "frame", "x", "y", "height"), REFERENCE)
def test_heights_are_those_of_the_public_generator(public, seed, frame, x, y, height):
    # Two roundings to float32; the float64 results behind them differ by some 1e-14.
    np.testing.assert_allclose(public[seed][frame, x, y], height, rtol=2.4e-7)


def test_every_frame_is_that_of_the_public_generator():
    root = os.environ.get("ADR_JAX_TEST_DATA")
    path = pathlib.Path(root or "", "swe", "2D_rdb_pyclaw_8.h5")
    if not root or not path.exists():
        pytest.skip(f"set ADR_JAX_TEST_DATA to the folder that holds swe/{path.name}")
    with h5py.File(path) as file:
        expected = np.stack([file[f"{seed:04d}/data"][:] for seed in range(8)])
        grid = {name: file[f"0000/grid/{name}"][:] for name in "xyt"}
    error = run(Dam(), range(8)) - expected.astype(np.float64)
    space = (-3, -2, -1)
    rms = np.sqrt(np.mean(expected.astype(np.float64) ** 2, axis=space))
    # Here no bit differs; another compiler's may where a float64 is about halfway
    # between two float32. float32 arithmetic is off by 8e-8.
    assert np.max(np.sqrt(np.mean(error**2, axis=space)) / rms) <= 1e-8
    # The file's grid is float32.
    np.testing.assert_allclose(dam_break.cell_centres(128), grid["x"], rtol=1e-7)
    np.testing.assert_allclose(dam_break.cell_centres(128), grid["y"], rtol=1e-7)
    np.testing.assert_allclose(dam_break.frame_times(101), grid["t"], rtol=1e-7)


def sweeps(q, num_steps):
    """Take steps along x, in float64, as `simulate` does."""
    sweep = jax.jit(dam_break._sweep)  # fused operations round differently
    with jax.enable_x64(True):
        for _ in range(num_steps):
            q, _ = sweep(q, 0.25)
        return np.asarray(q)


@pytest.mark.parametrize("flow", [1, -1], ids=["first_wave", "third_wave"])
def test_an_expansion_shock_spreads_into_a_rarefaction(flow):
    """A hydraulic jump in reverse solves the equations, and Roe's solver keeps it.

    From 2 deep and slow to 1 deep and fast, (hu)^2 = h_l h_r (h_l + h_r) / 2: mass and
    momentum balance and it stands still. u - c runs from -0.5 to 0.7 across it, so that
    the true solution is smooth. The public set has no such wave (the solver matches it
    without the fix too), so only this sees the entropy fix.
    """
    profile = np.where(np.arange(40) < 20, 2.0, 1.0)[::flow, None]
    jump = np.stack([profile, np.full((40, 1), flow * np.sqrt(3.0)), np.zeros((40, 1))])
    depth = sweeps(jump, 40)[0, :, 0]
    # 10 time units of spreading at relative speed 1.2 fill 10 cells and more: no two
    # neighbours are a quarter of the jump apart, where unfixed they are all of it.
    assert np.max(np.abs(np.diff(depth))) < 0.25


def test_a_mirrored_state_sweeps_to_the_mirrored_state_bit_for_bit():
    rng = np.random.default_rng(0)
    state = rng.uniform(0.5, 1.5, (3, 64, 8))
    # Height and transverse momentum are even, momentum along the axis is odd.
    sign = np.array([1.0, -1.0, 1.0])[:, None, None]
    mirrored = sign * sweeps((sign * state)[:, ::-1], 3)[:, ::-1]
    np.testing.assert_array_equal(mirrored, sweeps(state, 3))


def test_a_tall_dam_has_the_exact_rarefaction():
    """A wall of water 10 deep is a Riemann problem with a known solution.

    Stoker (1957): h = (2 sqrt(10) - x/t)^2 / 9 about the dam, 40/9 at it.
    """
    dam = Dam(cells=200, height=10.0, frames=11)
    x = dam_break.cell_centres(dam.cells)
    across = np.tile(np.where(x < 0, 10.0, 1.0), (dam.cells, 1))
    frames = simulate(dam, np.stack([across.T, across]))[..., 0]
    near, time = np.abs(x) < 0.1, dam_break.frame_times(dam.frames)[3]
    exact = (2 * np.sqrt(10.0) - x[near] / time) ** 2 / 9
    for profile in (frames[0, 3, near, 100], frames[1, 3, 100, near]):
        # 1 % is the scheme's error within 4 cells of the dam.
        np.testing.assert_allclose(profile, exact, rtol=0.02)


@pytest.mark.parametrize("shape", ["off_centre", "double"])
def test_mass_is_conserved_until_waves_reach_the_edge(shape):
    frames = run(Dam(shape=shape), [1])[0, ..., 0].astype(np.float64)
    assert np.max(np.abs(frames - frames[:, ::-1])) > 0.1, "the state must not be even"
    edges = (frames[:, 0], frames[:, -1], frames[:, :, 0], frames[:, :, -1])
    touched = np.max(np.abs(np.stack(edges) - 1), axis=(0, 2)) > 1e-6
    mass = np.mean(frames, axis=(1, 2))
    assert 40 < np.sum(~touched) < len(touched), "the waves must reach the edge"
    # The sum of 16,384 heights, each rounded to float32 (6e-8, of either sign).
    np.testing.assert_allclose(mass[~touched], mass[0], rtol=5e-9)
    # What leaves does not come back: neither walls nor a periodic domain.
    assert mass[-1] < mass[0] - 1e-4


def test_the_public_set_is_mirror_symmetric_but_not_under_transposition(public):
    for frames in public.values():
        np.testing.assert_array_equal(frames, frames[:, ::-1])
        np.testing.assert_array_equal(frames, frames[:, :, ::-1])
        # Splitting x, then y: the reference differs by 0.02 too.
        assert np.max(np.abs(frames - frames.transpose(0, 2, 1))) > 0.01


def test_a_mirrored_dam_gives_the_mirrored_trajectory():
    dam = Dam(cells=64, shape="double")
    heights = initial_heights(dam, [4])
    frames = simulate(dam, heights)
    for axis in (1, 2):
        mirrored = simulate(dam, np.flip(heights, axis))
        np.testing.assert_array_equal(np.flip(mirrored, axis + 1), frames)


def test_a_batch_equals_its_trajectories_one_by_one():
    dam = Dam(cells=32, shape="mixed")
    frames = run(dam, range(4))
    assert frames.shape == (4, 101, 32, 32, 1)
    assert frames.dtype == np.float32
    for seed in range(4):
        np.testing.assert_array_equal(frames[seed : seed + 1], run(dam, [seed]))


def test_double_precision_stays_inside():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", False)
    try:
        run(Dam(cells=8, frames=2), [0])
        assert not jax.config.jax_enable_x64
    finally:
        jax.config.update("jax_enable_x64", before)


def test_one_batch_shape_compiles_once():
    dam = Dam(cells=16, frames=3)
    run(dam, [0, 1])
    compiled = dam_break._trajectories._cache_size()
    run(dam, [2, 3])
    assert dam_break._trajectories._cache_size() == compiled


def test_the_public_set_takes_one_step_a_frame():
    # dt/dx = 0.01 / (5 / 128)
    assert dam_break._steps(Dam()) == (1, pytest.approx(0.256))


@pytest.mark.parametrize(
    "dam",
    [
        Dam(cells=256, frames=51),
        Dam(cells=64, height=30.0, shape="double"),
        Dam(cells=64, height=0.05, shape="ellipse", frames=31),
        Dam(cells=32, frames=2),
    ],
    ids=["fine", "tall", "hole", "two_frames"],
)
def test_other_set_ups_take_more_steps_and_stay_finite(dam):
    assert dam_break._steps(dam)[0] > 1
    frames = run(dam, [0])  # raises where the CFL number is exceeded
    assert frames.shape == (1, dam.frames, dam.cells, dam.cells, 1)
    assert np.all(np.isfinite(frames)) and np.min(frames) > 0
    assert np.max(np.abs(frames[0, -1] - frames[0, 0])) > 0.1, "nothing moved"


def test_more_frames_show_the_same_motion():
    coarse, fine = (
        run(Dam(cells=64, frames=frames), [2])[0, -1] for frames in (21, 201)
    )
    # Steps of 0.01 or 0.025 against 0.005: the scheme's error in time at the front.
    assert np.sqrt(np.mean((coarse - fine) ** 2)) < 0.01


def test_circles_hold_81_distinct_states_in_the_first_thousand_seeds():
    # Counted from the public generator: the radius acts through whole cells.
    states = {initial_height(Dam(), seed).tobytes() for seed in range(1000)}
    assert len(states) == 81


@pytest.mark.parametrize("shape", ["off_centre", "ellipse", "double", "mixed"])
def test_states_are_a_pure_function_of_the_seed_and_differ(shape):
    dam = Dam(shape=shape, height=3.0)
    states = initial_heights(dam, range(12))
    np.testing.assert_array_equal(states, initial_heights(dam, range(12)))
    assert len({state.tobytes() for state in states}) == 12
    assert states.shape == (12, 128, 128) and states.dtype == np.float64
    for state in states:
        assert set(np.unique(state)) == {1.0, 3.0}


def test_shapes_are_what_they_say():
    area, spread = ({shape: [] for shape in dam_break.SHAPES[:4]} for _ in range(2))
    for seed in range(8):
        for shape in area:
            inside = initial_height(Dam(shape=shape), seed) > 1
            where = dam_break.cell_centres(128)[np.argwhere(inside)]
            area[shape].append(len(where) * (5 / 128) ** 2)
            narrow, wide = np.linalg.eigvalsh(np.cov(where.T))
            spread[shape].append(wide / narrow)
    radii = [np.random.default_rng(seed).uniform(0.3, 0.7) for seed in range(8)]
    for shape in ("circle", "off_centre"):
        # Discs of that radius, but for the whole cells at their rims.
        np.testing.assert_allclose(area[shape], np.pi * np.square(radii), rtol=0.03)
        assert max(spread[shape]) < 1.05
    # The ratio of squared semi-axes is (7/3)^2 at most, and 1 for a disc.
    assert 1.5 < max(spread["ellipse"]) < 5.5
    assert min(np.divide(area["double"], area["circle"])) > 1.1
    assert min(spread["double"]) > 1.1


def test_mixed_takes_the_shapes_in_turn():
    for seed, shape in enumerate(
        ("circle", "off_centre", "ellipse", "double", "circle")
    ):
        np.testing.assert_array_equal(
            initial_height(Dam(shape="mixed"), seed),
            initial_height(Dam(shape=shape), seed),
        )


@pytest.mark.parametrize(("cells", "widest"), [(128, 0.7), (96, 0.93), (64, 1.2)])
def test_varied_draws_dams_of_other_heights_as_wide_in_cells(cells, widest):
    dams = initial_heights(Dam(cells, shape="varied"), range(200))
    rises = dams.max(axis=(1, 2)) - 1
    assert ((rises >= 0.25) & (rises <= 1.5)).all()
    assert rises.min() < 0.35 and rises.max() > 1.4
    radii = np.sqrt((dams[::4] > 1).sum(axis=(1, 2)) / np.pi) * (5 / cells)  # circles
    # A disc of whole cells may be a cell's half wider or narrower than its circle.
    assert radii.min() < 0.4
    assert abs(radii.max() - widest) < 0.05 + 2.5 / cells  # of fifty drawn
    np.testing.assert_array_equal(dams[::4], dams[::4, ::-1, ::-1])
    assert len({dam.tobytes() for dam in dams}) == 200


def test_varied_water_is_solved_in_steps_for_its_highest():
    # The front of a rise of 1.5 x 2 is faster than that of the dam's own 2.
    dam = Dam(cells=64, height=3.0, shape="varied", frames=31)
    assert dam.extreme_height == 4.0
    np.testing.assert_array_equal(
        run(dam, [3]), simulate(Dam(64, 4.0, frames=31), initial_heights(dam, [3]))
    )


def test_varied_holes_keep_water_in_them():
    with pytest.raises(InputError, match="height: expected a finite number above 0.3"):
        Dam(shape="varied", height=0.3)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("cells", 7, "at least 8"),
        ("height", 0.0, "above 0"),
        ("height", float("nan"), "finite"),
        ("height", 1.0, "not 1"),
        (
            "shape",
            "square",
            "one of circle, off_centre, ellipse, double, mixed, varied",
        ),
        ("frames", 1, "at least 2"),
    ],
)
def test_a_dam_out_of_range_is_refused(field, value, expected):
    message = f"^{field}: expected .*{expected}.*, got {value!r}; the public set has"
    with pytest.raises(InputError, match=message):
        Dam(**{field: value})


def test_heights_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"expected shape \(n, 8, 8\), got \(8, 8\)"):
        simulate(Dam(cells=8), np.ones((8, 8)))


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_a_dry_start_is_refused_by_index(bad):
    heights = np.ones((3, 8, 8))
    heights[1, 2, 3] = bad
    with pytest.raises(InputError, match=r"heights\[1\]: expected finite heights"):
        simulate(Dam(cells=8), heights)


def test_running_dry_is_an_error_that_names_the_trajectory():
    dam = Dam(cells=32, height=1000.0)
    heights = initial_heights(dam, [0, 0])
    heights[0] = 1.0
    with pytest.raises(InputError, match=r"heights\[1\]: .* got a cell that ran dry"):
        simulate(dam, heights)


def test_waves_faster_than_the_steps_are_an_error():
    dam = Dam(cells=64)
    heights = 20 * initial_heights(dam, [0, 1])
    heights[0] = 1.0
    with pytest.raises(InputError, match=r"heights\[1\]: .* got CFL"):
        simulate(dam, heights)
