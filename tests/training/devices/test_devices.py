"""Joining processes, checking devices, and sharing work among devices."""

import jax
import numpy as np
import pytest

from adr_jax.errors import InputError
from adr_jax.training.devices import host, mapping, processes


@pytest.fixture
def no_cluster(monkeypatch):
    """JAX recognises no launcher; nothing in the environment speaks of one."""
    calls = []

    def initialize(*arguments, **_):
        calls.append(arguments)
        if arguments[0] is None:
            raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    for name in (*processes._TASK_COUNTS, processes._INDEXED_JOB):
        monkeypatch.delenv(name, raising=False)
    return calls


def test_one_process_is_one_without_being_asked(no_cluster):
    processes.start_processes("auto", None, None, None)
    processes.start_processes("off", None, None, None)
    assert len(no_cluster) == 1


def test_an_address_joins_processes(no_cluster):
    processes.start_processes("auto", "host:1234", 4, 0)
    assert no_cluster == [("host:1234", 4, 0)]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SLURM_STEP_NUM_TASKS", "4"),
        ("OMPI_COMM_WORLD_SIZE", "2"),
        ("JOB_COMPLETION_INDEX", "0"),
    ],
)
def test_a_launch_of_several_never_becomes_several_runs(
    no_cluster, monkeypatch, variable, value
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match="cannot be joined .*--distributed=off"):
        processes.start_processes("auto", None, None, None)
    processes.start_processes("off", None, None, None)


def test_on_needs_others(no_cluster):
    with pytest.raises(InputError, match="cannot be joined .*--coordinator=HOST:PORT"):
        processes.start_processes("on", None, None, None)


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (("auto", "host:1", None, None), "missing: --num_processes, --process_id"),
        (("on", None, 2, 0), "missing: --coordinator"),
        (("off", "host:1", 2, 0), "not with --distributed=off"),
    ],
)
def test_flags_that_go_together(no_cluster, arguments, missing):
    with pytest.raises(InputError, match=missing):
        processes.start_processes(*arguments)
    assert no_cluster == []


def test_devices_are_those_expected_and_share_the_batch():
    host.check_devices(expected=2, batch_size=8, accumulate=4)
    with pytest.raises(InputError, match="expected_devices is 4, but JAX sees 2 cpu"):
        host.check_devices(expected=4, batch_size=4)
    with pytest.raises(InputError, match="is 5, which 2 devices cannot share: .* of 2"):
        host.check_devices(expected=0, batch_size=5)
    with pytest.raises(InputError, match="cannot share 3 times: set a multiple of 6"):
        host.check_devices(expected=0, batch_size=8, accumulate=3)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_forecast_of_any_number_of_samples(samples, generator):
    forecast = mapping.map_forecast(lambda gain, history, n: gain * history[:, :n])
    history = generator.random((samples, 4, 3, 1)).astype(np.float32)
    ahead = forecast(mapping.replicate(np.float32(2)), history, 3)
    np.testing.assert_array_equal(ahead, 2 * history[:, :3])


def test_rows_of_all_processes_are_the_batch(monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 3)
    batch = np.arange(12)
    shares = []
    for process in range(3):
        monkeypatch.setattr(jax, "process_index", lambda process=process: process)
        shares.append(batch[mapping.rows(12)])
    np.testing.assert_array_equal(np.concatenate(shares), batch)
    assert {len(share) for share in shares} == {4}
