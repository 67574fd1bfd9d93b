"""Show what `describe` knows of a run on chips that are elsewhere."""

from jax.extend.core import Jaxpr

from adr_jax.options import Configuration
from adr_jax.training.ahead import Rehearsal, largest_batch, rehearse
from adr_jax.training.devices.mapping import Ahead
from adr_jax.training.devices.targets import Target
from adr_jax.training.operations import products
from adr_jax.training.programs import Program, TooLarge, compile_program


def show(config: Configuration, frame_shape: tuple[int, ...], target: Target) -> None:
    """Compile the training step and a forecast, and print what they need and cost."""
    rehearsal = rehearse(config, frame_shape, target)
    chips, size = len(target.devices), rehearsal.config.train.batch_size
    wanted = config.train.batch_size
    shared = "" if size == wanted else f", since {chips} cannot share {wanted}"
    print(
        f"{target.name}: {chips} chips of {_gib(target.memory)}; batch {size}, "
        f"{rehearsal.rows} a chip{shared}",
        flush=True,
    )
    fed_back = rehearsal.config.train.feedback
    name = f"training step{f', train.feedback={fed_back}' if fed_back else ''}"
    memory = _show_program(name, rehearsal.step(), target)
    frames = rehearsal.config.train.validation_frames
    _show_program(f"forecast of {frames} frames", rehearsal.forecast(), target)
    _show_largest(rehearsal, memory)
    _show_remedies(rehearsal, memory)


def _show_program(name: str, ahead: Ahead, target: Target) -> float:
    """Print a program's memory and cost; return the memory that it takes."""
    try:
        program = compile_program(ahead.lower(), target.memory)
    except TooLarge as error:
        print(f"{name}: does not fit, it takes {_gib(error.memory)}", flush=True)
        return error.memory
    print(
        f"{name}: fits, compiled in {program.seconds_to_compile:.0f} s\n"
        f"  memory a chip: {_gib(program.memory)}, of which arguments "
        f"{_gib(program.arguments)}, temporaries {_gib(program.temporaries)}"
    )
    jaxpr = ahead.jaxpr()
    moved = (
        f", {program.moved / 1e9:.3g} GB moved (in loops once)" if program.moved else ""
    )
    print(f"  work a chip: {products(jaxpr) / 1e9:.3g} GFLOP of products{moved}")
    sums = ", ".join(
        f"{k} {size / 1e6:.3g} MB" for k, size in program.collectives.items()
    )
    print(f"  between chips: {sums or 'nothing'}", flush=True)
    times = least_times(program, jaxpr, target)
    if times:
        shown = ", ".join(f"{name} {1e3 * time:.2g} ms" for name, time in times)
        print(f"  at its peaks: {shown}", flush=True)
    return program.memory


def least_times(
    program: Program, jaxpr: Jaxpr, target: Target
) -> list[tuple[str, float]]:
    """Return what takes time, with its seconds at the chip's peaks where it has some.

    A loop's body counts once in what is moved, so that memory takes longer.
    """
    peaks, chips = target.peaks, len(target.devices)
    if peaks is None or program.moved is None:
        return []
    # A ring passes every byte on almost twice.
    exchanged = 2 * (chips - 1) / chips * sum(program.collectives.values())
    return [
        ("products", products(jaxpr, passes=True) / peaks.operations),
        ("memory", program.moved / peaks.bandwidth),
        ("sums over chips", exchanged / peaks.link),
    ]


def _show_largest(rehearsal: Rehearsal, memory: float) -> None:
    found = largest_batch(rehearsal, memory)
    if found is None:
        print("largest batch: not one row a chip fits", flush=True)
        return
    rows, taken = found
    size = rows * len(rehearsal.target.devices)
    print(
        f"largest batch: at least {size}, {rows} a chip, which takes {_gib(taken)}",
        flush=True,
    )


def _show_remedies(rehearsal: Rehearsal, memory: float) -> None:
    """Print what the options for less memory would change."""
    remat, parts = rehearsal.config.model.remat, rehearsal.config.train.accumulate
    changes = {f"model.remat={not remat}": rehearsal.but(model={"remat": not remat})}
    if rehearsal.rows % (2 * parts) == 0:
        name = f"train.accumulate={2 * parts}"
        changes[name] = rehearsal.but(train={"accumulate": 2 * parts})
    for name, changed in changes.items():
        print(
            f"{name}: {_gib(changed.memory())} in place of {_gib(memory)}", flush=True
        )


def _gib(size: float) -> str:
    return f"{size / 2**30:.3g} GiB"
