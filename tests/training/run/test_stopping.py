"""Signals: noted for the loop, or ending the run at once."""

import os
import pty
import signal
import subprocess
import sys

import pytest

from adr_jax.training.run.stopping import Stopped, StopSignals


@pytest.fixture(autouse=True)
def no_nohup():
    """Take hangups also where the tests themselves run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 75), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
)
def test_a_signal_is_held_for_the_loop(number, code):
    with StopSignals() as signals:
        with signals.held():
            assert not signals.wish
            os.kill(os.getpid(), number)
            assert signals.wish
        assert signals.exit_code == code


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 75), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
)
def test_outside_the_loop_it_ends_the_run_at_once(number, code):
    with StopSignals(), pytest.raises(Stopped) as stop:
        os.kill(os.getpid(), number)
    assert stop.value.exit_code == code


def test_a_second_interrupt_stops_at_once_but_a_second_sigterm_waits():
    with StopSignals() as signals, signals.held():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_hangup_that_is_ignored_stays_so():
    """As under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with StopSignals():
        os.kill(os.getpid(), signal.SIGHUP)


IN_A_TERMINAL = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.alarm(60)  # whatever goes wrong, it ends
from adr_jax.training.run.stopping import StopSignals

os.close(os.open(os.ttyname(0), os.O_RDWR))  # the terminal is now this session's
with StopSignals() as signals, signals.held():
    print("ready", flush=True)
    while not signals.wish:
        signal.pause()
    print("saved", flush=True)
    os.write(int(sys.argv[1]), b"saved")
"""


def test_after_its_terminal_is_closed_a_run_can_still_save():
    """Writing to a terminal that is gone would be an error, before the checkpoint."""
    user, terminal = pty.openpty()
    told, telling = os.pipe()
    run = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, str(telling)],
        **dict.fromkeys(("stdin", "stdout", "stderr"), terminal),
        start_new_session=True,
        pass_fds=[telling],
    )
    os.close(terminal)
    os.close(telling)
    assert b"ready" in os.read(user, 5)
    os.close(user)  # the kernel sends SIGHUP
    assert os.read(told, 5) == b"saved"
    os.close(told)
    assert run.wait() == 0


def test_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with StopSignals():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    after = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    assert after == before
