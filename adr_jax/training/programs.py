"""Compiled programs: what they need and do, read from the compiler's own report."""

import math
import re
import time
from collections.abc import Mapping
from typing import NamedTuple

import jax

COLLECTIVES = (
    *("all-reduce", "all-gather", "all-to-all"),
    *("reduce-scatter", "collective-permute"),
)
_BYTES = {
    "pred": 1,
    "s8": 1,
    "u8": 1,
    "bf16": 2,
    "f16": 2,
    "s64": 8,
    "u64": 8,
    "f64": 8,
}
# Where it starts and ends apart, its results are those of its end.
_COLLECTIVE = re.compile(rf" = (.*?) ({'|'.join(COLLECTIVES)})(?:-done)?\(")
_ARRAY = re.compile(r"([a-z]+\d*)\[([\d,]*)\]")
_TO_HOST = re.compile(
    r" (infeed|outfeed|send|recv)\(|(S\(5\))|custom_call_target=\"(\w*callback\w*)\""
)
_TOO_LARGE = re.compile(r"\(([\d.]+)([MG])\) exceeds available")


class Program(NamedTuple):
    """Hold what a compiled program needs and does, on each of its devices."""

    seconds_to_compile: float
    # Bytes of what it is given, of what it keeps while it runs, and of all it takes.
    arguments: int
    temporaries: int
    memory: int
    # Bytes to and from memory, by the compiler; a loop's body counts once.
    moved: float | None
    # Bytes that each kind of collective sums or exchanges.
    collectives: Mapping[str, int]
    text: str

    @property
    def host_transfers(self) -> list[str]:
        """Return the operations that exchange data with the host."""
        return ["".join(found) for found in _TO_HOST.findall(self.text)]


class TooLarge(Exception):
    """A program that takes more memory than its device has."""

    def __init__(self, memory: float):
        super().__init__(memory)
        self.memory = memory


def compile_program(lowered: jax.stages.Lowered, available: float) -> Program:
    """Compile for devices with so many bytes, and return what the program needs.

    Raises:
      TooLarge: it does not fit.
    """
    start = time.perf_counter()
    try:
        compiled = lowered.compile()
    except jax.errors.JaxRuntimeError as error:
        found = _TOO_LARGE.search(str(error))
        if not found:
            raise
        size = float(found[1]) * {"M": 2**20, "G": 2**30}[found[2]]
        raise TooLarge(size) from error
    seconds = time.perf_counter() - start
    memory, text = compiled.memory_analysis(), compiled.as_text() or ""
    assert memory is not None
    arguments, temporaries = memory.argument_size_in_bytes, memory.temp_size_in_bytes
    results = memory.output_size_in_bytes - memory.alias_size_in_bytes
    size = arguments + temporaries + results + memory.generated_code_size_in_bytes
    if size > available:
        raise TooLarge(size)
    return Program(
        seconds,
        arguments,
        temporaries,
        size,
        (compiled.cost_analysis() or {}).get("bytes accessed"),
        read_collectives(text),
        text,
    )


def read_collectives(text: str) -> dict[str, int]:
    """Return the bytes of the results of each kind of collective in a program."""
    found = {}
    for shapes, kind in _COLLECTIVE.findall(text):
        arrays = _ARRAY.findall(shapes)
        found[kind] = found.get(kind, 0) + sum(_size(*array) for array in arrays)
    return found


def _size(dtype: str, shape: str) -> int:
    return _BYTES.get(dtype, 4) * math.prod(int(n) for n in shape.split(",") if n)
