"""Any optimiser of optax by its name, its rate set anew at every step."""

import functools
import inspect
from collections.abc import Callable

import jax
import optax
from jaxtyping import Array, PyTree
from optax import contrib

from adr_jax.options import TrainOptions

# Size of muon's steps beside adamw's, so that neither needs another range of rates:
# what optax recommends.
MUON_RMS = 0.2

# A parameter to try an optimiser on.
PROBE = jax.ShapeDtypeStruct((2, 2), "float32")


def make_optimizer(options: TrainOptions) -> optax.GradientTransformation:
    """Return clipping and the optimiser; `at_rate` sets the rate in its state.

    Raises:
      InputError: optax has no such optimiser, or it needs more than a gradient.
    """
    factory = _factory(options)

    # All but the rate stays a constant of the compiled step.
    @optax.inject_hyperparams
    def rule(learning_rate):
        rule = factory(learning_rate)
        if options.clip:
            return optax.chain(optax.clip_by_global_norm(options.clip), rule)
        return rule

    # Some take their first step sizes from it.
    return rule(learning_rate=options.learning_rate)


def at_rate(state: optax.OptState, rate: Array) -> optax.OptState:
    """Return the state with the learning rate of the next step."""
    return state._replace(hyperparams={"learning_rate": rate})


def _factory(
    options: TrainOptions,
) -> Callable[[Array | float], optax.GradientTransformation]:
    """Return the optimiser as a function of its rate."""
    name = options.optimizer
    if name == "muon":
        return lambda rate: contrib.muon(
            learning_rate=rate,
            weight_decay=options.weight_decay,
            muon_weight_dimension_numbers=_matrices,
            consistent_rms=MUON_RMS,
        )
    try:
        known = getattr(optax, name)
        decays = "weight_decay" in inspect.signature(known).parameters
        decay = {"weight_decay": options.weight_decay} if decays else {}

        def factory(rate):
            return known(learning_rate=rate, **decay)

        # By shape alone, which starts no device: processes may not be joined yet.
        jax.eval_shape(functools.partial(_step, factory(1.0)), {"w": PROBE})
    except Exception:  # whatever optax says of arguments that are missing
        options.refuse(
            "optimizer",
            "an optimiser of optax that needs a rate and a gradient, such as adamw, "
            "muon, adam, lion or sgd",
        )
    return factory


def _step(rule: optax.GradientTransformation, gradient: PyTree) -> PyTree:
    return rule.update(gradient, rule.init(gradient), gradient)


def _matrices(params: PyTree) -> PyTree:
    """Return which parameters are matrices: muon makes their steps orthogonal.

    A convolution's kernel maps all inputs in its window, (*window, in), to its outputs;
    those under "blocks" are stacked, one kernel after the other. None: not a matrix,
    left to nadamw.
    """

    def dimension_numbers(path, leaf):
        names = [key.key for key in path]
        if names[-1] != "kernel":
            return None
        inputs = tuple(range("blocks" in names, leaf.ndim - 1))
        return contrib.MuonDimensionNumbers(inputs, leaf.ndim - 1)

    return jax.tree_util.tree_map_with_path(dimension_numbers, params)
