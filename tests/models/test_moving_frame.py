"""The moving frame: untrained it is the extrapolation, trained it corrects it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import adr_jax
from adr_jax import models
from adr_jax.models import moving_frame
from adr_jax.options import ModelOptions

BOUNDARIES = ("clamp", "open", "periodic", "reflect")


def network(**fields):
    """Make a small network in the moving frame, three leads long."""
    options = {"channels": 4, "num_blocks": 1, "frames_out": 3} | fields
    zero = options.pop("zero", 0.0)
    return models.build(
        ModelOptions(head="advection", **options),
        change_scale=(0.1,),
        output_scale=(0.2,),
        zero=(zero,),
    )


@pytest.fixture(scope="module")
def history():
    """Two humps that move, each its own way, over a slope; (2, 4, 20, 22, 1)."""
    y, x, t = np.meshgrid(np.arange(20), np.arange(22), np.arange(4), indexing="ij")
    down = np.exp(-((y - 7 - 1.2 * t) ** 2 + (x - 8 - 0.7 * t) ** 2) / 12)
    back = np.exp(-((y - 12 + 0.4 * t) ** 2 + (x - 15 + 1.5 * t) ** 2) / 15)
    both = np.stack([down, back]) + 0.02 * y
    return jnp.asarray(np.moveaxis(both, -1, 1)[..., None], jnp.float32)


def init(model, history):
    return jax.jit(model.init)(jax.random.key(1), history)


def with_motion(params, bias):
    """Return parameters whose correction is `bias` in every cell."""
    motion = params["params"]["carry"]["motion"]
    motion = motion | {"Dense_0": motion["Dense_0"] | {"bias": jnp.asarray(bias)}}
    return {"params": params["params"] | {"carry": {"motion": motion}}}


@pytest.mark.slow
@pytest.mark.parametrize("conserve", [False, True], ids=["values", "amounts"])
@pytest.mark.parametrize("interpolation", moving_frame.ORDERS)
@pytest.mark.parametrize("name", models.NETWORKS)
def test_untrained_it_is_the_extrapolation(history, name, interpolation, conserve):
    model = network(name=name, interpolation=interpolation, conserve=conserve)
    ahead = jax.jit(model.apply)(init(model, history), history)
    expected = adr_jax.extrapolate(
        history[:, -1],
        adr_jax.estimate_motion(history),
        3,
        conserve=conserve,
        order=moving_frame.ORDERS[interpolation],
        boundary="clamp",
    )
    # The same operations, compiled together or apart: float32 of order one.
    np.testing.assert_allclose(ahead, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("conserve", [False, True], ids=["values", "amounts"])
def test_by_every_boundary_rule(history, boundary, conserve):
    # Amounts are counted from nothing, which is -1.5 here.
    model = network(boundary=boundary, conserve=conserve, zero=-1.5)
    ahead = jax.jit(model.apply)(init(model, history), history)
    motion = adr_jax.estimate_motion(history, boundary=boundary)
    if conserve:
        ahead_of = adr_jax.trajectory(motion, 3, boundary=boundary)
        amounts = jnp.repeat(history[:, -1:] + 1.5, 3, axis=1)
        expected = adr_jax.push(amounts, ahead_of, boundary=boundary) - 1.5
    else:  # values beyond an open edge are those of the nearest cell
        rule = "clamp" if boundary == "open" else boundary
        expected = adr_jax.extrapolate(history[:, -1], motion, 3, boundary=rule)
    np.testing.assert_allclose(ahead, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_any_lead_of_each_sample_is_that_of_all_leads(history):
    model = network()
    params = with_motion(init(model, history), [0.3, -0.2])
    every = jax.jit(model.apply)(params, history)
    leads = jnp.array([[2, 3], [3, 1]])
    some = jax.jit(model.apply)(params, history, leads=leads)
    for sample in (0, 1):
        for k in (0, 1):
            np.testing.assert_allclose(
                some[sample, k], every[sample, leads[sample, k] - 1], atol=1e-5
            )
    first = jax.jit(model.apply, static_argnums=2)(params, history, 2)
    np.testing.assert_allclose(first, every[:, :2], atol=1e-5)


@pytest.mark.parametrize("head", ["advection", "persistence"])
@pytest.mark.parametrize("asked", [{"leads": jnp.array([[4], [1]])}, {"steps": 0}])
def test_a_lead_out_of_range_is_refused(history, head, asked):
    model = models.build(
        ModelOptions(head=head, channels=4, num_blocks=1, frames_out=3),
        change_scale=(1.0,),
        output_scale=(1.0,),
    )
    with pytest.raises(ValueError, match="expected 1 to model.frames_out, 3"):
        jax.eval_shape(lambda h: model.init(jax.random.key(0), h, **asked), history)


@pytest.mark.slow
def test_a_correction_moves_content_towards_larger_index(history):
    still = jnp.repeat(history[:, :1], 4, axis=1)  # no motion is measured
    model = network()
    ahead = model.apply(with_motion(init(model, still), [2.0, -1.0]), still)
    expected = jnp.roll(still[:, -1], (2, -1), axis=(1, 2))
    for lead in range(3):
        np.testing.assert_allclose(
            ahead[:, lead, 2:-2, 2:-2], expected[:, 2:-2, 2:-2], atol=1e-4
        )


@pytest.mark.slow
def test_amounts_keep_their_sum_whatever_is_learned(history):
    model = network(conserve=True, boundary="periodic")
    shapes = init(model, history)
    leaves, tree = jax.tree.flatten(shapes)
    keys = jax.random.split(jax.random.key(3), len(leaves))
    learned = [
        leaf + 0.3 * jax.random.normal(key, leaf.shape)
        for key, leaf in zip(keys, leaves, strict=True)
    ]
    ahead = model.apply(jax.tree.unflatten(tree, learned), history)
    before = jnp.sum(history[:, -1:], axis=(2, 3))
    assert jnp.max(jnp.abs(ahead - history[:, -1:])) > 0.1
    # Sums of 440 cells of order one.
    sums = jnp.sum(ahead, axis=(2, 3))
    np.testing.assert_allclose(sums, jnp.broadcast_to(before, sums.shape), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("space", [(14,), (6, 5, 7)], ids=["1-D", "3-D"])
def test_other_dimensions(space):
    frames = jax.random.normal(jax.random.key(0), (2, 3, *space, 1))
    model = network(frames_out=2)
    ahead = jax.jit(model.apply)(init(model, frames), frames)
    u = adr_jax.estimate_motion(frames, axes=len(space))
    expected = adr_jax.extrapolate(frames[:, -1], u, 2, boundary="clamp")
    np.testing.assert_allclose(ahead, expected, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_each_channel_may_have_a_motion_of_its_own(history):
    both = jnp.concatenate([history[:1], history[1:]], axis=-1)  # one sample of two
    model = models.build(
        ModelOptions(head="advection", channels=4, frames_out=3, motions="channels"),
        change_scale=(0.1, 0.1),
        output_scale=(0.2, 0.2),
    )
    ahead = jax.jit(model.apply)(init(model, both), both)
    for channel in (0, 1):
        alone = both[..., channel : channel + 1]
        motion = adr_jax.estimate_motion(alone)
        expected = adr_jax.extrapolate(alone[:, -1], motion, 3, boundary="clamp")
        np.testing.assert_allclose(ahead[..., channel], expected[..., 0], atol=1e-5)


def test_what_is_added_has_the_unit_of_its_lead(history):
    model = network()
    units = ((0.1,), (1.0,), (10.0,))
    scaled = model.clone(output_scale=units)
    params = init(model, history)
    project = params["params"]["project"]
    project = project | {"Dense_0": project["Dense_0"] | {"bias": jnp.ones(1)}}
    learned = {"params": params["params"] | {"project": project}}
    apply = jax.jit(scaled.apply)
    added = apply(learned, history) - apply(params, history)
    for lead, unit in enumerate((0.1, 1.0, 10.0)):
        np.testing.assert_allclose(added[:, lead], unit, rtol=1e-4)
    found = scaled.unit(jnp.array([[3, 1]]), axes=2)
    np.testing.assert_array_equal(found, jnp.array([10.0, 0.1]).reshape(1, 2, 1, 1, 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", models.NETWORKS)
def test_a_gradient_reaches_motion_and_increments_at_once(history, name):
    model = network(name=name)
    params = init(model, history)
    target = jnp.roll(history[:, -1:], 1, axis=2)

    def loss(params):
        leads = jnp.ones((2, 1), jnp.int32)
        return jnp.mean(jnp.square(model.apply(params, history, leads=leads) - target))

    gradient = jax.grad(loss)(params)["params"]
    for part in (gradient["carry"]["motion"], gradient["project"]):
        assert jnp.any(part["Dense_0"]["kernel"] != 0)


def test_a_steady_translation_lies_still_in_the_moving_frame():
    rows = jnp.arange(24.0)
    frames = jnp.stack([jnp.sin(rows / 3 - 0.5 * t) for t in range(4)])
    frames = jnp.broadcast_to(frames[None, :, :, None, None], (1, 4, 24, 24, 1))
    u = jnp.broadcast_to(jnp.array([1.5, 0.0]), (1, 24, 24, 2))
    back, ahead = adr_jax.trajectory(-u, 6), adr_jax.trajectory(u, 3)
    motion = moving_frame.Motion(*(part[..., None, :] for part in (u, back, ahead)))
    lead = jnp.array([3])
    options = ModelOptions(boundary="clamp")
    carried = moving_frame.carry_history(frames, motion, lead, options)
    truth = jnp.sin(rows / 3 - 0.5 * 6)
    inside = slice(10, None)  # 1.5 * 6 cells enter
    for age in range(4):
        # Linear interpolation half a cell off, of a wave of 19 cells: 1.4 %.
        np.testing.assert_allclose(
            carried[0, age, inside, 5, 0], truth[inside], atol=0.015
        )
    share = moving_frame.share_from_inside(
        moving_frame.back_from(motion, lead), "clamp"
    )
    np.testing.assert_allclose(share[0, :, 5, 0], [0] * 4 + [0.5] + [1] * 19, atol=1e-5)
