"""One run in a workdir at a time, however the one before ended."""

import os
import subprocess
import sys
import threading
import time

import pytest
from etils import epath

from adr_jax.errors import InputError
from adr_jax.training.run import locks


@pytest.fixture
def workdir(tmp_path):
    return epath.Path(tmp_path / "run")


def test_a_second_run_is_refused_and_told_who_holds_it(workdir):
    with (
        locks.claimed(workdir),
        pytest.raises(InputError, match=f"in use by process {os.getpid()} on "),
        locks.claimed(workdir),
    ):
        pass
    assert list(workdir.iterdir()) == []
    with locks.claimed(workdir):
        pass


def test_a_lock_left_by_a_killed_run_does_not_block(workdir):
    code = (
        "import os; from etils import epath; from adr_jax.training.run import locks\n"
        f"with locks.claimed(epath.Path({str(workdir)!r})): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert (workdir / ".lock").exists()
    with locks.claimed(workdir):
        pass
    assert not (workdir / ".lock").exists()


def test_a_lock_removed_while_it_is_waited_for_is_taken_anew(workdir, monkeypatch):
    """The run before removes its file after this one opened it."""
    flock, removed = locks.fcntl.flock, []

    def remove_first(descriptor, operation):
        if not removed:
            (workdir / ".lock").unlink()
            removed.append(True)
        flock(descriptor, operation)

    monkeypatch.setattr(locks.fcntl, "flock", remove_first)
    with (
        locks.claimed(workdir),
        pytest.raises(InputError, match="in use"),
        locks.claimed(workdir),
    ):
        pass


def test_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(locks.tempfile, "gettempdir", lambda: str(tmp_path))
    inside, most = [], []

    def work():
        with locks.one_at_a_time("task"):
            inside.append(True)
            time.sleep(0.01)  # the others come by
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
