"""Compiled programs as the compilers describe them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adr_jax.training import programs
from adr_jax.training.devices import mapping

TPU = """
  %sum.1 = (f32[2,16]{1,0:T(2,128)S(1)}, s32[]{:T(128)}, /*index=2*/bf16[3]{0}) all-reduce(%a, %b, %c), channel_id=1
  %all-reduce-done = f32[9] all-reduce-done(%sum.2), use=all-reduce(x)
  %all-reduce.5 = (f32[9]{0}, f32[9]{0}) all-reduce-start(%a), channel_id=2
  %gather.1 = f32[4,8]{1,0} all-gather(%a), dimensions={0}
"""  # noqa: E501


def test_collectives_count_by_their_results():
    assert programs.read_collectives(TPU) == {
        "all-reduce": 4 * 32 + 4 + 2 * 3 + 4 * 9,
        "all-gather": 4 * 32,
    }


def test_a_program_here_says_what_it_needs():
    def step(state, batch):
        total = mapping.total(jnp.sum(batch @ batch.T))
        return state + total, {"total": total}

    ahead = mapping.step_ahead(
        step,
        jax.ShapeDtypeStruct((), np.float32),
        jax.ShapeDtypeStruct((4, 8), np.float32),
        jax.devices(),
    )
    program = programs.compile_program(ahead.lower(), 1e9)
    assert program.collectives["all-reduce"] == 4
    assert program.host_transfers == []
    assert program.arguments == 4 + 4 * 2 * 8
    assert program.memory >= program.arguments + program.temporaries
    assert program.moved
    with pytest.raises(programs.TooLarge) as error:
        programs.compile_program(ahead.lower(), 10)
    assert error.value.memory == program.memory


def test_exchange_with_the_host_is_seen():
    def talking(x):
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct((3,), np.float32), x)

    lowered = jax.jit(talking).lower(jax.ShapeDtypeStruct((3,), np.float32))
    assert programs.compile_program(lowered, 1e9).host_transfers
