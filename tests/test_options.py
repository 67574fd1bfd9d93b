"""Every field of the configuration, changed: what it governs changes as it should."""

import dataclasses
import functools

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax import data, models
from adr_jax.data.batches import Batch, observe
from adr_jax.data.normalisation import Statistics
from adr_jax.errors import InputError
from adr_jax.evaluation import protocols
from adr_jax.models.frames import FrameNetwork
from adr_jax.options import Configuration
from adr_jax.sections import Section
from adr_jax.training import configuration, setup, timing
from adr_jax.training.devices import host
from adr_jax.training.losses import LOSSES
from adr_jax.training.optimizer import at_rate, make_optimizer
from adr_jax.training.run import record
from adr_jax.training.step import init_state, learning_rate, make_train_step
from adr_jax.training.validation import Validation

BASE = Configuration().override(
    data={"name": "synthetic", "shape": "uniform", "cells": 8, "trajectories": 2}
    | {"history": 4},
    model={"channels": 4, "num_blocks": 2},
    train={"steps": 10, "warmup": 2, "validation_frames": 3},
)
UNIT = Statistics((0.0,), (1.0,), (1.0,), (1.0,))


def paths(section=BASE, prefix=""):
    """List "section.field" of every field."""
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if isinstance(value, Section):
            yield from paths(value, f"{field.name}.")
        else:
            yield prefix + field.name


def changed(path, value, base=BASE):
    """Return the configuration with one field changed."""
    section, _, field = path.rpartition(".")
    if not section:
        return dataclasses.replace(base, **{field: value})
    return base.override(**{section: {field: value}})


# Probes: what a field governs, as something that can be compared.


def dataset(config):
    """Describe the data: name, splits, frames."""
    opened = data.load(config.data)
    counts = {name: len(members) for name, members in opened.splits.items()}
    return opened.name, opened.fingerprint, counts, opened.trajectories.frame_shape


def refusal(config):
    """Return what data say that are not there."""
    with pytest.raises(InputError) as error:
        data.load(config.data)
    return str(error.value)


def batch(config):
    """Read the first batch as a run does."""
    read = setup._reader(config, data.load(config.data))(0)
    return read.frames.shape, read.frames.tobytes()


def seen(config):
    """Return the histories that the network sees in the first step."""
    frames = np.random.default_rng(0).normal(size=(4, 6, 8, 8, 1)).astype(np.float32)
    rows = np.arange(4, dtype=np.int32)
    read = Batch(frames, rows, np.ones(4, np.int32), np.zeros(4, bool))
    history, ahead = observe(
        read,
        UNIT,
        config.data,
        seed=config.seed,
        step=jnp.int32(3),
        noise=config.train.noise * np.ones(1, np.float32),
    )
    return history.shape, np.asarray(history).tobytes(), ahead.shape


def network(config):
    return models.build(config.model, change_scale=(1.0,), output_scale=(1.0,))


def history():
    # Of a hump that is not symmetric, so that edges and turns show.
    rows, columns = np.mgrid[:8, :8] / 8
    frames = [np.sin(2 * rows + 0.2 * t) * np.exp(columns) for t in range(4)]
    return jnp.asarray(np.stack(frames)[None, ..., None], jnp.float32)


@functools.cache
def forecast(config):
    """Forecast with initial parameters: their shapes, and the frames."""
    model = network(config)

    @jax.jit
    def initial(key, frames):
        ahead, variables = model.init_with_output(key, frames)
        return variables["params"], ahead

    params, frames = initial(jax.random.key(config.seed), history())
    shapes = str(jax.tree.map(jnp.shape, params))
    return shapes, frames.shape, np.asarray(frames).tobytes()


def moving_forecast(config):
    """Forecast two variables, of which one stays, with initial parameters."""
    model = network(config)
    both = jnp.concatenate([history(), jnp.flip(history()[:, :1], 3)[:, [0] * 4]], -1)
    frames, variables = jax.jit(model.init_with_output)(jax.random.key(0), both)
    shapes = str(jax.tree.map(jnp.shape, variables["params"]))
    return shapes, np.asarray(frames).tobytes()


@functools.cache
def far_forecast(config):
    """Forecast with displacements of several cells, which reach beyond the edges."""
    model = network(config)

    @jax.jit
    def moved(key, frames):
        params = model.init(key, frames)["params"]
        params = jax.tree_util.tree_map_with_path(
            lambda path, leaf: 500 * leaf if "velocity" in str(path[-4:]) else leaf,
            params,
        )
        return model.apply({"params": params}, frames)

    return np.asarray(moved(jax.random.key(config.seed), history())).tobytes()


@functools.cache
def program(config):
    """Return the program of a forecast's gradient, to be searched for a word."""
    model = network(config)
    variables = jax.eval_shape(model.init, jax.random.key(0), history())
    params = {"params": variables["params"]}

    def loss(params):
        return jnp.sum(jnp.square(model.apply(params, history())))

    return str(jax.make_jaxpr(jax.grad(loss))(params))


class Pointwise(FrameNetwork):
    """A network that compiles in no time."""

    def features(self, seen):
        """Return what is seen."""
        return seen


@functools.cache
def trained(config):
    """Return parameters, average and loss after one step at a high rate."""
    model = Pointwise(config.model)
    optimizer = make_optimizer(config.train)
    state = init_state(model, optimizer, config, (8, 8, 1))
    frames = np.random.default_rng(0).normal(size=(4, 8, 8, 8, 1)).astype(np.float32)
    rows = np.arange(4, dtype=np.int32)
    read = Batch(frames, rows, np.ones(4, np.int32), np.zeros(4, bool))
    feedback = configuration.feedback_at(config, 10, 10)
    step = make_train_step(model, optimizer, UNIT, config, feedback)
    mapped = jax.vmap(step, axis_name="batch", in_axes=(None, 0), out_axes=None)
    for _ in range(2):
        state, metrics = mapped(state, jax.tree.map(lambda a: a[None], read))
    leaves = jax.tree.leaves((state.params, state.average, metrics["loss"]))
    return [np.asarray(leaf).tobytes() for leaf in leaves]


def step_program(config):
    """Return the program of a training step."""
    model = Pointwise(config.model)
    optimizer = make_optimizer(config.train)
    state = init_state(model, optimizer, config, (8, 8, 1))
    rows = np.arange(4, dtype=np.int32)
    frames = np.ones((4, 8, 8, 8, 1), np.float32)
    read = Batch(frames, rows, np.ones(4, np.int32), np.zeros(4, bool))
    step = make_train_step(model, optimizer, UNIT, config, 0)
    mapped = jax.vmap(step, axis_name="batch", in_axes=(None, 0), out_axes=None)
    return str(jax.make_jaxpr(mapped)(state, jax.tree.map(lambda a: a[None], read)))


def update(config):
    """Return the optimiser's first step for a large gradient."""
    optimizer = make_optimizer(config.train)
    params = {"w": jnp.arange(1.0, 5.0)}
    state = at_rate(optimizer.init(params), jnp.float32(0.1))
    steps, _ = optimizer.update({"w": jnp.array([9.0, -1.0, 0.5, 3.0])}, state, params)
    return np.asarray(steps["w"]).tolist()


def rates(config):
    """Return the learning rate at some steps of ten."""
    return [float(learning_rate(config.train, step, 10)) for step in range(10)]


def loss(config):
    """Return the loss of one pair of shares."""
    pair = jnp.array([[0.25, 0.75]]), jnp.array([[0.0, 1.0]])
    return float(LOSSES[config.train.loss](*pair, jnp.float32(0.1))[0])


def validation(config):
    """Return the windows, frames and batch size of validation."""
    opened = data.load(config.data)
    made = Validation(config, opened, network(config), UNIT)
    windows = made.windows
    return len(windows.chosen), windows.frames, windows.batch_size


def total_steps(config):
    """Return the length of the run; steps are timed by a fake."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "_seconds_a_step", lambda *_: 1.5)
        return timing.total_steps(config, {}, {0: None}, None, None)


def feedback(config):
    """Return how many forecasts are fed back in each of ten steps."""
    return [configuration.feedback_at(config, step, 10) for step in range(1, 11)]


def due(config):
    """Return how often a run of ten steps logs, saves and validates."""
    train = config.train
    intervals = (train.log_every, train.checkpoint_every, train.validate_every)
    return [sum(step % every == 0 for step in range(1, 11)) for every in intervals]


def scored(config):
    """Return the protocols that a run is checked for before it trains."""
    opened = data.load(config.data)
    names = []
    with pytest.MonkeyPatch.context() as patch:
        known = {name: Spy(name, names) for name in protocols.PROTOCOLS}
        patch.setattr(protocols, "PROTOCOLS", known)
        protocols.check(opened, config.eval.protocols, model_history=4)
    return names


class Spy:
    """A protocol that notes that it was asked for its windows."""

    def __init__(self, name, names):
        self._name, self._names = name, names

    def windows(self, *_):
        """Note the name."""
        self._names.append(self._name)


def start(config):
    """Return where a run starts from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setup, "load", lambda workdir: pytest.fail(workdir))
        try:
            setup._best_of(config.train.start_from, None)
        except pytest.fail.Exception as asked:
            return str(asked)


def told_at_the_start(config):
    """Return what a run is told before its first step, here for want of thresholds."""
    try:
        record.new_record(config, data.load(config.data))
    except InputError as error:
        return str(error)
    return ""


def devices(config):
    """Return what is said of the number of devices."""
    try:
        host.check_devices(config.expected_devices, 4)
    except InputError as error:
        return str(error)
    return ""


SHALLOW = {"name": "shallow_water", "cells": 16, "root": "nowhere"}
WATER = BASE.override(data=SHALLOW | {"shape": "circle"})
HEADED = BASE.override(model={"head": "persistence"})
MOVING = BASE.override(model={"head": "advection", "frames_out": 3})
FED = BASE.override(train={"feedback": 2})

# Tested below, on a file.
OF_A_FILE = (BASE, None, None)

# For each field: a base, another value, and the probe that has to change.
CASES = {
    "seed": (BASE, 1, forecast),
    "expected_devices": (BASE, 7, devices),
    "data.name": (WATER, "radar", refusal),
    "data.root": (WATER, "elsewhere", refusal),
    "data.path": (WATER, "other.h5", refusal),
    "data.trajectories": (BASE, 3, dataset),
    "data.shape": (BASE, "vortex", dataset),
    "data.cells": (BASE, 12, dataset),
    "data.frames": (WATER, 51, refusal),
    "data.variable": OF_A_FILE,
    "data.axes": OF_A_FILE,
    "data.fill": OF_A_FILE,
    "data.crop": OF_A_FILE,
    "data.cell_km": OF_A_FILE,
    "data.history": (BASE, 5, seen),
    "data.split": OF_A_FILE,
    "data.noise": (BASE, 0.5, trained),
    "data.missing": (BASE, 0.5, trained),
    "data.augment": (BASE, "rotations", batch),
    "model.name": (BASE, "unet", forecast),
    "model.channels": (BASE, 8, forecast),
    "model.num_blocks": (BASE, 3, forecast),
    "model.boundary": (BASE, "periodic", far_forecast),
    "model.coordinates": (BASE, True, forecast),
    "model.head": (BASE, "persistence", forecast),
    "model.interpolation": (MOVING, "cubic", moving_forecast),
    "model.motions": (MOVING, "channels", moving_forecast),
    "model.frames_in": (BASE, 2, forecast),
    "model.frames_out": (BASE, 2, forecast),
    "model.exceedance": (MOVING, True, told_at_the_start),
    "model.conserve": (BASE, True, forecast),
    "model.denoiser": (BASE, True, forecast),
    "model.remat": (BASE, True, program),
    "model.unroll": (BASE, "off", program),
    "model.dtype": (BASE, "bfloat16", program),
    "model.transport": (BASE, "pull", forecast),
    "model.displacement_fields": (BASE, 2, forecast),
    "model.reach": (BASE, 1e-4, forecast),
    "model.context": (BASE, 1, forecast),
    "model.diffusion": (BASE, "none", forecast),
    "model.reaction": (BASE, "conv", forecast),
    "train.steps": (BASE, 11, total_steps),
    "train.minutes": (BASE, 1.0, total_steps),
    "train.start_from": (BASE, "runs/other", start),
    "train.batch_size": (BASE, 2, batch),
    "train.accumulate": (BASE, 2, step_program),
    "train.loss": (BASE, "cross_entropy", loss),
    "train.optimizer": (BASE, "sgd", update),
    "train.learning_rate": (BASE, 0.5, rates),
    "train.warmup": (BASE, 4, rates),
    "train.schedule": (BASE, "constant", rates),
    "train.weight_decay": (BASE, 0.5, update),
    "train.clip": (changed("train.optimizer", "sgd"), 0.0, update),
    "train.ema": (BASE, 0.9, trained),
    "train.feedback": (HEADED, 2, trained),
    "train.feedback_after": (FED, 0.8, feedback),
    "train.noise": (BASE, 0.5, trained),
    "train.log_every": (BASE, 2, due),
    "train.checkpoint_every": (BASE, 2, due),
    "train.validate_every": (BASE, 2, due),
    "train.validation_windows": (BASE, 5, validation),
    "train.validation_frames": (BASE, 4, validation),
    "eval.protocols": (BASE, ("one_step",), scored),
    "eval.batch_size": (BASE, 3, validation),
}


def test_there_is_a_case_for_every_field():
    assert set(CASES) == set(paths())


@pytest.mark.slow
@pytest.mark.parametrize("path", [p for p in CASES if CASES[p] is not OF_A_FILE])
def test_a_changed_field_changes_what_it_governs(path):
    base, value, probe = CASES[path]
    assert probe(base) != probe(changed(path, value, base))


def choices(path):
    """List the choices of a field."""
    section, _, name = path.rpartition(".")
    options = getattr(BASE, section) if section else BASE
    fields = {field.name: field for field in dataclasses.fields(options)}
    return fields[name].metadata["choices"]


# On a CPU "auto" unrolls as "on" does.
CHOSEN = [path for path in CASES if choices(path) and path != "model.unroll"]


@pytest.mark.parametrize("path", CHOSEN)
def test_every_choice_does_another_thing(path):
    base, _, probe = CASES[path]
    # A run puts another head in the place of "auto" before anything is built.
    values = [value for value in choices(path) if value != "auto"]
    found = [probe(changed(path, value, base)) for value in values]
    for index, one in enumerate(found):
        assert one not in found[:index], values[index]


@pytest.mark.parametrize("probe", [forecast, program, trained])
def test_the_same_configuration_gives_the_same(probe):
    assert probe.__wrapped__(BASE) == probe.__wrapped__(BASE)


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("model.remat", True, "remat"),
        ("model.dtype", "bfloat16", "bf16"),
    ],
)
def test_some_show_in_the_program_alone(path, value, word):
    assert program(changed(path, value)).count(word) > program(BASE).count(word)


def test_loops_are_unrolled_on_cpus_or_as_told():
    unrolled = {
        value: network(changed("model.unroll", value)).unroll
        for value in ("auto", "on", "off")
    }
    assert unrolled == {"auto": True, "on": True, "off": False}


@pytest.fixture
def own(tmp_path):
    """Return a configuration of a file with two arrays of 60 frames."""
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(60, 8, 9)).astype(np.float32) for name in "ab"}
    np.savez(tmp_path / "own.npz", **arrays)
    options = {"name": "arrays", "path": "own.npz", "root": str(tmp_path)}
    options |= {"variable": "a", "axes": "tyx", "split": "in_time"}
    defaults = Configuration().data
    options |= {name: getattr(defaults, name) for name in ("trajectories", "cells")}
    return BASE.override(data=options | {"shape": defaults.shape})


@pytest.mark.parametrize(
    ("field", "value"), [("variable", "b"), ("axes", "txy"), ("split", "all")]
)
def test_a_changed_field_of_a_file_changes_what_is_read(own, field, value):
    before, after = dataset(own), dataset(own.override(data={field: value}))
    assert before != after
    if field == "axes":
        assert (before[-1], after[-1]) == ((8, 9, 1), (9, 8, 1))


def test_values_out_of_range_are_refused_with_the_reason():
    with pytest.raises(InputError, match="train.ema is 1.0; .* below 1.*Decay of the"):
        BASE.override(train={"ema": 1.0})
    tree = dataclasses.asdict(BASE)
    tree["model"]["colour"] = "red"
    with pytest.raises(InputError, match="an unknown field model.colour"):
        Configuration.of(tree)


def test_crop_and_cells_of_radar(tmp_path):
    with h5py.File(tmp_path / "rain.h5", "w") as file:
        file["dbz"] = np.random.default_rng(0).uniform(0, 50, (4, 32, 48))
        file["dbz"].attrs["units"] = "dBZ"
        file.attrs.update({"pixel_km": 1.0, "dt_minutes": 5.0})
    options = {"name": "radar", "path": "rain.h5", "root": str(tmp_path)}
    rain = BASE.override(data=options | {"shape": "circle", "cells": 128})
    rain = rain.override(data={"split": "all", "trajectories": 100})
    whole = dataset(rain)
    assert whole[-1] == (32, 48, 1)
    assert dataset(changed("data.crop", 16, rain))[-1] == (16, 16, 1)
    assert dataset(changed("data.cell_km", 2.0, rain))[-1] == (16, 24, 1)
