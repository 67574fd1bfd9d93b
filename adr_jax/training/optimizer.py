"""Optimisers by name, as a training step uses them: at rate 1, and scaled outside."""

import inspect

import jax
import optax
from jaxtyping import PyTree
from ml_collections import ConfigDict
from optax import contrib

# Those of optax that need a gradient and a rate, and whose step is proportional to it.
OPTIMIZERS = (
    *("adamw", "muon", "adam", "lion", "sgd", "adabelief", "adadelta", "adafactor"),
    *("adagrad", "adamax", "adamaxw", "adan", "amsgrad", "lamb", "lars", "nadam"),
    *("nadamw", "novograd", "optimistic_adam_v2", "optimistic_gradient_descent"),
    *("radam", "rmsprop", "rprop", "sign_sgd", "signum", "sm3", "yogi"),
)

# Size of muon's steps beside adamw's, so that neither needs another range of rates:
# what optax recommends.
MUON_RMS = 0.2


def make_optimizer(config: ConfigDict) -> optax.GradientTransformation:
    """Clipping and the optimiser at rate 1: `learning_rate` scales what it returns."""
    if config.optimizer == "muon":
        rule = contrib.muon(
            learning_rate=1.0,
            weight_decay=config.weight_decay,
            muon_weight_dimension_numbers=_matrices,
            consistent_rms=MUON_RMS,
        )
    else:
        factory = getattr(optax, config.optimizer)
        decays = "weight_decay" in inspect.signature(factory).parameters
        decay = {"weight_decay": config.weight_decay} if decays else {}
        rule = factory(learning_rate=1.0, **decay)
    if config.clip:
        return optax.chain(optax.clip_by_global_norm(config.clip), rule)
    return rule


def _matrices(params: PyTree) -> PyTree:
    """Which parameters act as matrices, and how: muon makes their steps orthogonal.

    A convolution's kernel maps all inputs in its window, (*window, in), to its outputs;
    those under "blocks" are stacked, one kernel after the other. None: not a matrix,
    left to nadamw.
    """

    def of(path, leaf):
        names = [key.key for key in path]
        if names[-1] != "kernel":
            return None
        inputs = tuple(range("blocks" in names, leaf.ndim - 1))
        return contrib.MuonDimensionNumbers(inputs, leaf.ndim - 1)

    return jax.tree_util.tree_map_with_path(of, params)
