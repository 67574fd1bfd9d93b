"""Time a 3 x 3 convolution, its gradients and cheaper forms of both, in one process.

    python benchmarks/speed/convolution.py [--rounds 20]

Convolutions are most of a training step. The rows beside the plain ones are forms that
could replace them on CPUs; docs/results/training_step.md says which were worth it.
"""

import argparse
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from gpu_timing import Form, timed

from adr_jax.training.devices import host

# Of the field, and the channels of the output.
SHAPES = [((2, 128, 128, 24), 24), ((2, 128, 128, 24), 48), ((4, 64, 64, 24), 24)]
PLANES = ("NHWC", "HWIO", "NHWC")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    host.prepare_host(1)
    print(host.describe_devices())
    for shape, features in SHAPES:
        show(shape, features, arguments.rounds)


def show(shape: tuple[int, ...], features: int, rounds: int) -> None:
    """Time every form of one case in turn, and print the medians."""
    rng = np.random.default_rng(0)
    channels = shape[-1]
    x, kernel, stencil, cotangent = (
        jnp.asarray(rng.normal(size=size), jnp.float32)
        for size in (
            shape,
            (3, 3, channels, features),
            (3, 3, 1, channels),
            (*shape[:-1], features),
        )
    )
    mixing = kernel[:1, :1]
    forms = {
        "convolution": (convolve, x, kernel),
        "... gradient of the field": (field_gradient, kernel, cotangent, x),
        "... gradient of the kernel": (kernel_gradient, x, cotangent, kernel),
        "... the same over rows": (kernel_gradient_over_rows, x, cotangent),
        "depthwise": (depthwise, x, stencil),
        "depthwise, sum of shifts": (sum_of_shifts, x, stencil),
        "all gradients, convolution": (gradients(convolve), x, kernel),
        "all gradients, depthwise": (gradients(depthwise), x, stencil),
        "all gradients, separable": (gradients(separable), x, stencil, mixing),
    }
    calls = {
        name: Form(functools.partial(jax.jit(form), *args))
        for name, (form, *args) in forms.items()
    }
    print(f"\n{shape} to {features} channels, milliseconds")
    for name, time in timed(calls, rounds).items():
        print(f"{name:28} {1e3 * time.seconds:8.2f}")


def convolve(x, kernel):
    """Return the 3 x 3 convolution as the networks take it."""
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=PLANES
    )


def field_gradient(kernel, cotangent, x):
    """Return the cotangent of the field, as JAX derives it."""
    return jax.linear_transpose(lambda x: convolve(x, kernel), x)(cotangent)


def kernel_gradient(x, cotangent, kernel):
    """Return the cotangent of the kernel, as JAX derives it."""
    return jax.linear_transpose(lambda kernel: convolve(x, kernel), kernel)(cotangent)


def kernel_gradient_over_rows(x, cotangent):
    """Return the same as a convolution along one axis, whose windows are contiguous."""
    batch, rows, columns, channels = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = jnp.stack([padded[:, :, k : k + columns] for k in range(3)])
    lines = jnp.transpose(shifted, (0, 4, 2, 1, 3))
    lines = lines.reshape(3 * channels, rows + 2, batch * columns)
    window = jnp.transpose(cotangent, (1, 0, 2, 3)).reshape(rows, batch * columns, -1)
    out = jax.lax.conv_general_dilated(
        lines, window, (1,), "VALID", dimension_numbers=("NHC", "HIO", "NHC")
    )
    return jnp.transpose(out.reshape(3, channels, 3, -1), (2, 0, 1, 3))


def depthwise(x, stencil):
    """Return each channel convolved with a stencil of its own."""
    return jax.lax.conv_general_dilated(
        x,
        stencil,
        (1, 1),
        "SAME",
        dimension_numbers=PLANES,
        feature_group_count=x.shape[-1],
    )


def sum_of_shifts(x, stencil):
    """Return the same as the sum of nine shifted products."""
    rows, columns = x.shape[1:3]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return sum(
        padded[:, i : i + rows, k : k + columns] * stencil[i, k, 0]
        for i, k in np.ndindex(3, 3)
    )


def separable(x, stencil, mixing):
    """Return the channels mixed, after each was convolved on its own."""
    return convolve(sum_of_shifts(x, stencil), mixing)


def gradients(form: Callable) -> Callable:
    """Return the value and the gradients of all arguments, through a bent output."""

    def loss(*args):
        return jnp.sum(jnp.tanh(form(*args)))

    return lambda *args: jax.value_and_grad(loss, tuple(range(len(args))))(*args)


if __name__ == "__main__":
    main()
