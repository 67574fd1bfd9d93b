"""Several processes on this machine: the same run as one."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

import chex
import numpy as np
import pytest
from etils import epath

from adr_jax.training.run import checkpoint

pytestmark = pytest.mark.slow

STEPS = 6


def test_two_processes_stopped_and_resumed_equal_one(make_config, tmp_path):
    """2 processes x 2 devices, one of them sent SIGTERM, against 1 x 4 and 1 x 1."""
    config = make_config()
    config.train.steps = STEPS
    config.train.log_every = 1
    config.train.validation_windows = 5  # 4 devices: three of them are padding
    settings = tmp_path / "config.json"
    settings.write_text(json.dumps(config.to_dict()))

    pair = start(settings, tmp_path / "pair", processes=2, devices=2, stop_at=3)
    four = start(settings, tmp_path / "four", processes=1, devices=4)
    one = start(settings, tmp_path / "one", processes=1, devices=1)
    assert [wait(child) for child in [*four, *one]] == [0, 0]
    assert [wait(child) for child in pair] == [75, 75]
    stopped_at = last(tmp_path / "pair")[1]["step"]
    assert 0 < stopped_at < STEPS

    # The same number of processes goes on, and another.
    shutil.copytree(tmp_path / "pair", tmp_path / "moved")
    pair = start(settings, tmp_path / "pair", processes=2, devices=2)
    moved = start(settings, tmp_path / "moved", processes=1, devices=1)
    assert [wait(child) for child in [*pair, *moved]] == [0, 0, 0]

    state, record = last(tmp_path / "four")
    logged = losses(tmp_path / "four")
    assert len(logged) == STEPS
    for workdir in (tmp_path / name for name in ("pair", "moved", "one")):
        other_state, other_record = last(workdir)
        # The order in which gradients are summed: rounding, which Adam's division by
        # the gradient's size lets grow a little.
        chex.assert_trees_all_close(other_state, state, rtol=1e-3, atol=1e-5)
        assert losses(workdir) == pytest.approx(logged, rel=1e-4)
        assert other_record["best_score"] == pytest.approx(
            record["best_score"], rel=1e-4
        )
        assert other_record["statistics"] == record["statistics"]
        # The first metric is the one that chooses, for who reads the log.
        assert names_of_scores(workdir) == names_of_scores(tmp_path / "four")


def test_an_error_of_one_process_ends_all_with_its_message(make_config, tmp_path):
    config = make_config()
    settings = tmp_path / "config.json"
    settings.write_text(json.dumps(config.to_dict()))
    other = tmp_path / "other.json"
    config.train.learning_rate *= 2
    other.write_text(json.dumps(config.to_dict()))
    port = free_port()
    pair = [
        child(file, tmp_path / "run", 2, number, port, devices=1)
        for number, file in enumerate((settings, other))
    ]
    for process in pair:
        assert wait(process, "differ in their configuration") == 1


def start(settings, workdir, *, processes, devices, stop_at=None):
    """Start the processes of a run; the last gets SIGTERM at batch `stop_at`."""
    port = free_port()
    return [
        child(settings, workdir, processes, number, port, devices, stop_at)
        for number in range(processes)
    ]


def child(settings, workdir, processes, number, port, devices, stop_at=None):
    stop = stop_at if number == processes - 1 and stop_at is not None else -1
    return subprocess.Popen(
        [sys.executable, __file__]
        + [str(a) for a in (settings, workdir, processes, number, port, stop)],
        env=os.environ
        | {
            "JAX_PLATFORMS": "cpu",
            "JAX_NUM_CPU_DEVICES": str(devices),
            "PYTHONPATH": str(pathlib.Path(__file__).parents[3]),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait(process, message=""):
    """Return its exit code."""
    output, _ = process.communicate(timeout=300)
    assert message in output, output
    if process.returncode not in (0, 75):
        print(output)
    return process.returncode


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def last(workdir):
    checkpoints = checkpoint.Checkpoints(epath.Path(workdir / "checkpoints"), keep=3)
    restored = checkpoints.restore()
    checkpoints.close()
    assert restored
    return restored


def losses(workdir):
    logged = map(json.loads, (workdir / "metrics.jsonl").read_text().splitlines())
    return [line["loss"] for line in logged if "loss" in line]


def names_of_scores(workdir):
    logged = map(json.loads, (workdir / "metrics.jsonl").read_text().splitlines())
    return [list(line) for line in logged if "train_seconds" in line]


def train(settings, workdir, processes, number, port, stop_at):
    """Train as a child process."""
    from adr_jax.errors import InputError
    from adr_jax.training import configuration, setup
    from adr_jax.training.devices.processes import start_processes
    from adr_jax.training.loop import train
    from adr_jax.training.run import stopping

    if int(processes) > 1:
        address = f"127.0.0.1:{port}"
        start_processes("on", address, int(processes), int(number))
    tree = json.loads(pathlib.Path(settings).read_text())
    config = configuration.from_json(tree)
    read = setup.read_batch

    def read_or_stop(windows, seed, step, **options):
        if step == int(stop_at):
            os.kill(os.getpid(), signal.SIGTERM)
        assert len(np.arange(4)[options["rows"]]) == 4 // int(processes)
        return read(windows, seed, step, **options)

    setup.read_batch = read_or_stop
    try:
        with stopping.StopSignals() as signals:
            dataset = setup.open_data(config)
            train(config, epath.Path(workdir), dataset, signals)
    except InputError as error:
        sys.exit(f"error: {error}")
    except stopping.Stopped as stop:
        sys.exit(stop.exit_code)


if __name__ == "__main__":
    train(*sys.argv[1:])
